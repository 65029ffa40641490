//! What waits to be written.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{answers::Cell, options::AudioPolicy};
use crate::{
    event::Event,
    protocol::Protocol,
    session::State,
    transport::{Instant, Text},
};

/// One event on its way out.
pub(super) struct Entry<P: Protocol> {
    /// Its place in the order of sending, from 1.
    pub(super) seq: u64,
    pub(super) text: Text,
    /// The event itself; none for audio, whose text says it all.
    pub(super) event: Option<Box<P::ClientEvent>>,
    /// Where its answer goes, if somebody awaits one.
    pub(super) cell: Option<Arc<Cell<P>>>,
    /// Whether it asks for a response of the conversation, of which there is one at a time.
    pub(super) scheduled: bool,
    /// Bytes of audio that it appends to the input buffer.
    pub(super) audio: usize,
    /// Whether it uses up the audio before it, so that none of that may be dropped.
    pub(super) barrier: bool,
    /// When it was queued, where an age limit asks for it.
    pub(super) queued: Option<Instant>,
    /// Whether the connection sends it of itself, because of what the server said.
    pub(super) own: bool,
}

impl<P: Protocol> Entry<P> {
    /// Audio on its way out: the text of an append, and how many bytes it holds.
    pub(super) fn audio(text: Text, bytes: usize) -> Self {
        Self {
            seq: 0,
            text,
            event: None,
            cell: None,
            scheduled: false,
            audio: bytes,
            barrier: false,
            queued: None,
            own: false,
        }
    }

    /// The event, read back from its text where only that was kept.
    pub(super) fn into_event(self) -> P::ClientEvent {
        self.event.map_or_else(|| P::ClientEvent::decode(self.text.as_bytes()), |event| *event)
    }

    fn len(&self) -> usize {
        self.text.as_bytes().len()
    }

    fn own(&self) -> usize {
        if self.own { self.len() } else { 0 }
    }

    fn is_droppable(&self) -> bool {
        self.audio > 0
    }
}

pub(super) struct Outbox<P: Protocol> {
    queue: VecDeque<Entry<P>>,
    /// Bytes queued, and those held back by the session.
    bytes: usize,
    /// Those of them that wait in the queue because of what the server said.
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
}

impl<P: Protocol> Outbox<P> {
    pub(super) fn new(limit: usize, policy: AudioPolicy) -> Self {
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
        }
    }

    pub(super) fn policy(&self) -> AudioPolicy {
        self.policy
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn sample_bytes(&self) -> usize {
        self.sample_bytes
    }

    pub(super) fn set_sample_bytes(&mut self, bytes: usize) {
        self.sample_bytes = bytes;
    }

    /// The sequence number of the latest event.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The sequence number of the next event to leave.
    pub(super) fn front(&self) -> Option<u64> {
        self.queue.front().map(|entry| entry.seq)
    }

    /// Whether another event would be taken, whatever its size.
    pub(super) fn has_room(&self) -> bool {
        self.bytes == 0 || self.bytes < self.limit
    }

    /// Whether so much is to be sent because of what the server said that it should hear that before it says more.
    pub(super) fn is_behind(&self) -> bool {
        self.own > self.limit.saturating_mul(4)
    }

    /// Whether one more event of audio would be taken, whatever its size. `now` is given where the policy looks at it.
    pub(super) fn check_room(&mut self, now: Option<Instant>) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if let (Some(now), Some(age)) = (now, self.policy.max_age) {
            self.drop_stale(now, age);
        }
        let can_drop = || self.policy.drop_oldest && self.oldest_audio().is_some();
        if self.has_room() || can_drop() { Ok(()) } else { Err(Refusal::Full) }
    }

    /// Queues an event, or gives it back: closed, or full. `always` takes what the connection itself must send.
    pub(super) fn push(&mut self, mut entry: Entry<P>, always: bool) -> Result<(), (Refusal, Entry<P>)> {
        if self.closed {
            return Err((Refusal::Closed, entry));
        }
        if let (Some(now), Some(age)) = (entry.queued, self.policy.max_age) {
            self.drop_stale(now, age);
        }
        while !always && !self.has_room() {
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
        entry.own = always;
        self.own += entry.own();
        self.queue.push_back(entry);
        Ok(())
    }

    /// Takes the next event. Its bytes count until [`release`](Self::release).
    pub(super) fn pop(&mut self) -> Option<Entry<P>> {
        let entry = self.queue.pop_front()?;
        self.own -= entry.own();
        Some(entry)
    }

    /// Gives the place of an event free that was popped, and is written.
    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Where the answers to what is queued are to go.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Arc<Cell<P>>> {
        self.queue.iter().filter_map(|entry| entry.cell.as_ref())
    }

    /// Drops audio that has waited too long.
    pub(super) fn drop_stale(&mut self, now: Instant, age: Duration) {
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

    /// Where the oldest audio stands that may be dropped.
    fn oldest_audio(&self) -> Option<usize> {
        self.queue.iter().position(|entry| entry.seq > self.barrier && entry.is_droppable())
    }

    /// The bytes of audio dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// Takes no more events.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Bytes of audio queued behind the last commit or clear.
    pub(super) fn audio(&self) -> usize {
        self.queue.iter().filter(|entry| entry.seq > self.barrier).map(|entry| entry.audio).sum()
    }

    /// How many requests for responses of the conversation are queued.
    pub(super) fn scheduled(&self) -> usize {
        self.queue.iter().filter(|entry| entry.scheduled).count()
    }

    /// Takes out what makes no sense any more.
    pub(super) fn take_stale(&mut self, state: &P::State) -> Vec<Entry<P>> {
        let (mut created, mut audio) = (Vec::new(), 0);
        let (mut kept, mut stale) = (VecDeque::new(), Vec::new());
        for entry in self.queue.drain(..) {
            let event = entry.event.as_deref();
            if event.is_some_and(|event| !state.still_applies(event, &created, audio)) {
                self.bytes -= entry.len();
                self.own -= entry.own();
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

    /// Empties the queue, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry<P>> + '_ {
        self.bytes -= self.queue.iter().map(Entry::len).sum::<usize>();
        self.own = 0;
        self.queue.drain(..)
    }
}

/// Why an event was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Closed,
    Full,
}
