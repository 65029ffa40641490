//! Each carrier's messages: lenient in, strict out.

mod plivo;
mod read;
mod telnyx;
mod twilio;
mod vonage;

use bytes::Bytes;
use realtime_audio::Format;
use realtime_core::{Audio, Json};
use serde_json::Value;

use crate::{Carrier, Frame, Incoming, Malformed, Media, Refused, Settings, Start, Unknown};

impl Settings {
    /// Parses a single message.
    ///
    /// # Errors
    /// The message is not one of this carrier's. The stream continues.
    pub fn read(&self, frame: &Frame) -> Result<Incoming, Malformed> {
        let read = match frame {
            Frame::Text(text) => self.read_text(text),
            Frame::Binary(audio) if self.carrier == Carrier::Vonage => Ok(Incoming::Media(Media {
                track: None,
                chunk: None,
                timestamp_ms: None,
                audio: Audio::from(audio.clone()),
            })),
            Frame::Binary(_) => Err("a binary message, where only text is spoken".into()),
        };
        read.map_err(|reason| Malformed { carrier: self.carrier, reason })
    }

    fn read_text(&self, text: &str) -> Result<Incoming, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let Some(event) = json["event"].as_str() else { return Err("it has no `event`".into()) };
        let read = match self.carrier {
            Carrier::Twilio => twilio::read(event, &json),
            Carrier::Telnyx => telnyx::read(event, &json, self.from_carrier),
            Carrier::Plivo => plivo::read(event, &json, self.from_carrier),
            Carrier::Vonage => vonage::read(event, &json, self.from_carrier),
        }?;
        Ok(match read {
            Some(incoming) => incoming,
            // Was parsed as JSON above.
            None => Incoming::Unknown(Unknown { event: event.into(), raw: Json::from(json) }),
        })
    }
}

/// Limits on the audio in one message, in bytes.
#[derive(Debug, PartialEq)]
pub(crate) struct Limits {
    /// Minimum.
    pub(crate) least: usize,
    /// Maximum.
    pub(crate) most: usize,
}

/// Bytes of a sample of all channels, at least one.
pub(crate) fn sample(format: Format) -> usize {
    usize::try_from(format.bytes_per_frame()).unwrap_or(usize::MAX).max(1)
}

/// Limits on a message to the carrier.
pub(crate) fn limits(carrier: Carrier, format: Format) -> Limits {
    // At very low rates, a sample is longer than that.
    let bytes = |ms| usize::try_from(format.ms_to_bytes(ms)).unwrap_or(usize::MAX).max(sample(format));
    match carrier {
        // None is documented.
        Carrier::Twilio => Limits { least: 0, most: usize::MAX },
        // 20 ms to 30 s.
        Carrier::Telnyx => Limits { least: bytes(20), most: bytes(30_000) },
        // 16 KiB of base64.
        Carrier::Plivo => Limits { least: 0, most: 16_384 / 4 * 3 },
        // Exactly 20 ms.
        Carrier::Vonage => Limits { least: bytes(20), most: bytes(20) },
    }
}

/// Creates a message that plays audio.
pub(crate) fn media(carrier: Carrier, start: &Start, format: Format, audio: &[u8]) -> Frame {
    let payload = || base64_turbo::STANDARD.encode(audio);
    match carrier {
        Carrier::Twilio => twilio::media(start, payload()),
        Carrier::Telnyx => telnyx::media(payload()),
        Carrier::Plivo => plivo::media(start, format, payload()),
        Carrier::Vonage => Bytes::copy_from_slice(audio).into(),
    }
}

/// Creates a message that the carrier returns when everything sent before it was played.
pub(crate) fn mark(carrier: Carrier, start: &Start, name: &str) -> Frame {
    match carrier {
        Carrier::Twilio => twilio::mark(start, name),
        Carrier::Telnyx => telnyx::mark(name),
        Carrier::Plivo => plivo::mark(start, name),
        Carrier::Vonage => vonage::mark(name),
    }
}

/// Creates a message that drops audio not played yet.
pub(crate) fn clear(carrier: Carrier, start: &Start) -> Frame {
    match carrier {
        Carrier::Twilio => twilio::clear(start),
        Carrier::Telnyx => telnyx::clear(),
        Carrier::Plivo => plivo::clear(start),
        Carrier::Vonage => vonage::clear(),
    }
}

/// Creates a message that presses keys.
pub(crate) fn dtmf(carrier: Carrier, digits: &str) -> Result<Frame, Refused> {
    if carrier != Carrier::Plivo {
        return Err(Refused::NoDtmf(carrier));
    }
    let is_key = |byte| matches!(byte, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D');
    if digits.is_empty() || !digits.bytes().all(is_key) {
        return Err(Refused::Digits);
    }
    Ok(plivo::dtmf(digits))
}
