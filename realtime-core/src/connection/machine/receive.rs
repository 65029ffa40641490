//! Messages in: from the link in use to the state, the inbox, and whoever awaits an answer.

use std::{mem, sync::Arc};

use super::{
    super::notice::{Notice, Phase},
    Machine,
    close::Ended,
    link::LinkId,
    outbox::Queue,
};
use crate::{
    error::{Awaited, Error, ErrorKind, Unanswered},
    protocol::{
        Protocol,
        event::{Event, Recognition},
        state::{Changes, Outcome, Overdue, State},
    },
    transport::{Instant, Message, Received, TransportError},
};

/// How many events are named that came in place of the one that opens a session.
const MOST_INSTEAD: usize = 8;

/// The wait for the event that opens the session.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) since: Instant,
    /// What came in its place.
    pub(super) instead: Vec<Box<str>>,
}

impl<P: Protocol> Machine<P> {
    /// Whether the link is to be read. `woken` says that its socket has something.
    pub(in super::super) fn wants_read(
        &mut self,
        id: LinkId,
        woken: bool,
        queue: &impl Queue<P>,
        now: Instant,
    ) -> bool {
        if self.link.id != id {
            return self.beside(id).is_some_and(|link| link.is_up());
        }
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| now >= at);
        let asked = mem::take(&mut self.pending.read)
            || woken
            // Before another session takes the place of this one, this one is asked for its last word.
            || self.handover.is_some()
            || due(self.recycle)
            // Silence and stalls are judged only right after an attempt.
            || self.link.silence.is_due(now)
            || due(self.stall_at());
        if !(asked && self.link.is_up()) {
            return false;
        }
        self.parked |= self.is_behind(queue);
        !self.parked
    }

    /// Whether the next message of the link has a place. If not, reading pauses until [`unpark`](Self::unpark).
    pub(in super::super) fn has_room(&mut self, id: LinkId) -> bool {
        if self.link.id != id {
            return self.beside(id).is_some_and(|link| link.is_up());
        }
        if !self.link.is_up() {
            return false;
        }
        self.inbox.make_room();
        self.parked |= self.inbox.is_full();
        !self.parked
    }

    /// Whether the server should take what waits for it before it says more. Not while nothing can be written, since then
    /// only reading leads to where it can.
    fn is_behind(&self, queue: &impl Queue<P>) -> bool {
        let can_write = self.phase == Phase::Open && !self.link.is_muted() && !self.is_moving();
        can_write && queue.with(|out| out.is_behind())
    }

    /// Resumes reading, if that paused for want of room and there is room now. Whether it did.
    pub(in super::super) fn unpark(&mut self, queue: &impl Queue<P>) -> bool {
        let free = self.parked && !self.inbox.is_full() && !self.is_behind(queue);
        if free {
            self.parked = false;
            self.pending.read = true;
        }
        free
    }

    /// A message has arrived.
    pub(in super::super) fn on_message(
        &mut self,
        id: LinkId,
        message: Received<'_>,
        queue: &impl Queue<P>,
        now: Instant,
    ) {
        if self.link.id != id || !self.link.is_up() {
            return self.on_message_beside(id, message.into_message(), now);
        }
        match self.receive(message, queue, now) {
            Ok(()) => self.pending.write |= self.collect(queue, now),
            Err(end) => self.link_over(end, queue, now),
        }
    }

    /// There is nothing more to read now. What has been waited for too long is given up.
    pub(in super::super) fn on_read_idle(&mut self, id: LinkId, queue: &impl Queue<P>, now: Instant) {
        if self.link.id != id {
            return;
        }
        self.link.idle = true;
        if self.stall_at().is_some_and(|at| now >= at) {
            let mut changes = Changes::default();
            Arc::make_mut(&mut self.state).expire(&self.config.options.timeouts(), now, &mut changes);
            let notices = self.answer(changes, None, now);
            self.notify(notices);
            // What was held back may go now.
            self.pending.write |= self.collect(queue, now) || self.is_released(now);
        }
    }

    /// The link has nothing more to read, for good.
    pub(in super::super) fn on_read_end(
        &mut self,
        id: LinkId,
        error: Option<TransportError>,
        queue: &impl Queue<P>,
        now: Instant,
    ) {
        if self.link.id != id || !self.link.is_up() {
            return self.lost_beside(id, now);
        }
        let end = self.read_ended(error);
        self.link_over(end, queue, now);
    }

    fn receive(&mut self, message: Received<'_>, queue: &impl Queue<P>, now: Instant) -> Result<(), Ended> {
        self.link.silence.heard(now);
        self.link.idle = false;
        let (size, limit) = (message.len(), self.config.options.max_inbound);
        if size > limit {
            return Err(Ended::with(ErrorKind::TooLarge { size, limit }));
        }
        let mut changes = Changes::default();
        let (event, raw) = match &message {
            Received::Text(text) => (P::ServerEvent::read(text, &mut changes.reading), *text),
            Received::Message(Message::Text(text)) => {
                (P::ServerEvent::read(text.as_bytes(), &mut changes.reading), text.as_bytes())
            }
            Received::Message(Message::Binary(bytes)) => {
                (P::ServerEvent::read_binary(bytes.clone(), &mut changes.reading), &bytes[..])
            }
            Received::Message(Message::Ping(_) | Message::Pong(_)) => return Ok(()),
            Received::Message(Message::Close(frame)) => {
                self.link.peer_closed(frame.clone(), now + self.config.options.close_timeout);
                return Ok(());
            }
        };
        self.event(event, changes, raw, queue, now)
    }

    fn event(
        &mut self,
        mut event: P::ServerEvent,
        mut changes: Changes<P::ServerEvent>,
        raw: &[u8],
        queue: &impl Queue<P>,
        now: Instant,
    ) -> Result<(), Ended> {
        self.interrupt_move(now);
        let opens = self.phase == Phase::Opening && P::opened(&event);
        if opens && self.continues() {
            self.take_over(queue, now);
        }
        Arc::make_mut(&mut self.state).received(&mut event, now, &mut changes);
        self.log.message(false, event.kind(), raw.len());
        self.log.left_out(event.kind(), mem::take(&mut changes.reading.left_out));
        if changes.repeated {
            return Ok(());
        }
        if let Some(cell) = changes.part_of.and_then(|seq| self.waiting.get(&seq)) {
            cell.push(&event, raw.len());
        }
        if !P::is_keepalive(&event) {
            self.told = now;
        }
        let opening = self.phase == Phase::Opening;
        match P::error(&event) {
            Some(error) => self.complaint = Some(Box::new(error)),
            None if !opening => self.complaint = None,
            None if opens => self.opened(now),
            None => self.note_instead(&event, raw),
        }
        if P::closed(&event) {
            self.over = true;
        }
        let size = raw.len() + changes.reading.weight;
        let notices = self.answer(changes, Some(&event), now);
        let invalid = match event.recognition() {
            Recognition::Invalid(reason) if self.config.options.strict => Some(reason.into()),
            _ => None,
        };
        if self.inbox.is_wanted {
            self.inbox.push_event(event, size, raw);
        }
        self.notify(notices);
        invalid.map_or(Ok(()), |reason| Err(Ended::with(ErrorKind::Invalid(reason))))
    }

    /// Something else came than the event that opens the session. It may be a refusal in another shape.
    fn note_instead(&mut self, event: &P::ServerEvent, raw: &[u8]) {
        if let Some(wanted) = self.wanted.as_mut().filter(|_| !P::is_keepalive(event))
            && wanted.instead.len() < MOST_INSTEAD
        {
            let kind = event.kind();
            let kind = if kind.is_empty() { "a message without a type" } else { &kind[..kind.floor_char_boundary(64)] };
            wanted.instead.push(kind.into());
        }
        if event.recognition() != Recognition::Known
            && let Some(words) = P::refusal(raw)
        {
            self.complaint = Some(Box::new(words));
        }
    }

    /// Tells those who wait what became of their requests. Returns the notices for what nobody waits for.
    fn answer(
        &mut self,
        changes: Changes<P::ServerEvent>,
        event: Option<&P::ServerEvent>,
        now: Instant,
    ) -> Vec<Notice<P>> {
        // As for nearly every event.
        if changes.settled.is_empty() && changes.ended.is_empty() && changes.turns.is_empty() {
            return Vec::new();
        }
        self.log.turns(changes.turns);
        let mut notices: Vec<_> = changes.ended.into_iter().map(|event| Notice::Ended(Box::new(event))).collect();
        for (seq, outcome) in changes.settled {
            let cell = self.waiting.remove(&seq);
            let (awaited, error) = match outcome {
                Outcome::Granted => {
                    if let Some((cell, event)) = cell.zip(event) {
                        cell.set(Ok(P::acknowledgement(event)));
                    }
                    continue;
                }
                Outcome::Ended(event) => {
                    cell.inspect(|cell| cell.set(Ok(event)));
                    continue;
                }
                Outcome::Refused(awaited, error) => (awaited, ErrorKind::Request(error).into()),
                Outcome::Overdue(overdue) => (overdue.awaited.clone(), self.unanswered(*overdue, now)),
            };
            match cell {
                // Held by somebody else too, who waits.
                Some(cell) if Arc::strong_count(&cell) > 1 => cell.set(Err(error)),
                _ => notices.push(Notice::Failed { awaited, error }),
            }
        }
        notices
    }

    /// Puts notices where updates are read, as events are put there.
    fn notify(&mut self, notices: Vec<Notice<P>>) {
        if self.inbox.is_wanted {
            notices.into_iter().for_each(|notice| self.inbox.push_notice(notice));
        }
    }

    fn unanswered(&self, overdue: Overdue, now: Instant) -> Error {
        let Overdue { awaited, since, error } = overdue;
        let only_keepalives = self.only_keepalives(since);
        let unanswered = Unanswered { awaited, waited: now - since, error, came: Vec::new(), only_keepalives };
        ErrorKind::Unanswered(Box::new(unanswered)).into()
    }

    /// Whether something came since then, and nothing that says more than that the server lives.
    fn only_keepalives(&self, since: Instant) -> bool {
        self.told <= since && self.link.silence.last_heard() > since
    }

    /// The session was not opened in time.
    pub(super) fn not_opened(&mut self, now: Instant) -> Error {
        let Wanted { since, instead } = self.wanted.take().map(|wanted| *wanted).unwrap_or_default();
        let unanswered = Unanswered {
            awaited: Awaited::Opening,
            waited: now - since,
            error: self.complaint.take().map(|complaint| *complaint),
            only_keepalives: self.only_keepalives(since),
            came: instead,
        };
        ErrorKind::Unanswered(Box::new(unanswered)).into()
    }
}
