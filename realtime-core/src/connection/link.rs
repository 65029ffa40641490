//! The two pumps of a live link, and the attempt to get one.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Sink, future::BoxFuture, sink, stream::BoxStream};

use crate::{
    endpoint::Target,
    error::Error,
    transport::{Duplex, Message, TransportError, WriteHalf},
};

/// Opens one link: waits its time, asks for credentials, applies the endpoint's rules, connects.
pub(crate) type Dial = BoxFuture<'static, Result<Duplex, Error>>;

/// Makes attempts to open a link.
pub(crate) type Dialer = Arc<dyn Fn(Option<Again>) -> Dial + Send + Sync>;

/// An attempt that is not the first.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// The how many-eth, from 1. 0 for a link that is to take the place of one that still lives.
    pub(crate) number: u32,
    pub(crate) after: Duration,
    pub(crate) reason: Error,
    /// Where it leads, if not where the first one led.
    pub(crate) target: Option<Target>,
}

/// Where the bytes go.
pub(super) enum Link {
    /// Nowhere: the connection has ended.
    Down,
    /// A link is being opened.
    Dialing(Attempt),
    /// A link.
    Up(Pumps),
    /// The link is in a turn. Seen between turns, it means that the turn panicked.
    Taken,
}

/// An attempt to open a link. It is polled outside the lock.
pub(super) struct Attempt {
    pub(super) number: u64,
    /// None while it is polled.
    dial: Option<Dial>,
    /// Whether another waiter has met its wake-up meanwhile.
    woken: bool,
}

impl Attempt {
    pub(super) fn new(number: u64, dial: Dial) -> Self {
        Self { number, dial: Some(dial), woken: false }
    }

    /// Takes it to be polled, unless somebody polls it already: that one looks again.
    pub(super) fn take(&mut self) -> Option<Dial> {
        self.woken = self.dial.is_none();
        self.dial.take()
    }

    /// Gives it back. Whether it is to be polled again.
    pub(super) fn give_back(&mut self, dial: Dial) -> bool {
        self.dial = Some(dial);
        mem::take(&mut self.woken)
    }
}

/// A link's halves, turned into something to poll. Each owns its half, so a pending call is kept, never dropped half
/// way: an implementor need not make it cancel-safe.
pub(super) struct Pumps {
    read: BoxStream<'static, Result<Message, TransportError>>,
    write: Pin<Box<dyn Sink<Message, Error = TransportError> + Send>>,
    pub(super) can_ping: bool,
}

impl Pumps {
    pub(super) fn new(duplex: Duplex) -> Self {
        async fn send(mut half: Box<dyn WriteHalf>, message: Message) -> Result<Box<dyn WriteHalf>, TransportError> {
            half.send(message).await.map(|()| half)
        }

        Self {
            read: duplex.read.into_stream(),
            write: Box::pin(sink::unfold(duplex.write, send)),
            can_ping: duplex.can_ping,
        }
    }

    /// The next message. None once the peer has closed; nothing is read after that, or after an error.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, TransportError>>> {
        self.read.as_mut().poll_next(cx)
    }

    /// Ready once the message before has been written.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.write.as_mut().poll_ready(cx)
    }

    /// Begins to write, after [`poll_write`](Self::poll_write) was ready.
    pub(super) fn start(&mut self, message: Message) -> Result<(), TransportError> {
        self.write.as_mut().start_send(message)
    }
}
