//! Messages and errors, between tungstenite's and core's.

use std::io;

use realtime_core::transport::{CloseFrame, Message, Text, TransportError, TransportErrorKind};
use tungstenite::{
    Error, Message as Wire, Utf8Bytes,
    error::{CapacityError, ProtocolError},
    protocol::{
        CloseFrame as WireClose, WebSocketConfig,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::close::ReceivedClose;

/// How tungstenite is to read and write: messages up to `max_message` bytes, through a buffer of `read_buffer` bytes.
///
/// The buffer is zeroed before every read, so a large one costs more than it gains where frames come one by one.
pub fn config(max_message: usize, read_buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(read_buffer)
        // Nothing is held back: every message is flushed as soon as it is written.
        .write_buffer_size(0)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// A message on its way out.
pub(crate) fn to_wire(message: Message) -> Wire {
    match message {
        // As a frame, for the text is known to be UTF-8 and is not checked again.
        Message::Text(text) => Wire::Frame(Frame::message(text.into_bytes(), OpCode::Data(Data::Text), true)),
        Message::Binary(bytes) => Wire::Binary(bytes),
        Message::Ping(bytes) => Wire::Ping(bytes),
        Message::Pong(bytes) => Wire::Pong(bytes),
        Message::Close(frame) => {
            Wire::Close(frame.map(|frame| WireClose { code: CloseCode::from(frame.code), reason: frame.reason.into() }))
        }
    }
}

/// A message that arrived. A close frame is the one that was received, where that is known.
pub(crate) fn from_wire(message: Wire, close: &ReceivedClose) -> Option<Message> {
    Some(match message {
        Wire::Text(text) => Message::Text(Text::declared(text.into())),
        Wire::Binary(bytes) => Message::Binary(bytes),
        Wire::Ping(bytes) => Message::Ping(bytes),
        Wire::Pong(bytes) => Message::Pong(bytes),
        Wire::Close(frame) => {
            let read = |frame: WireClose| CloseFrame::new(frame.code.into(), frame.reason.as_str());
            Message::Close(close.get().cloned().or_else(|| frame.map(read)))
        }
        // Only ever written.
        Wire::Frame(_) => return None,
    })
}

/// What is to be told to a peer that broke a rule (RFC 6455, section 7.4.1).
pub(crate) fn complaint(error: &Error) -> Option<Wire> {
    let code = match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
        Error::Protocol(_) => CloseCode::Protocol,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Capacity(_) => CloseCode::Size,
        _ => return None,
    };
    Some(Wire::Close(Some(WireClose { code, reason: Utf8Bytes::default() })))
}

/// What went wrong, in core's words.
pub(crate) fn error(error: Error) -> TransportError {
    let kind = match &error {
        Error::Io(io) => link_kind(io),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => TransportErrorKind::Io,
        Error::ConnectionClosed | Error::AlreadyClosed => TransportErrorKind::Io,
        Error::Capacity(CapacityError::MessageTooLong { .. }) => TransportErrorKind::TooLarge,
        Error::Tls(_) => TransportErrorKind::Tls,
        _ => TransportErrorKind::Protocol,
    };
    TransportError::new(kind, error)
}

/// A failure of the stream below, while it is not yet known whether the peer trusts us: with TLS 1.3 it says so only
/// after the handshake.
pub(crate) fn io(error: io::Error) -> TransportError {
    // What a TLS library has to say of a peer comes as invalid data.
    let is_trust = error.kind() == io::ErrorKind::InvalidData && !is_broken_record(&error);
    if is_trust { TransportError::new(TransportErrorKind::Tls, error) } else { link(error) }
}

/// A failure of the stream below, once the peer has spoken. Trust is a matter of the handshake: from here on a broken
/// record of TLS is a broken link.
pub(crate) fn link(error: io::Error) -> TransportError {
    TransportError::new(link_kind(&error), error)
}

fn link_kind(error: &io::Error) -> TransportErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut => TransportErrorKind::Timeout,
        _ => TransportErrorKind::Io,
    }
}

/// Whether it is known to be no word of the peer's, but a record that cannot be read.
fn is_broken_record(error: &io::Error) -> bool {
    #[cfg(feature = "rustls")]
    {
        use futures_rustls::rustls::Error;

        let error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        error.is_some_and(|error| !matches!(error, Error::AlertReceived(_) | Error::InvalidCertificate(_)))
    }
    #[cfg(not(feature = "rustls"))]
    {
        let _ = error;
        false
    }
}

/// A failure to reach the server.
pub(crate) fn unreachable(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Connect, error)
}
