//! Which of our events wait for an answer, and which event answers them.

use std::collections::VecDeque;

use crate::wire::Id;

/// The most requests that are remembered. A server that answers none cannot make it grow.
const MOST: usize = 4096;

/// Requests on the wire, in order.
#[derive(Clone, Debug)]
pub(super) struct Requests<K>(VecDeque<Request<K>>);

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
        Self(VecDeque::new())
    }
}

impl<K: PartialEq> Requests<K> {
    pub(super) fn push(&mut self, request: Request<K>) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// The oldest request of this kind about this subject. One that names no subject fits any.
    pub(super) fn answered(&mut self, kind: &K, subject: Option<&Id>) -> Option<Request<K>> {
        let fits = |request: &Request<K>| {
            request.kind == *kind && (request.subject.is_none() || request.subject.as_ref() == subject)
        };
        let at = self.0.iter().position(fits)?;
        self.0.remove(at)
    }

    /// The request that an error is about.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<Request<K>> {
        let at = self.0.iter().position(|request| request.event_id.as_ref() == Some(event_id))?;
        self.0.remove(at)
    }
}
