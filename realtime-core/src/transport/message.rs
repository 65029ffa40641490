use std::{fmt, str::Utf8Error};

use bytes::Bytes;

/// A WebSocket message, or the equivalent of another transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// An event as JSON text.
    Text(Text),
    /// Binary data. The protocol does not use it; incoming binary messages become `Invalid` events.
    Binary(Bytes),
    /// A ping. Answered by the transport or its library.
    Ping(Bytes),
    /// The reply to a ping.
    Pong(Bytes),
    /// A close frame.
    Close(Option<CloseFrame>),
}

impl Message {
    /// Size of the payload in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_bytes().len(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.len(),
            Self::Close(frame) => frame.as_ref().map_or(0, |frame| 2 + frame.reason.len()),
        }
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reason for closing a connection (RFC 6455, section 7.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// Status code. OpenAI uses 3000 for refused credentials and 4000 for refused requests.
    pub code: u16,
    /// Reason in words: at most 123 bytes.
    pub reason: String,
}

impl CloseFrame {
    /// Creates a close frame.
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

/// The text of one message: bytes declared to be UTF-8 by their creator.
///
/// The bytes are neither copied nor validated between the socket and the decoder, which validates what it keeps. Clones
/// share the bytes, so a stored `Text` keeps the buffer of its frame alive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(Bytes);

impl Text {
    /// Wraps bytes that are known to be UTF-8, such as those of a WebSocket text message validated by its library.
    /// Invalid bytes are harmless: they become an `Invalid` event.
    pub fn declared(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Extracts the bytes without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Validates the text.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }
}

/// Shows the length only: payloads do not belong in logs.
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
