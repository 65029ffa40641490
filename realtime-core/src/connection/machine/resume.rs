//! Resuming: a conversation that leaves its connection, or comes from another.

use std::sync::Arc;

use super::{
    super::notice::Phase,
    Machine,
    entry::{Entry, Unsent},
    outbox::Queue,
};
use crate::{
    protocol::{Protocol, state::State},
    transport::Instant,
};

/// Fills a state.
type Fill<S> = Box<dyn FnOnce(&mut S) + Send>;

/// What a connection starts with to continue the conversation of another.
pub(crate) struct Resume<P: Protocol> {
    /// Fills the state.
    pub(crate) fill: Fill<P::State>,
    /// Unsent events of the other connection, in order.
    pub(crate) queued: Vec<P::ClientEvent>,
}

/// A conversation at one moment: the state, and the unsent events in the order in which they would be sent.
pub(crate) struct Parts<P: Protocol> {
    pub(crate) state: Arc<P::State>,
    unsent: Vec<Unsent<P>>,
}

impl<P: Protocol> Parts<P> {
    /// Returns the unsent events. Some are decoded, so hold no lock.
    pub(crate) fn into_unsent(self) -> Vec<P::ClientEvent> {
        self.unsent.into_iter().map(Unsent::into_event).collect()
    }
}

impl<P: Protocol> Machine<P> {
    /// Continues the conversation of another connection. Called before dialing.
    pub(in super::super) fn begin_resumed(&mut self, resume: Resume<P>, queue: &impl Queue<P>, now: Instant) {
        self.is_resumed = true;
        (resume.fill)(Arc::make_mut(&mut self.state));
        self.sample_bytes = self.state.sample_bytes();
        queue.with(|out| out.set_sample_bytes(self.sample_bytes));
        for event in resume.queued {
            // Events that this connection does not accept are reported with the others.
            if let Err(refused) = self.react(queue, event, now) {
                self.refused.push(refused.into_event());
            }
        }
    }

    /// Takes the conversation at this moment. Only pointers are copied.
    pub(in super::super) fn parts(&self, queue: &impl Queue<P>) -> Parts<P> {
        // The state contains the rest of the replay.
        let replayed = self.replay.iter().filter(|entry| entry.seq != 0);
        let refused = self.refused.iter().map(|event| Unsent::new(event.clone()));
        let mut unsent: Vec<_> = refused.chain(replayed.chain(&self.held).map(Entry::unsent)).collect();
        queue.with(|out| unsent.extend(out.unsent()));
        Parts { state: self.state.clone(), unsent }
    }

    /// Stops requesting responses.
    pub(in super::super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Returns whether nothing is in progress in either direction, and nothing is queued except requests for responses.
    pub(in super::super) fn is_drained(&self, queue: &impl Queue<P>, now: Instant) -> bool {
        self.phase == Phase::Open && self.is_settled(now) && queue.with(|out| out.front().is_none())
    }
}
