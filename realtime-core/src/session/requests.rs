//! Which of our events wait for an answer, and which event answers them.

use std::collections::VecDeque;

use crate::wire::Id;

/// The most requests that are remembered. A server that answers none cannot make it grow.
const MOST: usize = 4096;
const MOST_NAMED: usize = 1024;

/// Requests on the wire, in order, and the ids of the latest events of ours.
#[derive(Clone, Debug)]
pub(super) struct Requests<K> {
    open: VecDeque<Request<K>>,
    named: VecDeque<(Id, Box<str>)>,
}

/// One request: what kind of answer it wants, and for what.
#[derive(Clone, Debug)]
pub(super) struct Request<K> {
    pub(super) seq: u64,
    pub(super) event_id: Option<Id>,
    pub(super) kind: K,
    /// What it is about: an item.
    pub(super) subject: Option<Id>,
}

impl<K> Default for Requests<K> {
    fn default() -> Self {
        Self { open: VecDeque::new(), named: VecDeque::new() }
    }
}

impl<K: PartialEq> Requests<K> {
    /// An event of ours has this id: a complaint may name it.
    pub(super) fn note(&mut self, id: &Id, kind: &str) {
        if self.named.len() == MOST_NAMED {
            self.named.pop_front();
        }
        self.named.push_back((id.clone(), kind.into()));
    }

    /// The type of our event with this id. The latest, if it was used twice.
    pub(super) fn kind_of(&self, id: &Id) -> Option<&str> {
        self.named.iter().rev().find(|(named, _)| named == id).map(|(_, kind)| &**kind)
    }

    pub(super) fn push(&mut self, request: Request<K>) {
        if self.open.len() == MOST {
            self.open.pop_front();
        }
        self.open.push_back(request);
    }

    /// The oldest request of this kind about this subject. One that names no subject fits any.
    pub(super) fn answered(&mut self, kind: &K, subject: Option<&Id>) -> Option<Request<K>> {
        let fits = |request: &Request<K>| {
            request.kind == *kind && (request.subject.is_none() || request.subject.as_ref() == subject)
        };
        let at = self.open.iter().position(fits)?;
        self.open.remove(at)
    }

    /// The request that an error is about.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<Request<K>> {
        let at = self.open.iter().position(|request| request.event_id.as_ref() == Some(event_id))?;
        self.open.remove(at)
    }
}
