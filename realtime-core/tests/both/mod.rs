//! A message, read by hand and by the general path.
//!
//! A space behind a message means nothing in JSON, and the hand-written reader does not take it: so it shows what the
//! general path makes of the same message.

use realtime_core::{
    Audio,
    event::{Event, Recognition, ResponseOutputAudioDelta, ServerEvent},
};

/// Reads a message both ways. Whether it was an event.
pub(crate) fn compare(raw: &[u8]) -> bool {
    let event = ServerEvent::decode(raw);
    let general = ServerEvent::decode(&[raw, b" "].concat());
    let shown = String::from_utf8_lossy(raw);
    let mut buffer = vec![7];
    let into = ResponseOutputAudioDelta::decode_into(raw, &mut buffer);
    match &event {
        ServerEvent::ResponseOutputAudioDelta(delta) => {
            let mut into = into.unwrap_or_else(|| panic!("{shown}"));
            assert_eq!((&buffer[1..], &into.delta), (&*delta.delta, &Audio::default()), "{shown}");
            into.delta = delta.delta.clone();
            assert_eq!(into, *delta, "{shown}");
        }
        _ => assert_eq!((into, buffer), (None, vec![7]), "{shown}"),
    }
    match (event.recognition(), general.recognition()) {
        (Recognition::Known, _) | (_, Recognition::Known) => assert_eq!(event, general, "{shown}"),
        (Recognition::Invalid(_), Recognition::Invalid(_)) => return false,
        _ => assert_eq!((event.kind(), event.event_id()), (general.kind(), general.event_id()), "{shown}"),
    }
    event.recognition() == Recognition::Known
}
