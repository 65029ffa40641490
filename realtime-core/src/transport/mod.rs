//! Moving bytes: the contract between this crate and whatever carries its messages.
//!
//! A transport of your own implements [`Transport`], [`WriteHalf`] and [`ReadHalf`]: about thirty lines of plain
//! `async fn`. `examples/custom_transport.rs` is one.

mod error;
mod handshake;
mod message;
mod redact;
mod timer;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use http::HeaderMap;

pub use error::{TransportError, TransportErrorKind};
pub use handshake::{DEFAULT_MAX_MESSAGE_SIZE, DisplayUrl, Handshake};
pub use message::{CloseFrame, Message, Text};
pub(crate) use redact::{BETA, KEY_PROTOCOL, ORGANIZATION, PROJECT, is_harmless, show_header, show_query};
pub use timer::{Instant, Timer};

/// Knows how to open connections. It is kept as long as the client is, and asked again at every reconnect.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Opens one connection: dials, encrypts, upgrades.
    ///
    /// It may be called again, also while an older connection lives. Redirects must not be followed: the handshake
    /// carries credentials.
    ///
    /// # Cancel safety
    /// Dropping the future gives the attempt up; it must leave nothing behind.
    ///
    /// # Errors
    /// Says why there is no connection. A server that answered with another status than 101 is
    /// [`TransportError::rejected`].
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError>;

    /// The clock that this transport lives by, for every deadline of the connection.
    fn timer(&self) -> Arc<dyn Timer>;
}

/// One open connection: two halves that work at the same time.
#[non_exhaustive]
pub struct Duplex {
    /// Where messages go.
    pub write: Box<dyn WriteHalf>,
    /// Where messages come from.
    pub read: Box<dyn ReadHalf>,
    /// The headers of the server's answer to the handshake.
    pub headers: HeaderMap,
    /// Whether [`Message::Ping`] can be sent and makes the peer answer. Without it a silent link is only noticed by
    /// the silence of the service itself.
    pub can_ping: bool,
}

impl Duplex {
    /// Two halves, of a peer that need not answer pings.
    pub fn new(write: impl WriteHalf, read: impl ReadHalf) -> Self {
        Self { write: Box::new(write), read: Box::new(read), headers: HeaderMap::new(), can_ping: false }
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex").field("can_ping", &self.can_ping).finish_non_exhaustive()
    }
}

/// The sending half of a connection.
#[async_trait]
pub trait WriteHalf: Send + 'static {
    /// Writes one message, all of it, and sees that it leaves.
    ///
    /// It may wait as long as the peer makes it wait: reading goes on meanwhile. Its future is polled to its end, or
    /// dropped together with both halves. After a [`Message::Close`] nothing else is sent.
    ///
    /// # Errors
    /// The connection is broken. What the read half still has is read before the error is believed, for it often
    /// holds the real reason.
    async fn send(&mut self, message: Message) -> Result<(), TransportError>;
}

/// The receiving half of a connection.
#[async_trait]
pub trait ReadHalf: Send + 'static {
    /// Waits for the next message. None once the peer has closed; a close frame comes first, as [`Message::Close`].
    ///
    /// Pings and the closing handshake are answered below this trait, by the transport or its library. What answers
    /// them must not need another call to this method.
    ///
    /// # Cancel safety
    /// None is asked for: the future is polled to its end, or dropped together with both halves.
    ///
    /// # Errors
    /// The connection is broken, or the peer sent what no message can be.
    async fn receive(&mut self) -> Result<Option<Message>, TransportError>;

    /// All messages, as a connection reads them. By default they are [received](Self::receive) one by one, each with a
    /// future of its own.
    ///
    /// A half that is polled anyway can save that future, by a stream that gives the same messages: `receive` is then
    /// never called by a connection. A half that wraps another need not.
    ///
    /// The stream is polled up to its end or its first error and not after that, or it is dropped.
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        Box::pin(stream::unfold(self, |mut half| async move {
            half.receive().await.transpose().map(|message| (message, half))
        }))
    }
}
