//! Hand-written decoding of the events of a content part.
//!
//! Nine out of ten frames are deltas of one of three shapes, whose members the service always writes in the same order and
//! without escapes, and the events that begin and end a part have the same members in front. Such a frame is compared with
//! the expected text and split at its quotes, which takes a fraction of the time of parsing JSON. For anything else (another
//! order, an escape in an id, a space, an additional member) the functions return `None` and the general path decides. The
//! general path is the specification; tests verify that both give the same result.

use super::{
    ResponseContentPartAdded, ResponseContentPartDone, ResponseOutputAudioDelta, ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta, ResponseOutputAudioTranscriptDone, ResponseOutputTextDelta,
    ResponseOutputTextDone, ServerEvent,
};
use crate::{
    protocol::event::{
        Reading,
        part_cache::{Places, Span},
    },
    wire::{Audio, FromPlain, Id, TextDelta, WINDOW, base64, read_plain, short_id, stop, text::utf8},
};

/// An event with these members in front. The structs of all of them have the same.
macro_rules! event {
    ($head:ident, $event:ident $(, $member:ident: $value:expr)?) => {
        $event {
            $($member: $value,)?
            event_id: Some($head.event_id.into()),
            response_id: $head.response_id.into(),
            item_id: $head.item_id.into(),
            output_index: $head.output_index,
            content_index: $head.content_index,
        }
    };
}

/// Decodes a frame of one of these shapes.
pub(super) fn read(raw: &[u8], reading: &mut Reading) -> Option<ServerEvent> {
    let (kind, rest) = Kind::of(raw)?;
    let (event_id, rest) = event_id(rest)?;
    // Of deltas, every byte is looked at.
    let text = if kind.is_delta() { "" } else { utf8(raw)? };
    if !kind.is_delta() && !reading.has_room(text) {
        return None;
    }
    let (places, after) = match reading.part.strip(rest) {
        Some(known) => known,
        None => {
            let (places, after) = places(rest)?;
            if reading.part.is_on() {
                reading.part.set(&rest[..rest.len() - after.len()], places);
            }
            (places, after)
        }
    };
    Head::new(event_id, rest, places)?.event(kind, after, text)
}

