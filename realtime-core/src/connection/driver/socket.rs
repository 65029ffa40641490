//! The sockets of a connection: attempts to open one, and the two pumps of an open one.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::{Sink, future::BoxFuture};

use super::super::machine::{Again, LinkId};
use crate::{
    error::Error,
    transport::{Duplex, Message, Reader, Received, TransportError},
};

/// Opens one link: asks for credentials, applies the endpoint's rules, connects.
pub(crate) type Dial = BoxFuture<'static, Result<Duplex, Error>>;

/// Creates attempts to open a link.
pub(crate) type Dialer = Arc<dyn Fn(Option<Again>) -> Dial + Send + Sync>;

/// The sockets of the machine's links: one, and up to two more during a handover.
pub(super) struct Sockets(Vec<Socket>);

/// A link's socket, or the attempt to open it. Dropping it runs code of the transport, so no lock may be held.
pub(super) struct Socket {
    id: LinkId,
    state: State,
}

enum State {
    Dialing(Attempt),
    Up(Pumps),
}

/// An attempt to open a link. It is polled outside the lock.
#[derive(Default)]
struct Attempt {
    /// `None` while it is polled.
    dial: Option<Dial>,
    /// Whether another waiter tried to poll it meanwhile.
    woken: bool,
}

impl Sockets {
    pub(super) fn new() -> Self {
        // One socket is the common case.
        Self(Vec::with_capacity(1))
    }

    /// Adds an attempt.
    pub(super) fn dial(&mut self, id: LinkId, dial: Dial) {
        let attempt = Attempt { dial: Some(dial), woken: false };
        self.0.push(Socket { id, state: State::Dialing(attempt) });
    }

    /// Takes the current attempt to poll it. If another waiter is polling it, that waiter is told to poll it again. There is
    /// one attempt at a time.
    pub(super) fn take_attempt(&mut self) -> Option<(LinkId, Dial)> {
        self.0.iter_mut().find_map(|socket| match &mut socket.state {
            State::Dialing(attempt) => {
                attempt.woken = attempt.dial.is_none();
                Some((socket.id, attempt.dial.take()?))
            }
            State::Up(_) => None,
        })
    }

    /// Puts back an attempt that is still pending. Returns whether to poll it again, and the attempt if it is no longer
    /// wanted.
    pub(super) fn give_back(&mut self, id: LinkId, dial: Dial) -> Result<bool, Dial> {
        match self.attempt(id) {
            Some(attempt) => {
                attempt.dial = Some(dial);
                Ok(mem::take(&mut attempt.woken))
            }
            None => Err(dial),
        }
    }

    /// Returns whether this attempt is still wanted.
    pub(super) fn is_dialing(&mut self, id: LinkId) -> bool {
        self.attempt(id).is_some()
    }

    /// Replaces an attempt that succeeded by its socket.
    pub(super) fn open(&mut self, id: LinkId, duplex: Duplex) {
        if let Some(socket) = self.0.iter_mut().find(|socket| socket.id == id) {
            socket.state = State::Up(Pumps::new(duplex));
        }
    }

    /// Takes a socket, to be dropped after the lock is released.
    #[must_use]
    pub(super) fn remove(&mut self, id: LinkId) -> Option<Socket> {
        let at = self.0.iter().position(|socket| socket.id == id)?;
        Some(self.0.remove(at))
    }

    /// The pumps of an open link.
    pub(super) fn pumps(&mut self, id: LinkId) -> Option<&mut Pumps> {
        self.0.iter_mut().find(|socket| socket.id == id).and_then(|socket| match &mut socket.state {
            State::Up(pumps) => Some(pumps),
            State::Dialing(_) => None,
        })
    }

    fn attempt(&mut self, id: LinkId) -> Option<&mut Attempt> {
        self.0.iter_mut().find(|socket| socket.id == id).and_then(|socket| match &mut socket.state {
            State::Dialing(attempt) => Some(attempt),
            State::Up(_) => None,
        })
    }
}

/// A link's halves as pollable pumps. Each owns its half, so a pending call is never dropped before it completes, and
/// transports need not be cancel-safe.
pub(super) struct Pumps {
    read: Box<dyn Reader>,
    write: Pin<Box<dyn Sink<Message, Error = TransportError> + Send>>,
}

impl Pumps {
    pub(super) fn new(duplex: Duplex) -> Self {
        Self { read: duplex.read.into_reader(), write: duplex.write.into_sink() }
    }

    /// Reads the next message. `None` once the peer has closed. Nothing is read after that, or after an error.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        self.read.poll_receive(cx)
    }

    /// Likewise, but a lent text may not be UTF-8, and is then to be [rejected](Self::reject_text).
    pub(super) fn poll_read_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        self.read.poll_receive_raw(cx)
    }

    /// Gives the last text back to the transport, which then fails. Returns whether it takes it.
    pub(super) fn reject_text(&mut self) -> bool {
        self.read.reject_text()
    }

    /// Ready once the previous messages have been written.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.write.as_mut().poll_flush(cx))?;
        self.write.as_mut().poll_ready(cx)
    }

    /// Ready once another message is taken, which may be before the previous ones have been written.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.write.as_mut().poll_ready(cx)
    }

    /// Starts to write a message. Only after [`poll_write`](Self::poll_write) or [`poll_room`](Self::poll_room) was ready.
    pub(super) fn start(&mut self, message: Message) -> Result<(), TransportError> {
        self.write.as_mut().start_send(message)
    }
}
