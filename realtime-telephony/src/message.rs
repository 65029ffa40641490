//! The messages of all carriers in one set of types.

use bytes::Bytes;
use realtime_audio::Format;
use realtime_core::{Audio, Json};
use serde_json::{Map, Value};

use crate::UnsupportedFormat;

/// A WebSocket message, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// One message from a carrier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Incoming {
    /// The socket is open; the start follows.
    Connected,
    /// The stream begins.
    Start(Box<Start>),
    /// Audio.
    Media(Media),
    /// A mark came back.
    Mark(Mark),
    /// The carrier has cleared its playback buffer on request.
    Cleared,
    /// The stream or the call is over.
    Stop {
        /// The reason, if the carrier gives one.
        reason: Option<String>,
    },
    /// A key was pressed.
    Dtmf(Dtmf),
    /// The carrier reports an error. The stream continues.
    Error(CarrierError),
    /// A notification came back whose payload this library did not make (Vonage).
    UnknownNotify(Json),
    /// A message of an unknown type. The stream continues.
    Unknown(Unknown),
}

/// The beginning of a stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Start {
    /// The stream's id. Vonage has none.
    pub stream_id: Option<String>,
    /// The call's id, for the carrier's REST API, for example to hang up.
    pub call_id: Option<String>,
    /// The account's id.
    pub account_id: Option<String>,
    /// The caller's number, if the carrier provides it.
    pub from: Option<String>,
    /// The called number, if the carrier provides it.
    pub to: Option<String>,
    /// The application's own state, as it was passed to the carrier (Telnyx: base64).
    pub client_state: Option<String>,
    /// The format of the caller's audio.
    pub format: Result<Format, UnsupportedFormat>,
    /// The application's own values, as they were given where the stream was asked for.
    pub parameters: Map<String, Value>,
    /// The text that the values were read from, where it was text (Plivo).
    pub parameters_raw: Option<String>,
}

/// A piece of audio from a carrier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// Whose audio it is, in the carrier's words.
    pub track: Option<String>,
    /// Its number among the pieces of its track. Where there is one, it gives the order.
    pub chunk: Option<u64>,
    /// Its time, in milliseconds: since the stream's start, or since 1970, by carrier.
    pub timestamp_ms: Option<u64>,
    /// The audio, in the stream's format.
    pub audio: Audio,
}

impl Media {
    /// Whether this is the outbound track: the application's own audio, not the caller's.
    pub fn is_left_out(&self) -> bool {
        self.track.as_deref().is_some_and(|track| !matches!(track, "inbound" | "inbound_track"))
    }

    /// The whole samples.
    pub fn samples(&self, format: Format) -> &[u8] {
        self.audio.split_at(self.audio.len() - self.left_over(format)).0
    }

    /// Bytes behind the last whole sample: an odd byte of 16-bit audio. They are left out.
    pub fn left_over(&self, format: Format) -> usize {
        usize::try_from(format.bytes_per_frame())
            .ok()
            .and_then(|width| self.audio.len().checked_rem(width))
            .unwrap_or(0)
    }
}

/// A mark that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// Name.
    pub name: String,
    /// Whether the audio before the mark was played rather than cleared. `None` if this stream did not send the mark.
    pub played: Option<bool>,
}

/// A key that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dtmf {
    /// The key: `0` to `9`, `*`, `#`, `A` to `D`.
    pub digit: String,
    /// How long it was pressed, in milliseconds (Vonage).
    pub duration_ms: Option<u64>,
    /// When, by the carrier's clock, in ISO 8601 (Telnyx).
    pub occurred_at: Option<String>,
}

/// An error that a carrier reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarrierError {
    /// Its number.
    pub code: Option<u64>,
    /// Name.
    pub title: Option<String>,
    /// A description of the error.
    pub detail: Option<String>,
}

/// A message of a kind that is not known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unknown {
    /// Its kind.
    pub event: String,
    /// All of it.
    pub raw: Json,
}
