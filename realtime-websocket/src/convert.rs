//! Conversion of messages and errors between tungstenite and core.

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

/// WebSocket configuration for messages of up to `max_message` bytes, read through a buffer of `read_buffer` bytes.
pub fn config(max_message: usize, read_buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(read_buffer)
        // No write buffering: every message is flushed as soon as it is written.
        .write_buffer_size(0)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// Converts an outgoing message.
pub(crate) fn to_wire(message: Message) -> Wire {
    match message {
        // Sent as a raw frame: the text is known to be UTF-8, so tungstenite need not validate it again.
        Message::Text(text) => Wire::Frame(Frame::message(text.into_bytes(), OpCode::Data(Data::Text), true)),
        Message::Binary(bytes) => Wire::Binary(bytes),
        Message::Ping(bytes) => Wire::Ping(bytes),
        Message::Pong(bytes) => Wire::Pong(bytes),
        Message::Close(frame) => {
            Wire::Close(frame.map(|frame| WireClose { code: CloseCode::from(frame.code), reason: frame.reason.into() }))
        }
    }
}

/// Converts an incoming message. A close frame is replaced by the one actually received, if known.
pub(crate) fn from_wire(message: Wire, close: Option<CloseFrame>) -> Option<Message> {
    Some(match message {
        Wire::Text(text) => Message::Text(Text::declared(text.into())),
        Wire::Binary(bytes) => Message::Binary(bytes),
        Wire::Ping(bytes) => Message::Ping(bytes),
        Wire::Pong(bytes) => Message::Pong(bytes),
        Wire::Close(frame) => {
            let read = |frame: WireClose| CloseFrame::new(frame.code.into(), frame.reason.as_str());
            Message::Close(close.or_else(|| frame.map(read)))
        }
        // Raw frames are only ever written.
        Wire::Frame(_) => return None,
    })
}

/// The close frame that tells a peer which rule it broke (RFC 6455, section 7.4.1).
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

/// Converts a tungstenite error.
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

/// Converts an I/O error that occurred before the peer's trust was established: with TLS 1.3 the peer rejects our
/// certificate only after the handshake.
pub(crate) fn io(error: io::Error) -> TransportError {
    // TLS libraries report verification failures as invalid data.
    let is_trust = error.kind() == io::ErrorKind::InvalidData && !is_broken_record(&error);
    if is_trust { TransportError::new(TransportErrorKind::Tls, error) } else { link(error) }
}

/// Converts an I/O error that occurred after the peer has responded. From then on, a broken TLS record means a broken
/// link, not missing trust.
pub(crate) fn link(error: io::Error) -> TransportError {
    TransportError::new(link_kind(&error), error)
}

fn link_kind(error: &io::Error) -> TransportErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut => TransportErrorKind::Timeout,
        _ => TransportErrorKind::Io,
    }
}

/// Whether the error is a TLS record that cannot be decoded, rather than an alert sent by the peer.
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

/// Converts a failure to reach the server.
pub(crate) fn unreachable(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Connect, error)
}
