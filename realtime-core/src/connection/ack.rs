use std::{
    collections::VecDeque,
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use super::{
    driver::{Kind, Shared},
    hub::Slot,
    sender::SendError,
};
use crate::{
    error::{Error, ErrorKind},
    event::{Event, EventOf},
    protocol::Protocol,
};

/// Where the answer to one request is put.
pub(super) struct Cell<P: Protocol>(Mutex<Answer<P>>);

struct Answer<P: Protocol> {
    /// The events that make up the answer before its end, where they are wanted.
    parts: Option<Parts<P>>,
    end: Option<Result<P::ServerEvent, Error>>,
}

struct Parts<P: Protocol> {
    queue: VecDeque<P::ServerEvent>,
    bytes: usize,
    limit: usize,
    /// Whether parts were left out for want of room.
    lagged: bool,
}

impl<P: Protocol> Cell<P> {
    /// For an answer of one event.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Answer { parts: None, end: None }))
    }

    /// For an answer in parts, of which so many bytes may wait to be taken.
    pub(super) fn in_parts(limit: usize) -> Self {
        let parts = Parts { queue: VecDeque::new(), bytes: 0, limit, lagged: false };
        Self(Mutex::new(Answer { parts: Some(parts), end: None }))
    }

    pub(super) fn set(&self, answer: Result<P::ServerEvent, Error>) {
        self.answer().end.get_or_insert(answer);
    }

    pub(super) fn push(&self, event: &P::ServerEvent, bytes: usize) {
        if let Some(parts) = &mut self.answer().parts {
            if parts.bytes >= parts.limit {
                parts.lagged = true;
            } else {
                parts.bytes += bytes;
                parts.queue.push_back(event.clone());
            }
        }
    }

    pub(super) fn take(&self) -> Option<Result<P::ServerEvent, Error>> {
        self.answer().end.take()
    }

    /// The next part, or that some were left out. None while there is none; then the end, if it has come.
    pub(super) fn next(&self) -> Option<Part<P>> {
        let mut answer = self.answer();
        if let Some(parts) = &mut answer.parts {
            if let Some(event) = parts.queue.pop_front() {
                if parts.queue.is_empty() {
                    parts.bytes = 0;
                }
                return Some(Part::Event(event));
            }
            if mem::take(&mut parts.lagged) {
                return Some(Part::Lagged);
            }
        }
        answer.end.is_some().then_some(Part::End)
    }

    fn answer(&self) -> MutexGuard<'_, Answer<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) enum Part<P: Protocol> {
    Event(P::ServerEvent),
    Lagged,
    End,
}

/// A request that is on its way, and the server's answer to it.
///
/// The request is sent whether or not this is awaited: drop it, and nobody waits. Awaited, it drives the connection
/// until the server grants the request, with the event `E`, or refuses it.
///
/// # Cancel safety
/// Awaiting `&mut ack` and dropping that loses nothing: await it again.
///
/// # Errors
/// - [`ErrorKind::Request`]: the server refused it, with these words.
/// - [`ErrorKind::Unanswered`]: nothing answered it within [`Options::request_timeout`](crate::Options::request_timeout).
/// - [`ErrorKind::Unsent`]: the connection ended before it was sent; [`Connection::close`](crate::Connection::close)
///   gives it back.
/// - [`ErrorKind::Ambiguous`]: the connection ended after it was sent and before it was answered.
/// - [`ErrorKind::InboxFull`]: events wait to be read. Read them, then await this again.
pub struct Ack<P: Protocol, E> {
    shared: Arc<Shared<P>>,
    cell: Arc<Cell<P>>,
    slot: Option<Slot>,
    event: PhantomData<fn() -> E>,
}

impl<P: Protocol, E> Ack<P, E> {
    pub(super) fn send(shared: &Arc<Shared<P>>, event: impl Into<P::ClientEvent>) -> Result<Self, SendError<P>> {
        let cell = Arc::new(Cell::new());
        shared.send(event.into(), Some(Arc::clone(&cell)))?;
        Ok(Self { shared: shared.clone(), cell, slot: None, event: PhantomData })
    }
}

impl<P: Protocol, E: EventOf<P::ServerEvent>> Future for Ack<P, E> {
    type Output = Result<E, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = this.shared.poll(cx, &mut this.slot, Kind::Other, |_| this.cell.take());
        answer.map(|answer| {
            // What answers a request is the event that it asks for; another would be a fault of the session's.
            E::take(answer??).map_err(|other| ErrorKind::Invalid(other.kind().into()).into())
        })
    }
}

impl<P: Protocol, E: EventOf<P::ServerEvent>> fmt::Debug for Ack<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("event", &E::KIND).finish_non_exhaustive()
    }
}