/// Decodes an audio delta and appends its audio to `buffer`. If it returns `None`, the buffer is unchanged.
pub(super) fn read_audio_into(raw: &[u8], buffer: &mut Vec<u8>) -> Option<ResponseOutputAudioDelta> {
    let (event_id, rest) = event_id(raw.strip_prefix(br#"{"type":"response.output_audio.delta","#)?)?;
    let (places, after) = places(rest)?;
    let head = Head::new(event_id, rest, places)?;
    base64::decode_into(audio(after)?, buffer)?;
    Some(event!(head, ResponseOutputAudioDelta, delta: Audio::default()))
}

/// The shapes.
#[derive(Clone, Copy)]
enum Kind {
    Audio,
    Transcript,
    Text,
    AudioDone,
    TranscriptDone,
    TextDone,
    PartAdded,
    PartDone,
}

impl Kind {
    /// The shape that a frame begins like. Also returns what follows its type.
    fn of(raw: &[u8]) -> Option<(Self, &[u8])> {
        let rest = raw.strip_prefix(br#"{"type":"response."#)?;
        Some(if let Some(rest) = rest.strip_prefix(br#"output_audio.delta","#) {
            (Self::Audio, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"output_audio_transcript.delta","#) {
            (Self::Transcript, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"output_text.delta","#) {
            (Self::Text, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"output_audio.done","#) {
            (Self::AudioDone, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"output_audio_transcript.done","#) {
            (Self::TranscriptDone, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"output_text.done","#) {
            (Self::TextDone, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"content_part.added","#) {
            (Self::PartAdded, rest)
        } else {
            (Self::PartDone, rest.strip_prefix(br#"content_part.done","#)?)
        })
    }

    fn is_delta(self) -> bool {
        matches!(self, Self::Audio | Self::Transcript | Self::Text)
    }
}

/// The members in front. Their ids are only made where the event is, because moving them there takes longer.
struct Head<'a> {
    event_id: PlainId<'a>,
    response_id: PlainId<'a>,
    item_id: PlainId<'a>,
    output_index: u32,
    content_index: u32,
}

impl<'a> Head<'a> {
    /// The members that are in these places of a frame.
    #[inline]
    fn new(event_id: PlainId<'a>, raw: &'a [u8], places: Places) -> Option<Self> {
        let id = |Span { start, len }| Some(PlainId { window: raw.get(start..)?.first_chunk()?, len });
        let Places { response_id, item_id, output_index, content_index } = places;
        Some(Self { event_id, response_id: id(response_id)?, item_id: id(item_id)?, output_index, content_index })
    }

    /// Makes the event of the members and what follows them. `whole` is the frame, unless it is a delta.
    #[inline]
    fn event(self, kind: Kind, rest: &[u8], whole: &str) -> Option<ServerEvent> {
        // Each branch returns by itself: an event that all branches return together is moved once more.
        match kind {
            Kind::Audio => {
                let sound = Audio::from_base64(audio(rest)?)?;
                Some(ServerEvent::ResponseOutputAudioDelta(event!(self, ResponseOutputAudioDelta, delta: sound)))
            }
            Kind::Transcript => {
                let word = text(rest)?;
                Some(ServerEvent::ResponseOutputAudioTranscriptDelta(event!(
                    self,
                    ResponseOutputAudioTranscriptDelta,
                    delta: word
                )))
            }
            Kind::Text => {
                let word = text(rest)?;
                Some(ServerEvent::ResponseOutputTextDelta(event!(self, ResponseOutputTextDelta, delta: word)))
            }
            Kind::AudioDone if rest == b"}" => Some(event!(self, ResponseOutputAudioDone).into()),
            Kind::AudioDone => None,
            Kind::TranscriptDone => {
                let transcript = member(whole, rest, br#","transcript":"#)?;
                Some(event!(self, ResponseOutputAudioTranscriptDone, transcript: transcript).into())
            }
            Kind::TextDone => {
                let text = member(whole, rest, br#","text":"#)?;
                Some(event!(self, ResponseOutputTextDone, text: text).into())
            }
            Kind::PartAdded => {
                let part = member(whole, rest, br#","part":"#)?;
                Some(event!(self, ResponseContentPartAdded, part: part).into())
            }
            Kind::PartDone => {
                let part = member(whole, rest, br#","part":"#)?;
                Some(event!(self, ResponseContentPartDone, part: part).into())
            }
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

/// Parses the id of the event, which is never that of another.
fn event_id(raw: &[u8]) -> Option<(PlainId<'_>, &[u8])> {
    id(raw.strip_prefix(br#""event_id":""#)?)
}

/// Parses the other members in front. Returns where they are, and what follows them.
fn places(raw: &[u8]) -> Option<(Places, &[u8])> {
    let id = |rest| {
        let (id, after) = id(rest)?;
        Some((Span { start: raw.len() - rest.len(), len: id.len }, after))
    };
    let (response_id, rest) = id(raw.strip_prefix(br#","response_id":""#)?)?;
    let (item_id, rest) = id(rest.strip_prefix(br#","item_id":""#)?)?;
    let (output_index, rest) = number(rest.strip_prefix(br#","output_index":"#)?)?;
    let (content_index, rest) = number(rest.strip_prefix(br#","content_index":"#)?)?;
    Some((Places { response_id, item_id, output_index, content_index }, rest))
}

/// Parses the only other member of an event, which ends the frame.
fn member<T: FromPlain>(whole: &str, rest: &[u8], name: &[u8]) -> Option<T> {
    let value = rest.strip_prefix(name)?.strip_suffix(b"}")?;
    // As a part of the frame, which is valid, it need not be validated again.
    read_plain(whole.strip_suffix('}')?.get(whole.len() - 1 - value.len()..)?)
}

/// What follows the opening quote of a delta.
fn delta(rest: &[u8]) -> Option<&[u8]> {
    rest.strip_prefix(br#","delta":""#)
}

/// The base64 of an audio delta. The closing quote is not searched for: if the rest is not base64 up to the expected end,
/// decoding fails.
fn audio(rest: &[u8]) -> Option<&[u8]> {
    delta(rest)?.strip_suffix(br#""}"#)
}

/// Parses the text of a delta. The service pads the frame so that its size does not reveal the word.
fn text(rest: &[u8]) -> Option<TextDelta> {
    let rest = delta(rest)?;
    // As nearly always: a short word, in ASCII.
    if let Some((word, rest)) = id(rest) {
        return ends(rest).then(|| TextDelta::from_ascii(word.window, word.len));
    }
    let (text, rest) = string(rest)?;
    ends(rest).then_some(std::str::from_utf8(text).ok()?.into())
}

/// Whether nothing follows the text of a delta but the padding.
fn ends(rest: &[u8]) -> bool {
    rest == b"}"
        || rest
            .strip_prefix(br#","obfuscation":""#)
            .and_then(string)
            .is_some_and(|(veil, rest)| rest == b"}" && veil.is_ascii())
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
    use crate::{
        protocol::event::{Event, part_cache::PartCache},
        wire::INLINE,
    };

    fn frame(kind: &str, output_index: &str, delta: &str) -> String {
        format!(
            r#"{{"type":"response.{kind}.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":{output_index},"content_index":0,"delta":"{delta}"}}"#
        )
    }

    /// An event that begins or ends a part, with this other member.
    fn around(kind: &str, output_index: &str, member: &str) -> String {
        let delta = r#","delta":"""#;
        let frame = frame(kind, output_index, "");
        frame.replace(&format!("{kind}.delta"), kind).replace(delta, member)
    }

    /// One of each.
    fn arounds() -> [String; 7] {
        let part = r#","part":{"type":"audio","transcript":"é, a"}"#;
        [
            around("output_audio.done", "0", ""),
            around("output_audio_transcript.done", "0", r#","transcript":"é, a""#),
            around("output_text.done", "0", r#","text":"word""#),
            around("output_text.done", "12", r#","text":"""#),
            around("output_text.done", "1", r#","text":"a\n""#),
            around("content_part.added", "0", r#","part":{"type": "text" }"#),
            around("content_part.done", "0", part),
        ]
    }

    #[test]
    fn reads_the_shapes() {
        let veiled = |frame: String| frame.replace("\"}", "\",\"obfuscation\":\"Gm\"}");
        for raw in [
            frame("output_audio", "0", "AQD+/ywB"),
            frame("output_audio", "1", ""),
            frame("output_audio", "0", "AQ=="),
            frame("output_text", "0", " word"),
            frame("output_audio_transcript", "999999999", "é"),
            veiled(frame("output_text", "10", "")),
            veiled(frame("output_audio_transcript", "0", "👋")),
            veiled(frame("output_text", "0", &"w".repeat(INLINE))),
            veiled(frame("output_text", "0", &"w".repeat(INLINE + 1))),
            veiled(frame("output_text", "0", &"w".repeat(100))),
        ]
        .into_iter()
        .chain(arounds())
        {
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
        ]
        .into_iter()
        .chain(arounds())
        {
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
    fn what_is_kept_of_the_event_before_changes_nothing() {
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
            plain.replace("\"content_index\":0", "\"content_index\":1"),
            plain.replace("\"content_index\":0", "\"content_index\":12"),
            plain.replace("resp_1", &long),
            plain.replace("resp_1", "r\u{e9}"),
            plain.replace("resp_1", r"resp_\u0031"),
            plain.replace(",\"item_id\":\"item_1\"", ""),
            r#"{"type":"response.output_text.done","text":"a"}"#.into(),
        ];
        let all = [&all[..], &arounds()].concat();
        let after = |before: &str, raw: &[u8]| {
            let mut reading = Reading { part: PartCache::on(), ..Reading::default() };
            let _ = ServerEvent::read_text(before.as_bytes(), &mut reading);
            let event = ServerEvent::read_text(raw, &mut reading);
            assert_eq!(event, ServerEvent::read_text(raw, &mut Reading::default()), "{}", String::from_utf8_lossy(raw));
            reading.part
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
        assert!(after(&plain, b"{}").is_set(), "it is kept");
        assert!(!after(&plain.replace("resp_1", &long), b"{}").is_set(), "long ids are not");
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
            around("audio.done", "0", ""),
            around("output_audio.done", "0", r#","x":1"#),
            around("output_text.done", "0", ""),
            around("output_text.done", "0", r#","text":null"#),
            around("output_text.done", "0", r#","text":"\ud800""#),
            around("output_text.done", "0", r#","text":"a","text":"b""#),
            around("output_audio_transcript.done", "0", r#","text":"a""#),
            around("content_part.done", "0", r#","part":null"#),
            around("content_part.done", "0", r#","part":{"type":"audio"},"x":1"#),
            around("content_part.done", "0", r#","part":{"type":"audio","type":"text"}"#),
        ] {
            assert_eq!(read(raw.as_bytes(), &mut Default::default()), None, "{raw}");
        }
    }
}
