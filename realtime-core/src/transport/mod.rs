//! The contract between this crate and whatever carries its messages.
//!
//! A custom transport implements [`Transport`], [`WriteHalf`] and [`ReadHalf`]: about thirty lines of plain `async fn`.
//! `examples/custom_transport.rs` is one.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use realtime_core::endpoint::Handshake;
//! use realtime_core::transport::{Duplex, Timer, Transport, TransportError};
//!
//! /// Counts the connections that another transport opens.
//! #[derive(Debug)]
//! struct Counted<T>(T, std::sync::atomic::AtomicU64);
//!
//! #[async_trait]
//! impl<T: Transport> Transport for Counted<T> {
//!     async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
//!         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//!         self.0.connect(handshake).await
//!     }
//!
//!     fn timer(&self) -> Arc<dyn Timer> {
//!         self.0.timer()
//!     }
//! }
//! ```

mod error;
mod handshake;
mod http;
mod message;
mod redact;
mod timer;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ::http::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    Sink, StreamExt, sink,
    stream::{self, BoxStream},
};

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

    /// The sink that a connection polls; it then never calls `send`. By default, it calls `send` for each message, with one
    /// future per message, and is ready for another one once that is complete.
    ///
    /// A half with a buffer of its own can take several messages before it is flushed, and write them at once. It need not
    /// override this otherwise, nor if it wraps another.
    ///
    /// The sink is polled until its first error, or dropped. It is flushed when nothing more is to be sent for now, and ahead
    /// of a ping or a close frame.
    fn into_sink(self: Box<Self>) -> Pin<Box<dyn Sink<Message, Error = TransportError> + Send>> {
        Box::pin(sink::unfold(self, |mut half, message| async move { half.send(message).await.map(|()| half) }))
    }
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

    /// The stream of messages, as a poll-based interface. By default, it calls [`receive`](Self::receive) for each
    /// message, with one future per message.
    ///
    /// A half that wraps another need not override this.
    ///
    /// The stream is polled until its end or first error, or dropped.
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        Box::pin(stream::unfold(self, |mut half| async move {
            half.receive().await.transpose().map(|message| (message, half))
        }))
    }

    /// The reader that a connection polls; it then never calls `receive`. By default, it gives the messages of
    /// [`into_stream`](Self::into_stream).
    ///
    /// A half that reads into a buffer of its own can avoid copying each text by lending it from there.
    fn into_reader(self: Box<Self>) -> Box<dyn Reader> {
        Box::new(self.into_stream())
    }
}

/// What a [`Reader`] received.
#[derive(Debug)]
pub enum Received<'a> {
    /// The text of one message, lent until the next call. Whether it is UTF-8 depends on the method that returned it.
    Text(&'a [u8]),
    /// A message.
    Message(Message),
}

impl Received<'_> {
    /// Size of the payload in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Message(message) => message.len(),
        }
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message, for whoever keeps it. Copies a lent text.
    pub fn into_message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(Text::declared(Bytes::copy_from_slice(text))),
            Self::Message(message) => message,
        }
    }
}

/// The receiving half of a connection as a poll-based interface that can lend what it received.
///
/// Messages are the same and in the same order as those of [`ReadHalf::receive`], and as in
/// [`Stream`](futures::Stream), `Poll::Pending` means that the waker of the last call will be woken.
pub trait Reader: Send {
    /// Receives the next message. `None` after the peer has closed. It is not called after `None` or an error.
    ///
    /// A lent text is a slice of the reader's own buffer. Nothing needs to be kept of it, because the next call ends the
    /// loan: the caller copies what it keeps. It is UTF-8: the reader has validated it.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>>;

    /// Like [`poll_receive`](Self::poll_receive), but a lent text may not be UTF-8. For callers that look at every byte
    /// while they decode it, as a connection does. By default, texts are validated.
    fn poll_receive_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        self.poll_receive(cx)
    }

    /// Takes back the text that [`poll_receive_raw`](Self::poll_receive_raw) has just lent, because it is not UTF-8. The
    /// next call then fails as if the reader had found that out by itself. Returns whether it was taken back: by default
    /// it is not.
    fn reject_text(&mut self) -> bool {
        false
    }
}

impl Reader for BoxStream<'static, Result<Message, TransportError>> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        self.poll_next_unpin(cx).map_ok(Received::Message)
    }
}
