//! Messages and errors, between tungstenite's and core's.

use std::io;

use realtime_core::transport::{CloseFrame, Message, Text, TransportError, TransportErrorKind};
use tungstenite::{
    Error, Message as Wire,
    error::{CapacityError, ProtocolError},
    protocol::{
        CloseFrame as WireClose, WebSocketConfig,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

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

/// A message that arrived.
pub(crate) fn from_wire(message: Wire) -> Option<Message> {
    Some(match message {
        Wire::Text(text) => Message::Text(Text::declared(text.into())),
        Wire::Binary(bytes) => Message::Binary(bytes),
        Wire::Ping(bytes) => Message::Ping(bytes),
        Wire::Pong(bytes) => Message::Pong(bytes),
        Wire::Close(frame) => {
            Message::Close(frame.map(|frame| CloseFrame::new(frame.code.into(), frame.reason.as_str())))
        }
        // Only ever written.
        Wire::Frame(_) => return None,
    })
}

/// What went wrong, in core's words.
pub(crate) fn error(error: Error) -> TransportError {
    let kind = match &error {
        Error::Io(io) => return self::io(io::Error::new(io.kind(), error)),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => TransportErrorKind::Io,
        Error::ConnectionClosed | Error::AlreadyClosed => TransportErrorKind::Io,
        Error::Capacity(CapacityError::MessageTooLong { .. }) => TransportErrorKind::TooLarge,
        Error::Tls(_) => TransportErrorKind::Tls,
        _ => TransportErrorKind::Protocol,
    };
    TransportError::new(kind, error)
}

/// A failure of the stream below.
pub(crate) fn io(error: io::Error) -> TransportError {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => TransportErrorKind::Timeout,
        // What rustls has to say of a peer comes as invalid data.
        io::ErrorKind::InvalidData => TransportErrorKind::Tls,
        _ => TransportErrorKind::Io,
    };
    TransportError::new(kind, error)
}

/// A failure to reach the server.
pub(crate) fn unreachable(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Connect, error)
}
