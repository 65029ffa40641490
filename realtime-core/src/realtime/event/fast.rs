//! Hand-written decoding of the most frequent deltas.
//!
//! Nine out of ten frames have one of three shapes, whose members the service always writes in the same order and
//! without escapes. Such a frame is compared with the expected text and split at its quotes, which takes a fraction of
//! the time of parsing JSON. For anything else (another order, an escape, a space, an additional member) the functions
//! return `None` and the general path decides. The general path is the specification; tests verify that both give the
//! same result.

use super::{ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta, ServerEvent};
use crate::wire::{Audio, Id, TextDelta, WINDOW, base64, short_id, stop};

/// Decodes a frame of one of the three shapes.
pub(super) fn read(raw: &[u8]) -> Option<ServerEvent> {
    let rest = raw.strip_prefix(br#"{"type":"response.output_"#)?;
    if let Some(rest) = rest.strip_prefix(br#"audio.delta","#) {
        let (head, text) = audio(rest)?;
        return Some(ServerEvent::ResponseOutputAudioDelta(head.audio(Audio::from_base64(text)?)));
    }
    if let Some(rest) = rest.strip_prefix(br#"audio_transcript.delta","#) {
        let (head, delta) = text(rest)?;
        return Some(ServerEvent::ResponseOutputAudioTranscriptDelta(ResponseOutputAudioTranscriptDelta {
            event_id: Some(head.event_id.into()),
            response_id: head.response_id.into(),
            item_id: head.item_id.into(),
            output_index: head.output_index,
            content_index: head.content_index,
            delta,
        }));
    }
    let (head, delta) = text(rest.strip_prefix(br#"text.delta","#)?)?;
    Some(ServerEvent::ResponseOutputTextDelta(ResponseOutputTextDelta {
        event_id: Some(head.event_id.into()),
        response_id: head.response_id.into(),
        item_id: head.item_id.into(),
        output_index: head.output_index,
        content_index: head.content_index,
        delta,
    }))
}

/// Decodes an audio delta and appends its audio to `buffer`. If it returns `None`, the buffer is unchanged.
pub(super) fn read_audio_into(raw: &[u8], buffer: &mut Vec<u8>) -> Option<ResponseOutputAudioDelta> {
    let (head, text) = audio(raw.strip_prefix(br#"{"type":"response.output_audio.delta","#)?)?;
    base64::decode_into(text, buffer)?;
    Some(head.audio(Audio::default()))
}

/// The members in front of a delta. Their ids are only made where the event is, because moving them there takes longer.
struct Head<'a> {
    event_id: PlainId<'a>,
    response_id: PlainId<'a>,
    item_id: PlainId<'a>,
    output_index: u32,
    content_index: u32,
}

impl Head<'_> {
    #[inline]
    fn audio(self, delta: Audio) -> ResponseOutputAudioDelta {
        ResponseOutputAudioDelta {
            event_id: Some(self.event_id.into()),
            response_id: self.response_id.into(),
            item_id: self.item_id.into(),
            output_index: self.output_index,
            content_index: self.content_index,
            delta,
        }
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

/// Parses the members in front of a delta. Also returns what follows its opening quote.
fn head(raw: &[u8]) -> Option<(Head<'_>, &[u8])> {
    let (event_id, raw) = id(raw.strip_prefix(br#""event_id":""#)?)?;
    let (response_id, raw) = id(raw.strip_prefix(br#","response_id":""#)?)?;
    let (item_id, raw) = id(raw.strip_prefix(br#","item_id":""#)?)?;
    let (output_index, raw) = number(raw.strip_prefix(br#","output_index":"#)?)?;
    let (content_index, raw) = number(raw.strip_prefix(br#","content_index":"#)?)?;
    let head = Head { event_id, response_id, item_id, output_index, content_index };
    Some((head, raw.strip_prefix(br#","delta":""#)?))
}

/// Parses an audio delta up to its base64. The closing quote is not searched for: if the rest is not base64 up to the
/// expected end, decoding fails.
fn audio(raw: &[u8]) -> Option<(Head<'_>, &[u8])> {
    let (head, rest) = head(raw)?;
    Some((head, rest.strip_suffix(br#""}"#)?))
}

/// Parses a text delta. The service pads the frame so that its size does not reveal the word.
fn text(raw: &[u8]) -> Option<(Head<'_>, TextDelta)> {
    let (head, rest) = head(raw)?;
    let (text, rest) = string(rest)?;
    if rest != b"}" {
        let (veil, rest) = string(rest.strip_prefix(br#","obfuscation":""#)?)?;
        if rest != b"}" || !veil.is_ascii() {
            return None;
        }
    }
    Some((head, std::str::from_utf8(text).ok()?.into()))
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
    use crate::protocol::event::Event;

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
            let event = read(raw.as_bytes());
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
            assert_eq!(read(raw.as_bytes()), None, "{raw}");
        }
    }
}
