//! The queue of client events that wait to be written.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    super::{answers::Cell, options::AudioPolicy},
    entry::{Entry, Unsent},
};
use crate::{
    dialect::{Dialect, DialectError},
    protocol::{Protocol, state::State},
    transport::Instant,
};

/// Access to the outbox, which the senders share. The machine does not keep it locked, so sending never waits for the
/// machine.
pub(crate) trait Queue<P: Protocol> {
    /// Calls the function with the outbox.
    fn with<R>(&self, f: impl FnOnce(&mut Outbox<P>) -> R) -> R;
}

/// The queue of client events that wait to be written.
pub(crate) struct Outbox<P: Protocol> {
    queue: VecDeque<Entry<P>>,
    /// Bytes of the queued events, of those that wait for their turn, and of the one being written.
    bytes: usize,
    /// Bytes of the queued events that the connection sends by itself.
    own: usize,
    limit: usize,
    policy: AudioPolicy,
    pushed: u64,
    /// Sequence number of the last barrier queued.
    barrier: u64,
    /// Bytes of audio dropped and not yet reported.
    dropped: usize,
    closed: bool,
    /// Bytes of one sample of input audio.
    sample_bytes: usize,
    /// Dialect of the server.
    dialect: Dialect,
}

impl<P: Protocol> Outbox<P> {
    pub(crate) fn new(limit: usize, policy: AudioPolicy, dialect: Dialect) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            own: 0,
            limit,
            policy,
            pushed: 0,
            barrier: 0,
            dropped: 0,
            closed: false,
            sample_bytes: 2,
            dialect,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Changes the dialect, because another server takes over. Encodes the queued events again, and those in `held`, which wait
    /// for their turn. Returns `held`, and the events that the dialect cannot express.
    #[expect(clippy::type_complexity, reason = "what is held, and what is removed with the reason")]
    pub(super) fn set_dialect(
        &mut self,
        dialect: Dialect,
        held: VecDeque<Entry<P>>,
    ) -> (VecDeque<Entry<P>>, Vec<(Entry<P>, DialectError)>) {
        let mut refused = Vec::new();
        if std::mem::replace(&mut self.dialect, dialect) == dialect {
            return (held, refused);
        }
        let mut rewrite = |entries: VecDeque<Entry<P>>| {
            let mut kept = VecDeque::new();
            for mut entry in entries {
                // Audio is the same in all.
                let text = entry.event.as_ref().map(|event| P::encode(event, dialect)).transpose();
                match text {
                    Ok(text) => {
                        entry.text = text.unwrap_or(entry.text);
                        kept.push_back(entry);
                    }
                    Err(error) => refused.push((entry, error)),
                }
            }
            kept
        };
        let before = [&held, &self.queue].map(|entries| entries.iter().map(Entry::len).sum::<usize>());
        let (held, queue) = (rewrite(held), rewrite(std::mem::take(&mut self.queue)));
        let after = [&held, &queue].map(|entries| entries.iter().map(Entry::len).sum::<usize>());
        self.bytes = self.bytes + after[0] + after[1] - before[0] - before[1];
        self.own = queue.iter().map(own_len).sum();
        self.queue = queue;
        (held, refused)
    }

    pub(crate) fn policy(&self) -> AudioPolicy {
        self.policy
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn sample_bytes(&self) -> usize {
        self.sample_bytes
    }

    pub(crate) fn set_sample_bytes(&mut self, bytes: usize) {
        self.sample_bytes = bytes;
    }

    /// Returns the sequence number of the latest event.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Returns the sequence number of the next event to be written.
    pub(crate) fn front(&self) -> Option<u64> {
        self.queue.front().map(|entry| entry.seq)
    }

    /// Returns whether another event of any size would be accepted.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes == 0 || self.bytes < self.limit
    }

    /// Returns whether so many reactions are queued that reading should pause until they are written.
    pub(crate) fn is_behind(&self) -> bool {
        self.own > self.limit.saturating_mul(4)
    }

