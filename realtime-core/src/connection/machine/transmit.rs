//! Outgoing messages: which one is next, and whether it was written.

use std::sync::Arc;

use super::{
    super::notice::Notice,
    Machine,
    entry::Entry,
    link::LinkId,
    outbox::{Outbox, Queue},
};
use crate::{
    protocol::{Protocol, event::Event, state::State},
    transport::{Instant, Message, TransportError},
};

impl<P: Protocol> Machine<P> {
    /// Returns whether to poll the link's socket for writing. `woken` says that it was woken for that.
    pub(in super::super) fn wants_write(&mut self, id: LinkId, woken: bool, now: Instant) -> bool {
        if self.link.id != id {
            return self.beside(id).is_some_and(|link| link.is_up() && !link.is_muted());
        }
        let ready = std::mem::take(&mut self.pending.write) || self.is_released(now);
        self.link.wants_write(woken, ready, now)
    }

    /// Records that the previous message, if any, was written, and the socket accepts the next.
    pub(in super::super) fn on_written(&mut self, id: LinkId, queue: &impl Queue<P>) {
        let Some(link) = self.link_mut(id) else { return };
        let bytes = link.written();
        if bytes > 0 {
            queue.with(|out| out.release(bytes));
        }
    }

    /// Records that the socket does not accept the next message yet.
    pub(in super::super) fn on_write_pending(&mut self, id: LinkId, now: Instant) {
        if self.link.id == id {
            self.link.write_pending(now + self.config.options.write_timeout);
        }
    }

    /// Handles a failure of writing.
    pub(in super::super) fn on_write_failed(&mut self, id: LinkId, error: TransportError, now: Instant) {
        if self.link.id == id {
            self.link.write_failed(error, now + self.config.options.close_timeout);
        } else {
            self.lost_beside(id, now);
        }
    }

    /// Takes the next message for the link's socket, after [`on_written`](Self::on_written).
    pub(in super::super) fn poll_transmit(
        &mut self,
        id: LinkId,
        queue: &impl Queue<P>,
        now: Instant,
    ) -> Option<Message> {
        let in_use = self.link.id == id;
        let link = self.link_mut(id).filter(|link| link.is_up() && !link.is_muted())?;
        match link.next_control() {
            Some(message) => Some(message),
            None if in_use => queue.with(|out| self.next_event(out, now)),
            None => self.next_moved(id, now),
        }
    }

    /// Takes the next event for the link in use.
    fn next_event(&mut self, out: &mut Outbox<P>, now: Instant) -> Option<Message> {
        if let Some(age) = out.policy().max_age {
            out.drop_stale(now, age);
        }
        let dropped = out.take_dropped();
        if dropped > 0 {
            let milliseconds = self.state.input_ms(dropped);
            self.inbox.push_notice(Notice::AudioDropped { milliseconds });
        }
        let replays = !self.replay.is_empty();
        let entry = self.next_entry(out, now)?;
        // Events of the replay were never in the outbox.
        let bytes = if replays { 0 } else { entry.len() };
        let state = Arc::make_mut(&mut self.state);
        match &entry.event {
            Some(event) => state.sent(entry.seq, event, now),
            None => state.sent_audio(entry.audio, now),
        }
        self.log.message(true, || entry.event.as_ref().map_or("append", |event| event.kind()), bytes);
        if let Some(cell) = entry.cell.filter(|cell| Arc::strong_count(cell) > 1) {
            self.waiting.insert(entry.seq, cell);
        }
        self.link.write(entry.seq, bytes);
        Some(Message::Text(entry.text))
    }

    /// Takes the next event that may be sent. Those that must wait for their turn are put aside.
    fn next_entry(&mut self, out: &mut Outbox<P>, now: Instant) -> Option<Entry<P>> {
        if let Some(entry) = self.replay.pop_front() {
            return Some(entry);
        }
        // Until the next session is open, it is not known which queued events still apply.
        if self.is_reopening() || self.is_moving() {
            return None;
        }
        if self.is_released(now) {
            return self.held.pop_front();
        }
        loop {
            let entry = out.pop()?;
            let waits = entry.scheduled && (self.draining || !self.held.is_empty());
            match &entry.event {
                Some(event) if waits || !self.state.admits(event, now) => self.held.push_back(entry),
                _ => return Some(entry),
            }
        }
    }

    /// Returns whether an event that was put aside may be sent now.
    pub(super) fn is_released(&self, now: Instant) -> bool {
        let event = self.held.front().and_then(|entry| entry.event.as_ref());
        !self.draining && event.is_some_and(|event| self.state.admits(event, now))
    }
}
