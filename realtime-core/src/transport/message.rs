use std::{fmt, str::Utf8Error};

use bytes::Bytes;

/// One WebSocket message, or what another transport has in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// One event, as JSON text.
    Text(Text),
    /// Bytes. The protocol has no use for them: what arrives becomes an `Invalid` event.
    Binary(Bytes),
    /// Asks the peer for a sign of life. Answered below this crate.
    Ping(Bytes),
    /// The answer to a ping.
    Pong(Bytes),
    /// The peer closes, or is to close.
    Close(Option<CloseFrame>),
}

impl Message {
    /// Payload bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_bytes().len(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.len(),
            Self::Close(frame) => frame.as_ref().map_or(0, |frame| 2 + frame.reason.len()),
        }
    }

    /// Whether there is no payload.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why a connection is closed (RFC 6455, section 7.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The status code. The service uses 3000 for a refused credential and 4000 for a refused request.
    pub code: u16,
    /// The reason in words: at most 123 bytes.
    pub reason: String,
}

impl CloseFrame {
    /// A code and a reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.reason {
            "" => write!(f, "code {}", self.code),
            reason => write!(f, "code {}: {reason}", self.code),
        }
    }
}

/// The text of one message: bytes that whoever made them has declared to be UTF-8.
///
/// Between the socket and the decoder the bytes are neither copied nor checked again; the decoder checks what it
/// keeps. A clone shares the bytes, so a kept `Text` keeps its frame's buffer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(Bytes);

impl Text {
    /// Takes bytes that are known to be UTF-8, as those of a WebSocket text message are once its library has checked
    /// them. Other bytes do no harm: they become an `Invalid` event.
    pub fn declared(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes. Free.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to pass on without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text, checked.
    ///
    /// # Errors
    /// The declaration was wrong.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }
}

/// The length alone: a payload has no place in a log.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}
