//! The slot for the answer to a request, shared by the connection and whoever awaits the answer.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{error::Error, protocol::Protocol};

/// Slot for the answer to one request.
pub(crate) struct Cell<P: Protocol>(Mutex<Answer<P>>);

struct Answer<P: Protocol> {
    /// Events that precede the end of the answer, if they are wanted.
    parts: Option<Parts<P>>,
    end: Option<Result<P::ServerEvent, Error>>,
}

struct Parts<P: Protocol> {
    queue: VecDeque<P::ServerEvent>,
    bytes: usize,
    limit: usize,
    /// Whether parts were dropped for lack of room.
    lagged: bool,
}

impl<P: Protocol> Cell<P> {
    /// Creates a slot for an answer of one event.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Answer { parts: None, end: None }))
    }

    /// Creates a slot for an answer in parts, of which up to `limit` bytes can wait.
    pub(crate) fn in_parts(limit: usize) -> Self {
        let parts = Parts { queue: VecDeque::new(), bytes: 0, limit, lagged: false };
        Self(Mutex::new(Answer { parts: Some(parts), end: None }))
    }

    pub(crate) fn set(&self, answer: Result<P::ServerEvent, Error>) {
        self.answer().end.get_or_insert(answer);
    }

    pub(crate) fn push(&self, event: &P::ServerEvent, bytes: usize) {
        if let Some(parts) = &mut self.answer().parts {
            if parts.bytes >= parts.limit {
                parts.lagged = true;
            } else {
                parts.bytes += bytes;
                parts.queue.push_back(event.clone());
            }
        }
    }

    /// What there is to see in the event that has ended it, if one has. It stays there.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&P::ServerEvent) -> T) -> Option<T> {
        match &self.answer().end {
            Some(Ok(event)) => Some(look(event)),
            Some(Err(_)) | None => None,
        }
    }

    pub(crate) fn take(&self) -> Option<Result<P::ServerEvent, Error>> {
        self.answer().end.take()
    }

    /// The next part, or that some were dropped. `None` if there is none yet; the end comes last.
    pub(crate) fn next(&self) -> Option<Part<P>> {
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

pub(crate) enum Part<P: Protocol> {
    Event(P::ServerEvent),
    Lagged,
    End,
}
