//! Output audio, read by hand.
//!
//! Most of what the service sends is this one frame, written plainly and always in the same way. Anything else about it
//! (another order, a space, an id) gives none, and the general path decides: it is the specification, and a test holds
//! that both read the same.

use super::{ServerEvent, SessionOutputAudioDelta};
use crate::wire::Audio;

/// Reads a frame that is output audio without times.
pub(super) fn read(raw: &[u8]) -> Option<ServerEvent> {
    let text = raw.strip_prefix(br#"{"type":"session.output_audio.delta","delta":""#)?.strip_suffix(br#""}"#)?;
    // Its end is not looked for: what is not base64 all the way has a quote in it, or worse.
    Some(SessionOutputAudioDelta::new(Audio::from_base64(text)?).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn reads_plain_audio_as_the_general_path_does() {
        for text in ["", "AQD+/ywB", "AQ=="] {
            let raw = format!(r#"{{"type":"session.output_audio.delta","delta":"{text}"}}"#);
            let event = read(raw.as_bytes());
            assert_eq!(event, Some(ServerEvent::general(raw.as_bytes(), &mut Default::default())), "{raw}");
            assert_eq!(event, Some(ServerEvent::decode(raw.as_bytes())), "{raw}");
        }
    }

    #[test]
    fn leaves_everything_else_to_the_general_path() {
        for raw in [
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":0}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD"}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+" }"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD\u002b"}"#,
            r#"{"type":"session.output_audio.delta","event_id":"e","delta":"AQD+"}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","delta":"AQD+"}"#,
        ] {
            assert_eq!(read(raw.as_bytes()), None, "{raw}");
        }
    }
}
