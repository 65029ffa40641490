//! Which of our events wait for an answer, which event answers them, and how long they wait.

use std::{collections::VecDeque, time::Duration};

use crate::{transport::Instant, wire::Id};

/// The most requests that are waited for: the oldest is given up. A server that answers none cannot make it grow.
const MOST: usize = 4096;
const MOST_NAMED: usize = 1024;

/// Requests on the wire, in order, and the ids of the latest events of ours.
#[derive(Clone, Debug)]
pub(crate) struct Requests<K> {
    open: VecDeque<Request<K>>,
    named: VecDeque<(Id, Box<str>)>,
}

/// One request: what kind of answer it wants, and for what.
#[derive(Clone, Debug)]
pub(crate) struct Request<K> {
    pub(crate) seq: u64,
    pub(crate) event_id: Option<Id>,
    pub(crate) kind: K,
    /// What it is about: an item.
    pub(crate) subject: Option<Id>,
    pub(crate) asked: Asked,
}

/// When a request went out: by the transport's clock, and by the one that stops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    reading: Duration,
}

/// A clock that stops while a response is active: servers answer after it what they did not answer meanwhile.
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

    /// When a request has waited so long. None while the clock stands still.
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
        Self { open: VecDeque::new(), named: VecDeque::new() }
    }
}

impl<K: PartialEq> Requests<K> {
    /// An event of ours has this id: a complaint may name it.
    pub(crate) fn note(&mut self, id: &Id, kind: &str) {
        if self.named.len() == MOST_NAMED {
            self.named.pop_front();
        }
        self.named.push_back((id.clone(), kind.into()));
    }

    /// The type of our event with this id. The latest, if it was used twice.
    pub(crate) fn kind_of(&self, id: &Id) -> Option<&str> {
        self.named.iter().rev().find(|(named, _)| named == id).map(|(_, kind)| &**kind)
    }

    pub(crate) fn push(&mut self, request: Request<K>) {
        // Where time passes, they are given up before that.
        if self.open.len() == 2 * MOST {
            self.open.pop_front();
        }
        self.open.push_back(request);
    }

    /// The oldest request of this kind about this subject. One that names no subject fits any.
    pub(crate) fn answered(&mut self, kind: &K, subject: Option<&Id>) -> Option<Request<K>> {
        let fits = |request: &Request<K>| {
            request.kind == *kind && (request.subject.is_none() || request.subject.as_ref() == subject)
        };
        let at = self.open.iter().position(fits)?;
        self.open.remove(at)
    }

    /// The oldest request that passes.
    pub(crate) fn first(&self, passes: impl FnMut(&&Request<K>) -> bool) -> Option<u64> {
        self.open.iter().find(passes).map(|request| request.seq)
    }

    /// The only request that passes, if there is just one.
    pub(crate) fn only(&self, mut passes: impl FnMut(&Request<K>) -> bool) -> Option<u64> {
        let mut passing = self.open.iter().filter(|request| passes(request));
        let only = passing.next()?;
        passing.next().is_none().then_some(only.seq)
    }

    /// How many requests pass.
    pub(crate) fn count(&self, mut passes: impl FnMut(&Request<K>) -> bool) -> usize {
        self.open.iter().filter(|request| passes(request)).count()
    }

    pub(crate) fn take(&mut self, seq: u64) -> Option<Request<K>> {
        let at = self.open.iter().position(|request| request.seq == seq)?;
        self.open.remove(at)
    }

    /// When the first of them has waited for too long.
    pub(crate) fn due(&self, patience: &Patience, timeout: Option<Duration>) -> Option<Instant> {
        if self.open.len() > MOST {
            return Some(Instant::default());
        }
        patience.due(self.open.front()?.asked, timeout)
    }

    /// Takes the next one that has waited for too long.
    pub(crate) fn expired(
        &mut self,
        now: Instant,
        patience: &Patience,
        timeout: Option<Duration>,
    ) -> Option<Request<K>> {
        if self.due(patience, timeout).is_some_and(|at| now >= at) { self.open.pop_front() } else { None }
    }

    /// All that are unanswered: their numbers and ids.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, &Id)> {
        self.open.iter().filter_map(|request| Some((request.seq, request.event_id.as_ref()?)))
    }

    /// What the unanswered requests of a kind are about, with their numbers.
    pub(crate) fn subjects(&self, kind: &K) -> Vec<(u64, &Id)> {
        self.open
            .iter()
            .filter(|request| request.kind == *kind)
            .filter_map(|request| Some((request.seq, request.subject.as_ref()?)))
            .collect()
    }

    /// Nothing will be answered any more.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// The request that an error is about.
    pub(crate) fn refused(&mut self, event_id: &Id) -> Option<Request<K>> {
        let at = self.open.iter().position(|request| request.event_id.as_ref() == Some(event_id))?;
        self.open.remove(at)
    }
}
