//! A message, decoded by hand and by serde.
//!
//! A space behind a message means nothing in JSON, and what decodes by hand does not take it: so it shows what serde makes of
//! the same message.

use realtime_core::{
    Audio,
    event::{Event, Reading, Recognition, ResponseOutputAudioDelta, ServerEvent},
};

/// Reads a message both ways. Whether it was an event.
pub(crate) fn compare(raw: &[u8]) -> bool {
    let event = ServerEvent::decode(raw);
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
    compare_as::<ServerEvent>(raw)
}

/// Reads a message of any table both ways. Whether it was an event.
pub(crate) fn compare_as<E: Event>(raw: &[u8]) -> bool {
    let [mut by_hand, mut by_serde] = [Reading::default(), Reading::default()];
    let event = E::read(raw, &mut by_hand);
    let general = E::read(&[raw, b" "].concat(), &mut by_serde);
    let shown = String::from_utf8_lossy(raw);
    // Counted from the length, which differs.
    (by_hand.weight, by_serde.weight) = (0, 0);
    match (event.recognition(), general.recognition()) {
        (Recognition::Known, _) | (_, Recognition::Known) => assert_eq!(event, general, "{shown}"),
        (Recognition::Invalid(_), Recognition::Invalid(_)) => return false,
        _ => assert_eq!((event.kind(), event.event_id()), (general.kind(), general.event_id()), "{shown}"),
    }
    assert_eq!(by_hand, by_serde, "{shown}");
    event.recognition() == Recognition::Known
}
