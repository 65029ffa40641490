//! Hand-written decoding of the most frequent deltas.
//!
//! Nine out of ten frames have one of three shapes, whose members the service always writes in the same order and
//! without escapes. Such a frame is compared with the expected text and split at its quotes, which takes a fraction of
//! the time of parsing JSON. For anything else (another order, an escape, a space, an additional member) the functions
//! return `None` and the general path decides. The general path is the specification; tests verify that both give the
//! same result.

use super::{ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta, ServerEvent};
use crate::{
    protocol::event::{Reading, delta_cache::Common},
    wire::{Audio, Id, TextDelta, WINDOW, base64, short_id, stop},
};

/// A delta with these members. The structs of the three shapes have the same.
macro_rules! delta {
    ($head:ident, $event:ident, $delta:expr) => {
        $event {
            delta: $delta,
            event_id: Some($head.event_id.into()),
            response_id: $head.response_id.into(),
            item_id: $head.item_id.into(),
            output_index: $head.output_index,
            content_index: $head.content_index,
        }
    };
}

/// Decodes a frame of one of the three shapes.
pub(super) fn read(raw: &[u8], reading: &mut Reading) -> Option<ServerEvent> {
    let rest = raw.strip_prefix(br#"{"type":"response.output_"#)?;
    let (kind, rest) = if let Some(rest) = rest.strip_prefix(br#"audio.delta","#) {
        (Kind::Audio, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"audio_transcript.delta","#) {
        (Kind::Transcript, rest)
    } else {
        (Kind::Text, rest.strip_prefix(br#"text.delta","#)?)
    };
    let (event_id, rest) = event_id(rest)?;
    if let Some(rest) = reading.deltas.strip(rest) {
        let Common { response_id, item_id, output_index, content_index, .. } = reading.deltas.last()?;
        let (output_index, content_index) = (*output_index, *content_index);
        return Head { event_id, response_id, item_id, output_index, content_index }.event(kind, rest);
    }
    let (head, after) = head(event_id, rest)?;
    if reading.deltas.is_on() {
        let (response_id, item_id) = (head.response_id.into(), head.item_id.into());
        let text = &rest[..rest.len() - after.len()];
        reading.deltas.set(text, response_id, item_id, head.output_index, head.content_index);
    }
    head.event(kind, after)
}

/// Decodes an audio delta and appends its audio to `buffer`. If it returns `None`, the buffer is unchanged.
pub(super) fn read_audio_into(raw: &[u8], buffer: &mut Vec<u8>) -> Option<ResponseOutputAudioDelta> {
    let (event_id, rest) = event_id(raw.strip_prefix(br#"{"type":"response.output_audio.delta","#)?)?;
    let (head, rest) = head(event_id, rest)?;
    base64::decode_into(audio(rest)?, buffer)?;
    Some(delta!(head, ResponseOutputAudioDelta, Audio::default()))
}

/// The three shapes.
#[derive(Clone, Copy)]
enum Kind {
    Audio,
    Transcript,
    Text,
}

/// The members in front of a delta. Their ids are only made where the event is, because moving them there takes longer.
struct Head<'a, I> {
    event_id: PlainId<'a>,
    response_id: I,
    item_id: I,
    output_index: u32,
    content_index: u32,
}

impl<I: Into<Id>> Head<'_, I> {
    /// Makes the event of the members and what follows the opening quote of the delta.
    #[inline]
    fn event(self, kind: Kind, rest: &[u8]) -> Option<ServerEvent> {
        Some(match kind {
            Kind::Audio => {
                let sound = Audio::from_base64(audio(rest)?)?;
                ServerEvent::ResponseOutputAudioDelta(delta!(self, ResponseOutputAudioDelta, sound))
            }
            Kind::Transcript => ServerEvent::ResponseOutputAudioTranscriptDelta(delta!(
                self,
                ResponseOutputAudioTranscriptDelta,
                text(rest)?
            )),
            Kind::Text => ServerEvent::ResponseOutputTextDelta(delta!(self, ResponseOutputTextDelta, text(rest)?)),
        })
    }
}

/// An id in a frame: ASCII, and short enough to be stored inline.
#[derive(Clone, Copy)]
struct PlainId<'a> {
    window: &'a [u8; WINDOW],
    len: usize,
}

impl From<PlainId<'_>> for Id {
    #[inline]
    fn from(id: PlainId<'_>) -> Self {
        Self::from_ascii(id.window, id.len)
    }
}

/// Parses the id of the event, which is never that of another.
fn event_id(raw: &[u8]) -> Option<(PlainId<'_>, &[u8])> {
    id(raw.strip_prefix(br#""event_id":""#)?)
}

/// Parses the other members in front of a delta. Also returns what follows its opening quote.
fn head<'a>(event_id: PlainId<'a>, raw: &'a [u8]) -> Option<(Head<'a, PlainId<'a>>, &'a [u8])> {
    let (response_id, raw) = id(raw.strip_prefix(br#","response_id":""#)?)?;
    let (item_id, raw) = id(raw.strip_prefix(br#","item_id":""#)?)?;
    let (output_index, raw) = number(raw.strip_prefix(br#","output_index":"#)?)?;
    let (content_index, raw) = number(raw.strip_prefix(br#","content_index":"#)?)?;
    let head = Head { event_id, response_id, item_id, output_index, content_index };
    Some((head, raw.strip_prefix(br#","delta":""#)?))
}

/// The base64 of an audio delta. The closing quote is not searched for: if the rest is not base64 up to the expected end,
/// decoding fails.
fn audio(rest: &[u8]) -> Option<&[u8]> {
    rest.strip_suffix(br#""}"#)
}

/// Parses the text of a delta. The service pads the frame so that its size does not reveal the word.
fn text(rest: &[u8]) -> Option<TextDelta> {
    let (text, rest) = string(rest)?;
    if rest != b"}" {
        let (veil, rest) = string(rest.strip_prefix(br#","obfuscation":""#)?)?;
        if rest != b"}" || !veil.is_ascii() {
            return None;
        }
    }
    Some(std::str::from_utf8(text).ok()?.into())
}

/// Parses an id up to its closing quote.
fn id(raw: &[u8]) -> Option<(PlainId<'_>, &[u8])> {
    let (window, len) = short_id(raw)?;
    Some((PlainId { window, len }, &raw[len + 1..]))
}

/// Parses a string up to its closing quote. `None` if it contains an escape or a character that requires one.
fn string(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = stop(raw)?;
    (raw[end] == b'"').then(|| (&raw[..end], &raw[end + 1..]))
}

/// Parses a number of up to nine digits.
fn number(raw: &[u8]) -> Option<(u32, &[u8])> {
    // As nearly always.
    if let [digit @ b'0'..=b'9', b',', ..] = raw {
        return Some((u32::from(digit - b'0'), &raw[1..]));
    }
    let end = raw.iter().take(10).position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = raw.split_at(end);
    if digits.is_empty() || (digits[0] == b'0' && end > 1) {
        return None;
    }
    // Nine digits are at most 999,999,999.
    Some((digits.iter().fold(0, |number, digit| 10 * number + u32::from(digit - b'0')), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::{Event, delta_cache::DeltaCache};

    fn frame(kind: &str, output_index: &str, delta: &str) -> String {
        format!(
            r#"{{"type":"response.{kind}.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":{output_index},"content_index":0,"delta":"{delta}"}}"#
        )
    }

    #[test]
    fn reads_the_three_shapes() {
        let veiled = |frame: String| frame.replace("\"}", "\",\"obfuscation\":\"Gm\"}");
        for raw in [
            frame("output_audio", "0", "AQD+/ywB"),
            frame("output_audio", "1", ""),
            frame("output_audio", "0", "AQ=="),
            frame("output_text", "0", " word"),
            frame("output_audio_transcript", "999999999", "é"),
            veiled(frame("output_text", "10", "")),
            veiled(frame("output_audio_transcript", "0", "👋")),
        ] {
            let event = read(raw.as_bytes(), &mut Default::default());
            assert_eq!(event, Some(ServerEvent::general(&raw, &mut Default::default())), "{raw}");
            assert_eq!(event, Some(ServerEvent::decode(raw.as_bytes())), "{raw}");
        }
    }

    #[test]
    fn every_byte_is_looked_at() {
        for raw in [
            frame("output_audio", "0", "AQD+/ywB"),
            frame("output_text", "0", "\u{e9}"),
            frame("output_audio_transcript", "0", "a").replace("\"}", "\",\"obfuscation\":\"Gm\"}"),
            r#"{"type":"response.output_text.done","text":"a"}"#.into(),
        ] {
            for at in 0..raw.len() {
                for byte in [0x80, 0xA9, 0xC3, 0xFF] {
                    let mut raw = raw.clone().into_bytes();
                    raw[at] = byte;
                    let read = ServerEvent::read_text(&raw, &mut Default::default());
                    assert_eq!(read.is_some(), std::str::from_utf8(&raw).is_ok(), "{byte:02x} at {at}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_of_the_delta_before_changes_nothing() {
        let plain = frame("output_audio_transcript", "0", "a");
        let long = "r".repeat(40);
        let all = [
            frame("output_audio", "0", "AQD+/ywB"),
            plain.clone(),
            frame("output_text", "0", "word"),
            frame("output_text", "12", "word"),
            frame("audio", "0", "AQD+/ywB"),
            frame("output_audio", "0", "AQD"),
            plain.replace("event_1", "event_2"),
            plain.replace("resp_1", "resp_2"),
            plain.replace("item_1", "item_"),
            plain.replace("resp_1", ""),
            plain.replace("resp_1", &long),
            plain.replace("resp_1", "r\u{e9}"),
            plain.replace("resp_1", r"resp_\u0031"),
            plain.replace(",\"item_id\":\"item_1\"", ""),
            r#"{"type":"response.output_text.done","text":"a"}"#.into(),
        ];
        let after = |before: &str, raw: &[u8]| {
            let mut reading = Reading { deltas: DeltaCache::on(), ..Reading::default() };
            let _ = ServerEvent::read_text(before.as_bytes(), &mut reading);
            let event = ServerEvent::read_text(raw, &mut reading);
            assert_eq!(event, ServerEvent::read_text(raw, &mut Reading::default()), "{}", String::from_utf8_lossy(raw));
            reading.deltas
        };
        for before in &all {
            for raw in &all {
                after(before, raw.as_bytes());
                for at in 0..raw.len() {
                    after(before, &raw.as_bytes()[..at]);
                    let mut raw = raw.clone().into_bytes();
                    raw[at] ^= 1;
                    after(before, &raw);
                }
            }
        }
        assert!(after(&plain, b"{}").last().is_some(), "it is kept");
        assert!(after(&plain.replace("resp_1", &long), b"{}").last().is_none(), "long ids are not");
    }

    #[test]
    fn leaves_what_surprises_to_the_general_path() {
        let plain = frame("output_text", "0", "a");
        for raw in [
            frame("text", "0", "a"),
            frame("output_text", "00", "a"),
            frame("output_text", "0.0", "a"),
            frame("output_text", "-1", "a"),
            frame("output_text", "4294967296", "a"),
            frame("output_text", "", "a"),
            frame("output_text", "0", r"\n"),
            frame("output_text", "0", "\n"),
            frame("output_audio", "0", "AQD+/yw"),
            frame("output_audio", "0", r"AQD+\/ywB"),
            frame("output_audio", "0", r#"AQD+","x":"AQD+"#),
            plain.replace(",\"item", ", \"item"),
            plain.replace("event_1", r"event_\u0031"),
            plain.replace("\"}", "\",\"obfuscation\":null}"),
            plain.replace("\"}", "\",\"delta\":\"b\"}"),
            format!("{plain} "),
            format!("{plain}}}"),
        ] {
            assert_eq!(read(raw.as_bytes(), &mut Default::default()), None, "{raw}");
        }
    }
}
