//! Carrier messages, as one set of types for all carriers.

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

/// A message from a carrier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Incoming {
    /// The socket is open. The start message follows.
    Connected,
    /// The stream has started.
    Start(Box<Start>),
    /// Audio.
    Media(Media),
    /// A mark was returned.
    Mark(Mark),
    /// The carrier cleared its playback buffer as requested.
    Cleared,
    /// The stream or the call has ended.
    Stop {
        /// The reason, if the carrier gives one.
        reason: Option<String>,
    },
    /// A key was pressed.
    Dtmf(Dtmf),
    /// The carrier reports an error. The stream continues.
    Error(CarrierError),
    /// A notification was returned whose payload this crate did not create (Vonage).
    UnknownNotify(Json),
    /// A message of an unknown type. The stream continues.
    Unknown(Unknown),
}

/// Description of a stream, sent at its start.
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
    /// The application's own state, as passed to the carrier (Telnyx: base64).
    pub client_state: Option<String>,
    /// The format of the caller's audio.
    pub format: Result<Format, UnsupportedFormat>,
    /// The application's own values, as passed when the stream was requested.
    pub parameters: Map<String, Value>,
    /// The text from which the values were parsed, if it was text (Plivo).
    pub parameters_raw: Option<String>,
}

/// A chunk of audio from a carrier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// The track, as named by the carrier: whose audio it is.
    pub track: Option<String>,
    /// Number of the chunk in its track. If present, it determines the order.
    pub chunk: Option<u64>,
    /// Time in milliseconds: since the start of the stream or since the Unix epoch, depending on the carrier.
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

    /// Bytes after the last whole sample: the odd byte of 16-bit audio. They are dropped.
    pub fn left_over(&self, format: Format) -> usize {
        usize::try_from(format.bytes_per_frame())
            .ok()
            .and_then(|width| self.audio.len().checked_rem(width))
            .unwrap_or(0)
    }
}

/// A returned mark.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// Name.
    pub name: String,
    /// Whether the audio before the mark was played rather than cleared. `None` if this stream did not send the mark.
    pub played: Option<bool>,
}

/// A pressed key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dtmf {
    /// The key: `0` to `9`, `*`, `#`, `A` to `D`.
    pub digit: String,
    /// How long the key was pressed, in milliseconds (Vonage).
    pub duration_ms: Option<u64>,
    /// Time by the carrier's clock, in ISO 8601 (Telnyx).
    pub occurred_at: Option<String>,
}

/// An error reported by a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarrierError {
    /// Error code.
    pub code: Option<u64>,
    /// Name.
    pub title: Option<String>,
    /// A description of the error.
    pub detail: Option<String>,
}

/// A message of an unknown type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unknown {
    /// Type of the message.
    pub event: String,
    /// The whole message.
    pub raw: Json,
}
