//! Output audio, read by hand.
//!
//! Most of what the service sends is this one frame, written plainly and always in the same way. Anything else about it
//! (another order, a space, an id) gives none, and the general path decides: it is the specification, and a test holds
//! that both read the same.

use super::{ServerEvent, SessionOutputAudioDelta};
use crate::{protocol::event::Reading, wire::Audio};

/// Reads a frame that is output audio: without times, or with both, as a sideband receives it.
pub(super) fn read(raw: &[u8], _: &mut Reading) -> Option<ServerEvent> {
    let text = raw.strip_prefix(br#"{"type":"session.output_audio.delta","delta":""#)?;
    // The end of the audio is not looked for: what is not base64 all the way has a quote in it, or worse.
    if let Some(text) = text.strip_suffix(br#""}"#) {
        return Some(SessionOutputAudioDelta::new(Audio::from_base64(text)?).into());
    }
    let (text, end_ms) = last_number(text.strip_suffix(b"}")?)?;
    let (text, start_ms) = last_number(text.strip_suffix(br#","end_ms":"#)?)?;
    let audio = Audio::from_base64(text.strip_suffix(br#"","start_ms":"#)?)?;
    Some(SessionOutputAudioDelta::new(audio).start_ms(start_ms).end_ms(end_ms).into())
}

/// The whole number at the end, and what is before it. Longer ones than the timeline has, and signs, are left to the general
/// path.
fn last_number(text: &[u8]) -> Option<(&[u8], u64)> {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = text.split_at(text.len() - digits);
    if digits.len() > 15 || !matches!(digits, [b'0'] | [b'1'..=b'9', ..]) {
        return None;
    }
    Some((before, digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn reads_plain_audio_as_the_general_path_does() {
        for text in ["", "AQD+/ywB", "AQ=="] {
            let raw = format!(r#"{{"type":"session.output_audio.delta","delta":"{text}"}}"#);
            let event = read(raw.as_bytes(), &mut Default::default());
            assert_eq!(event, Some(ServerEvent::general(&raw, &mut Default::default())), "{raw}");
            assert_eq!(event, Some(ServerEvent::decode(raw.as_bytes())), "{raw}");
            for (start, end) in [("0", "0"), ("124600", "124700"), ("7", "999999999999999")] {
                let times = format!(r#","start_ms":{start},"end_ms":{end}}}"#);
                let raw = raw.replace('}', &times);
                let event = read(raw.as_bytes(), &mut Default::default());
                assert!(event.is_some(), "{raw}");
                assert_eq!(event, Some(ServerEvent::general(&raw, &mut Default::default())), "{raw}");
            }
        }
    }

    #[test]
    fn every_byte_is_looked_at() {
        for times in ["", r#","start_ms":7,"end_ms":9"#] {
            let raw = format!(r#"{{"type":"session.output_audio.delta","delta":"AQD+"{times}}}"#);
            for at in 0..raw.len() {
                let mut raw = raw.clone().into_bytes();
                raw[at] = 0xFF;
                assert_eq!(ServerEvent::read_text(&raw, &mut Default::default()), None, "{at}");
            }
        }
    }

    #[test]
    fn leaves_everything_else_to_the_general_path() {
        for raw in [
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":0}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","end_ms":1,"start_ms":0}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":0.5,"end_ms":1}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":-1,"end_ms":1}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":00,"end_ms":1}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":0,"end_ms":}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":0,"end_ms":9999999999999999}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","start_ms":null,"end_ms":1}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD"}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+" }"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD\u002b"}"#,
            r#"{"type":"session.output_audio.delta","event_id":"e","delta":"AQD+"}"#,
            r#"{"type":"session.output_audio.delta","delta":"AQD+","delta":"AQD+"}"#,
        ] {
            assert_eq!(read(raw.as_bytes(), &mut Default::default()), None, "{raw}");
        }
    }
}
