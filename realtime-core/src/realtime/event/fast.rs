//! The deltas of a spoken or written answer, read by hand.
//!
//! Nine frames of ten are one of three shapes, and the service writes their members always in the same order, plainly.
//! Such a frame is compared with what is expected of it and cut at its quotes, which takes a fraction of the time of
//! reading JSON. Whatever surprises (another order, an escape, a space, a member more) gives none, and the general path
//! decides: it is the specification, and tests hold that both read the same.

use super::{ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta, ServerEvent};
use crate::wire::{Audio, Id, TextDelta, base64};

/// Reads a frame that is one of the three.
pub(super) fn read(raw: &[u8]) -> Option<ServerEvent> {
    let rest = raw.strip_prefix(br#"{"type":"response.output_"#)?;
    if let Some(rest) = rest.strip_prefix(br#"audio.delta","#) {
        let (head, text) = audio(rest)?;
        return Some(ServerEvent::ResponseOutputAudioDelta(head.audio(Audio::from_base64(text)?)));
    }
    if let Some(rest) = rest.strip_prefix(br#"audio_transcript.delta","#) {
        let (head, delta) = text(rest)?;
        let Head { event_id, response_id, item_id, output_index, content_index } = head;
        return Some(ServerEvent::ResponseOutputAudioTranscriptDelta(ResponseOutputAudioTranscriptDelta {
            event_id,
            response_id,
            item_id,
            output_index,
            content_index,
            delta,
        }));
    }
    let (head, delta) = text(rest.strip_prefix(br#"text.delta","#)?)?;
    let Head { event_id, response_id, item_id, output_index, content_index } = head;
    Some(ServerEvent::ResponseOutputTextDelta(ResponseOutputTextDelta {
        event_id,
        response_id,
        item_id,
        output_index,
        content_index,
        delta,
    }))
}

/// Reads an audio delta, and appends its audio to a buffer. If it gives none, the buffer is as it was.
pub(super) fn read_audio_into(raw: &[u8], buffer: &mut Vec<u8>) -> Option<ResponseOutputAudioDelta> {
    let (head, text) = audio(raw.strip_prefix(br#"{"type":"response.output_audio.delta","#)?)?;
    base64::decode_into(text, buffer)?;
    Some(head.audio(Audio::default()))
}

/// What stands in front of every delta.
struct Head {
    event_id: Option<Id>,
    response_id: Id,
    item_id: Id,
    output_index: u32,
    content_index: u32,
}

impl Head {
    fn audio(self, delta: Audio) -> ResponseOutputAudioDelta {
        let Self { event_id, response_id, item_id, output_index, content_index } = self;
        ResponseOutputAudioDelta { event_id, response_id, item_id, output_index, content_index, delta }
    }
}

/// The members in front of a delta, and what follows its opening quote.
fn head(raw: &[u8]) -> Option<(Head, &[u8])> {
    let (event_id, raw) = id(raw.strip_prefix(br#""event_id":""#)?)?;
    let (response_id, raw) = id(raw.strip_prefix(br#","response_id":""#)?)?;
    let (item_id, raw) = id(raw.strip_prefix(br#","item_id":""#)?)?;
    let (output_index, raw) = number(raw.strip_prefix(br#","output_index":"#)?)?;
    let (content_index, raw) = number(raw.strip_prefix(br#","content_index":"#)?)?;
    let head = Head { event_id: Some(event_id), response_id, item_id, output_index, content_index };
    Some((head, raw.strip_prefix(br#","delta":""#)?))
}

/// The base64 of an audio delta. Its end is not looked for: what is no base64 all the way has a quote in it, or worse.
fn audio(raw: &[u8]) -> Option<(Head, &[u8])> {
    let (head, rest) = head(raw)?;
    Some((head, rest.strip_suffix(br#""}"#)?))
}

/// The text of a delta. The service pads its frame, so that its size does not betray the word.
fn text(raw: &[u8]) -> Option<(Head, TextDelta)> {
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

/// An id up to its closing quote, and what follows that. The service's own are short and ASCII.
fn id(raw: &[u8]) -> Option<(Id, &[u8])> {
    let (text, rest) = string(raw)?;
    Some((Id::from_ascii(text)?, rest))
}

/// A string up to its closing quote, and what follows that. None if something in it is escaped, or should be.
fn string(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = stop(raw)?;
    (raw[end] == b'"').then(|| (&raw[..end], &raw[end + 1..]))
}

/// Where a string stops: at its closing quote, or at what is written plainly in no string. Looked for in sixteen bytes
/// at once, as a compiler makes of a loop without branches.
fn stop(raw: &[u8]) -> Option<usize> {
    let stops = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let (chunks, rest) = raw.as_chunks::<16>();
    for (at, chunk) in chunks.iter().enumerate() {
        let marks = u128::from_le_bytes(chunk.map(|byte| u8::from(stops(byte))));
        if marks != 0 {
            return Some(16 * at + marks.trailing_zeros() as usize / 8);
        }
    }
    Some(raw.len() - rest.len() + rest.iter().position(|&byte| stops(byte))?)
}

/// A number of up to nine digits, written as JSON has it.
fn number(raw: &[u8]) -> Option<(u32, &[u8])> {
    let end = raw.iter().take(10).position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = raw.split_at(end);
    if digits.is_empty() || (digits[0] == b'0' && end > 1) {
        return None;
    }
    // Nine digits are no more than 999,999,999.
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
            assert_eq!(event, Some(ServerEvent::general(raw.as_bytes(), &mut Default::default())), "{raw}");
            assert_eq!(event, Some(ServerEvent::decode(raw.as_bytes())), "{raw}");
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
