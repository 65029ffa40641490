//! Unanswered client events: which event answers each, and when they time out.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::{transport::Instant, wire::Id};

/// Maximum number of unanswered requests. Beyond it, the oldest is given up.
const MOST: usize = 4096;
const MOST_NAMED: usize = 1024;

/// Requests in flight, in order, and the ids of recent client events.
#[derive(Clone, Debug)]
pub(crate) struct Requests<K> {
    open: VecDeque<Request<K>>,
    /// Shared with copies of the state until the next event of ours.
    named: Option<Arc<Named>>,
}

/// Ids of sent events and their types.
type Named = VecDeque<(Id, Arc<str>)>;

/// A request: the kind of answer it expects, and its subject.
#[derive(Clone, Debug)]
pub(crate) struct Request<K> {
    pub(crate) seq: u64,
    pub(crate) event_id: Option<Id>,
    pub(crate) kind: K,
    /// Id of the item that it is about.
    pub(crate) subject: Option<Id>,
    pub(crate) asked: Asked,
}

/// When a request was sent, on the transport's clock and on the pausable one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    reading: Duration,
}

/// A clock that pauses while a response is active, because servers may answer requests only afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    stopped: Option<Instant>,
    rested: Duration,
}

impl Patience {
    pub(crate) const fn new() -> Self {
        Self { stopped: None, rested: Duration::ZERO }
    }

    pub(crate) fn rest(&mut self, rests: bool, now: Instant) {
        match self.stopped {
            None if rests => self.stopped = Some(now),
            Some(since) if !rests => {
                self.stopped = None;
                self.rested += now - since;
            }
            _ => {}
        }
    }

    pub(crate) fn asked(&self, now: Instant) -> Asked {
        Asked { at: now, reading: self.read(now) }
    }

    /// When a request times out. `None` while the clock is paused.
    pub(crate) fn due(&self, asked: Asked, timeout: Option<Duration>) -> Option<Instant> {
        let timeout = timeout.filter(|_| self.stopped.is_none())?;
        Some(Instant::from_origin(asked.reading) + timeout + self.rested)
    }

    fn read(&self, now: Instant) -> Duration {
        self.stopped.unwrap_or(now).since_origin().saturating_sub(self.rested)
    }
}

impl<K> Default for Requests<K> {
    fn default() -> Self {
        Self { open: VecDeque::new(), named: None }
    }
}

impl<K: PartialEq> Requests<K> {
    /// Records the id of a client event, because an error may name it.
    pub(crate) fn note(&mut self, id: &Id, kind: &str) {
        let named = Arc::make_mut(self.named.get_or_insert_default());
        if named.len() == MOST_NAMED {
            named.pop_front();
        }
        named.push_back((id.clone(), kind.into()));
    }

    /// The type of the client event with this id. If the id was reused, the latest one.
    pub(crate) fn kind_of(&self, id: &Id) -> Option<&str> {
        self.named.iter().flat_map(|named| named.iter().rev()).find(|(named, _)| named == id).map(|(_, kind)| &**kind)
    }

    pub(crate) fn push(&mut self, request: Request<K>) {
        // Normally they time out before that.
        if self.open.len() == 2 * MOST {
            self.open.pop_front();
        }
        self.open.push_back(request);
    }

    /// Takes the oldest request of this kind about this subject. A request without a subject matches any.
    pub(crate) fn answered(&mut self, kind: &K, subject: Option<&Id>) -> Option<Request<K>> {
        let fits = |request: &Request<K>| {
            request.kind == *kind && (request.subject.is_none() || request.subject.as_ref() == subject)
        };
        let at = self.open.iter().position(fits)?;
        self.open.remove(at)
    }

    /// Number of the oldest request that matches.
    pub(crate) fn first(&self, passes: impl FnMut(&&Request<K>) -> bool) -> Option<u64> {
        self.open.iter().find(passes).map(|request| request.seq)
    }

    /// Number of the only request that matches, if there is exactly one.
    pub(crate) fn only(&self, mut passes: impl FnMut(&Request<K>) -> bool) -> Option<u64> {
        let mut passing = self.open.iter().filter(|request| passes(request));
        let only = passing.next()?;
        passing.next().is_none().then_some(only.seq)
    }

    /// Subject of the request whose kind matches, if there is exactly one.
    pub(crate) fn only_subject(&self, mut passes: impl FnMut(&K) -> bool) -> Option<&Id> {
        let mut passing = self.open.iter().filter(|request| passes(&request.kind));
        let only = passing.next()?;
        only.subject.as_ref().filter(|_| passing.next().is_none())
    }

    /// Number of requests that match.
    pub(crate) fn count(&self, mut passes: impl FnMut(&Request<K>) -> bool) -> usize {
        self.open.iter().filter(|request| passes(request)).count()
    }

    pub(crate) fn take(&mut self, seq: u64) -> Option<Request<K>> {
        let at = self.open.iter().position(|request| request.seq == seq)?;
        self.open.remove(at)
    }

    /// When the oldest request times out.
    pub(crate) fn due(&self, patience: &Patience, timeout: Option<Duration>) -> Option<Instant> {
        if self.open.len() > MOST {
            return Some(Instant::default());
        }
        patience.due(self.open.front()?.asked, timeout)
    }

    /// Takes the next request that has timed out.
    pub(crate) fn expired(
        &mut self,
        now: Instant,
        patience: &Patience,
        timeout: Option<Duration>,
    ) -> Option<Request<K>> {
        if self.due(patience, timeout).is_some_and(|at| now >= at) { self.open.pop_front() } else { None }
    }

    /// Numbers and ids of all unanswered requests.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, &Id)> {
        self.open.iter().filter_map(|request| Some((request.seq, request.event_id.as_ref()?)))
    }

    /// All unanswered requests.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Request<K>> {
        self.open.iter()
    }

    /// Forgets all requests.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// Takes the request that an error names.
    pub(crate) fn refused(&mut self, event_id: &Id) -> Option<Request<K>> {
        let at = self.open.iter().position(|request| request.event_id.as_ref() == Some(event_id))?;
        self.open.remove(at)
    }
}
