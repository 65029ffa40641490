//! The contract between this crate and whatever carries its messages.
//!
//! A custom transport implements [`Transport`], [`WriteHalf`] and [`ReadHalf`]: about thirty lines of plain `async fn`.
//! `examples/custom_transport.rs` is one.

mod error;
mod handshake;
mod http;
mod message;
mod redact;
mod timer;

use std::{fmt, sync::Arc};

use ::http::HeaderMap;
use async_trait::async_trait;
use futures::stream::{self, BoxStream};

pub use self::http::Http;
pub use error::{TransportError, TransportErrorKind};
pub(crate) use handshake::secret_words;
pub use handshake::{DEFAULT_MAX_MESSAGE_SIZE, DisplayUrl, Handshake};
pub use message::{CloseFrame, Message, Text};
pub(crate) use redact::{BETA, KEY_PROTOCOL, ORGANIZATION, PROJECT, is_harmless, show_header, show_query};
pub use timer::{Instant, Timer};

/// Opens connections. Kept as long as the client, and used again for every reconnect.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Opens a connection: socket, TLS, upgrade.
    ///
    /// May be called again while an older connection is open. Must not follow redirects, because the handshake carries
    /// credentials.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the attempt and must leave nothing behind.
    ///
    /// # Errors
    /// The reason why there is no connection. If the server responded with a status other than 101, use
    /// [`TransportError::rejected`].
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError>;

    /// The clock used for every deadline of the connection.
    fn timer(&self) -> Arc<dyn Timer>;

    /// The HTTP client that reaches the same servers in the same way, if this transport has one: by default none.
    fn http(&self) -> Option<Arc<dyn Http>> {
        None
    }
}

/// An open connection: two halves that work independently.
#[non_exhaustive]
pub struct Duplex {
    /// The sending half.
    pub write: Box<dyn WriteHalf>,
    /// The receiving half.
    pub read: Box<dyn ReadHalf>,
    /// Headers of the response to the handshake.
    pub headers: HeaderMap,
    /// Whether [`Message::Ping`] can be sent and is answered by the peer. Without it, a half-open connection is
    /// detected only by the silence of the service.
    pub can_ping: bool,
}

impl Duplex {
    /// Combines two halves. The peer is assumed not to answer pings.
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
    /// Writes and flushes a message.
    ///
    /// May wait as long as the peer applies backpressure; reading continues meanwhile. The future is polled to
    /// completion, or dropped together with both halves. Nothing is sent after [`Message::Close`].
    ///
    /// # Errors
    /// The connection failed. Messages already received are still read before the error is reported, because they often
    /// contain the reason.
    async fn send(&mut self, message: Message) -> Result<(), TransportError>;
}

/// The receiving half of a connection.
#[async_trait]
pub trait ReadHalf: Send + 'static {
    /// Waits for the next message. `None` after the peer has closed; a close frame is returned first, as
    /// [`Message::Close`].
    ///
    /// Pings and the close handshake are answered by the transport or its library, without requiring another call of
    /// this method.
    ///
    /// # Cancel safety
    /// Not required: the future is polled to completion, or dropped together with both halves.
    ///
    /// # Errors
    /// The connection failed, or the peer sent something invalid.
    async fn receive(&mut self) -> Result<Option<Message>, TransportError>;

    /// The stream of messages that a connection reads. By default, it calls [`receive`](Self::receive) for each
    /// message, with one future per message.
    ///
    /// A half with a poll-based interface can avoid these futures by returning its own stream of the same messages; a
    /// connection then never calls `receive`. A half that wraps another need not override this.
    ///
    /// The stream is polled until its end or first error, or dropped.
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        Box::pin(stream::unfold(self, |mut half| async move {
            half.receive().await.transpose().map(|message| (message, half))
        }))
    }
}