    /// Returns whether another append of any size would be accepted. `now` is given if the policy for stale audio needs it.
    pub(crate) fn check_room(&mut self, now: Option<Instant>) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if let (Some(now), Some(age)) = (now, self.policy.max_age) {
            self.drop_stale(now, age);
        }
        let can_drop = || self.policy.drop_oldest && self.oldest_audio().is_some();
        if self.has_room() || can_drop() { Ok(()) } else { Err(Refusal::Full) }
    }

    /// Queues an event, or returns it if the outbox is closed or full. `own` is set for events that the connection sends by
    /// itself, which are accepted even if the outbox is full.
    pub(crate) fn push(&mut self, mut entry: Entry<P>, own: bool) -> Result<(), (Refusal, Entry<P>)> {
        if self.closed {
            return Err((Refusal::Closed, entry));
        }
        if let (Some(now), Some(age)) = (entry.queued, self.policy.max_age) {
            self.drop_stale(now, age);
        }
        while !own && !self.has_room() {
            if !(self.policy.drop_oldest && self.drop_oldest(|_| true)) {
                return Err((Refusal::Full, entry));
            }
        }
        self.pushed += 1;
        entry.seq = self.pushed;
        if entry.barrier {
            self.barrier = entry.seq;
        }
        self.bytes += entry.len();
        entry.own = own;
        self.own += own_len(&entry);
        self.queue.push_back(entry);
        Ok(())
    }

    /// Takes the next event. Its bytes count until [`release`](Self::release).
    pub(crate) fn pop(&mut self) -> Option<Entry<P>> {
        let entry = self.queue.pop_front()?;
        self.own = self.own.saturating_sub(own_len(&entry));
        Some(entry)
    }

    /// Frees the bytes of an event that was written, or lost with its link.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Returns the slots for the answers to queued requests.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &Arc<Cell<P>>> {
        self.queue.iter().filter_map(|entry| entry.cell.as_ref())
    }

    /// Drops audio that has waited too long.
    pub(crate) fn drop_stale(&mut self, now: Instant, age: Duration) {
        while self.drop_oldest(|entry| entry.queued.is_some_and(|queued| now - queued > age)) {}
    }

    fn drop_oldest(&mut self, is_stale: impl Fn(&Entry<P>) -> bool) -> bool {
        let Some(entry) =
            self.oldest_audio().filter(|&at| is_stale(&self.queue[at])).and_then(|at| self.queue.remove(at))
        else {
            return false;
        };
        self.bytes -= entry.len();
        self.dropped += entry.audio;
        true
    }

    /// Returns the position of the oldest audio that may be dropped.
    fn oldest_audio(&self) -> Option<usize> {
        self.queue.iter().position(|entry| entry.seq > self.barrier && entry.audio > 0)
    }

    /// Takes the number of bytes of audio dropped since the last call.
    pub(crate) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// Accepts no more events.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Returns the bytes of audio queued after the last commit or clear.
    pub(crate) fn audio(&self) -> usize {
        self.queue.iter().filter(|entry| entry.seq > self.barrier).map(|entry| entry.audio).sum()
    }

    /// Returns the number of queued requests for responses of the conversation.
    pub(crate) fn scheduled(&self) -> usize {
        self.queue.iter().filter(|entry| entry.scheduled).count()
    }

    /// Removes the events that no longer apply to the session.
    pub(crate) fn take_stale(&mut self, state: &P::State) -> Vec<Entry<P>> {
        let (mut created, mut audio) = (Vec::new(), 0);
        let (mut kept, mut stale) = (VecDeque::new(), Vec::new());
        for entry in self.queue.drain(..) {
            let event = entry.event.as_deref();
            if event.is_some_and(|event| !state.still_applies(event, &created, audio)) {
                self.bytes -= entry.len();
                self.own = self.own.saturating_sub(own_len(&entry));
                stale.push(entry);
                continue;
            }
            audio = if entry.barrier { 0 } else { audio + entry.audio };
            created.extend(event.and_then(P::State::created).cloned());
            kept.push_back(entry);
        }
        self.queue = kept;
        stale
    }

    /// Returns the queued events, in order.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = Unsent<P>> + '_ {
        self.queue.iter().map(Entry::unsent)
    }

    /// Returns the bytes that count against the limit, and the sum over the queued events.
    #[cfg(test)]
    pub(super) fn accounts(&self) -> (usize, usize) {
        (self.bytes, self.queue.iter().map(Entry::len).sum())
    }

    /// Takes all events, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Entry<P>> + '_ {
        self.bytes -= self.queue.iter().map(Entry::len).sum::<usize>();
        self.own = 0;
        self.queue.drain(..)
    }
}

/// Bytes of an event that the connection sends by itself.
fn own_len<P: Protocol>(entry: &Entry<P>) -> usize {
    if entry.own { entry.len() } else { 0 }
}

/// The reason for which an event was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full,
}
