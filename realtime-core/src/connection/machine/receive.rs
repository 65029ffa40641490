//! Incoming messages: from the link in use to the state, the inbox, and the awaited answers.

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

/// Maximum number of events named that were received instead of the one that opens the session.
const MOST_INSTEAD: usize = 8;

/// The wait for the event that opens the session.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) since: Instant,
    /// Types of the events received instead.
    pub(super) instead: Vec<Box<str>>,
}

/// Why a message was not the next one of the session.
enum Stop {
    /// It is a lent text that is not UTF-8.
    NotUtf8,
    /// The link ends.
    Ended(Ended),
}

impl From<Ended> for Stop {
    fn from(end: Ended) -> Self {
        Self::Ended(end)
    }
}

impl<P: Protocol> Machine<P> {
    /// Returns whether to read the link. `woken` says that its socket was woken.
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
            // Before a handover completes, the old session is read once more.
            || self.handover.is_some()
            || due(self.recycle)
            // Keepalive and the write timeout are checked only right after an attempt.
            || self.link.silence.is_due(now)
            || due(self.stall_at());
        if !(asked && self.link.is_up()) {
            return false;
        }
        self.parked |= self.is_behind(queue);
        !self.parked
    }

    /// Returns whether there is room for the next message. If not, reading pauses until [`unpark`](Self::unpark).
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

    /// Returns whether to pause reading until the server has taken the queued reactions. Not while nothing can be written,
    /// because then only reading makes progress.
    fn is_behind(&self, queue: &impl Queue<P>) -> bool {
        let can_write = self.phase == Phase::Open && !self.link.is_muted() && !self.is_moving();
        can_write && queue.with(|out| out.is_behind())
    }

    /// Resumes reading if it was paused and there is room now. Returns whether it did.
    pub(in super::super) fn unpark(&mut self, queue: &impl Queue<P>) -> bool {
        let free = self.parked && !self.inbox.is_full() && !self.is_behind(queue);
        if free {
            self.parked = false;
            self.pending.read = true;
        }
        free
    }

    /// Handles a received message, which is looked at in its place, because moving it takes longer than that. What is kept
    /// of it is taken out.
    ///
    /// # Errors
    /// A lent text that is not UTF-8. It has no effect, and is for the transport to judge.
    pub(in super::super) fn on_message(
        &mut self,
        id: LinkId,
        message: &mut Received<'_>,
        changes: &mut Changes<P::ServerEvent>,
        queue: &impl Queue<P>,
        now: Instant,
    ) -> Result<(), Message> {
        let take = |message: &mut Received<'_>| mem::replace(message, Received::Text(&[])).into_message();
        if self.link.id != id || !self.link.is_up() {
            self.on_message_beside(id, take(message), now);
            return Ok(());
        }
        match self.receive(message, changes, queue, now) {
            Ok(()) => self.pending.write |= self.collect(queue, now),
            Err(Stop::NotUtf8) => return Err(take(message)),
            Err(Stop::Ended(end)) => self.link_over(end, queue, now),
        }
        Ok(())
    }

    /// Records that nothing more can be read for now, and times out requests.
    pub(in super::super) fn on_read_idle(&mut self, id: LinkId, queue: &impl Queue<P>, now: Instant) {
        if self.link.id != id {
            return;
        }
        self.link.idle = true;
        if self.stall_at().is_some_and(|at| now >= at) {
            let mut changes = Changes::default();
            Arc::make_mut(&mut self.state).expire(&self.config.options.timeouts(), now, &mut changes);
            let notices = self.answer(&mut changes, None, now);
            self.notify(notices);
            // Events that were held back may be sent now.
            self.pending.write |= self.collect(queue, now) || self.is_released(now);
        }
    }

    /// Handles the end of reading.
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

    fn receive(
        &mut self,
        message: &Received<'_>,
        changes: &mut Changes<P::ServerEvent>,
        queue: &impl Queue<P>,
        now: Instant,
    ) -> Result<(), Stop> {
        self.link.silence.heard(now);
        self.link.idle = false;
        let (size, limit) = (message.len(), self.config.options.max_inbound);
        if size > limit {
            return Err(Ended::with(ErrorKind::TooLarge { size, limit }).into());
        }
        changes.clear();
        let reading = &mut changes.reading;
        let raw = match message {
            Received::Text(text) => *text,
            Received::Message(Message::Text(text)) => text.as_bytes(),
            Received::Message(Message::Binary(bytes)) => bytes,
            Received::Message(Message::Ping(_) | Message::Pong(_)) => return Ok(()),
            Received::Message(Message::Close(frame)) => {
                self.link.peer_closed(frame.clone(), now + self.config.options.close_timeout);
                return Ok(());
            }
        };
        reading.part = mem::take(&mut self.part);
        // Stays in its place until it is queued, because an event is large enough for each move to cost time.
        let mut decoded = match message {
            Received::Text(text) => P::ServerEvent::read_text(text, reading),
            Received::Message(Message::Binary(bytes)) => Some(P::ServerEvent::read_binary(bytes.clone(), reading)),
            Received::Message(_) => Some(P::ServerEvent::read(raw, reading)),
        };
        self.part = mem::take(&mut changes.reading.part);
        let event = decoded.as_mut().ok_or(Stop::NotUtf8)?;
        if let Some(error) = self.exhausted(event, now) {
            return Err(Ended::With(error).into());
        }
        self.interrupt_move(now);
        let opens = self.phase == Phase::Opening && P::opened(event);
        if opens && self.continues() {
            self.take_over(queue, now);
        }
        Arc::make_mut(&mut self.state).received(event, now, changes);
        let event = &*event;
        self.log.message(false, || event.kind(), raw.len());
        if !changes.reading.left_out.is_empty() {
            self.log.left_out(event.kind(), mem::take(&mut changes.reading.left_out));
        }
        if !changes.measured.is_empty() {
            self.log.measured(mem::take(&mut changes.measured));
        }
        if changes.repeated {
            return Ok(());
        }
        if let Some(cell) = changes.part_of.and_then(|seq| self.waiting.get(&seq)) {
            cell.push(event, raw.len());
        }
        if !P::is_keepalive(event) {
            self.told = now;
        }
        let opening = self.phase == Phase::Opening;
        match P::error(event) {
            Some(error) => self.complaint = Some(Box::new(error)),
            None if !opening => self.complaint = None,
            None if opens => self.opened(now),
            None => self.note_instead(event, raw),
        }
        if P::closed(event) {
            self.over = true;
        }
        let size = raw.len() + changes.reading.weight;
        let notices = if changes.settled.is_empty() && changes.ended.is_empty() && changes.turns.is_empty() {
            Vec::new()
        } else {
            self.answer(changes, Some(event), now)
        };
        let invalid = match event.recognition() {
            Recognition::Invalid(reason) if self.config.options.strict => Some(reason.into()),
            _ => None,
        };
        if self.inbox.is_wanted {
            self.inbox.push_event(&mut decoded, size, raw);
        }
        self.notify(notices);
        invalid.map_or(Ok(()), |reason| Err(Ended::with(ErrorKind::Invalid(reason)).into()))
    }

    /// Handles an event other than the one that opens the session. It may be a refusal in another form.
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

    /// Completes the awaited requests. Returns notices for those that are not awaited.
    fn answer(
        &mut self,
        changes: &mut Changes<P::ServerEvent>,
        event: Option<&P::ServerEvent>,
        now: Instant,
    ) -> Vec<Notice<P>> {
        self.log.turns(mem::take(&mut changes.turns));
        let mut notices: Vec<_> = changes.ended.drain(..).map(|event| Notice::Ended(Box::new(event))).collect();
        for (seq, outcome) in changes.settled.drain(..) {
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
                // Another owner of the event awaits it.
                Some(cell) if Arc::strong_count(&cell) > 1 => cell.set(Err(error)),
                _ => notices.push(Notice::Failed { awaited, error }),
            }
        }
        notices
    }

    /// Adds notices to the inbox, like events.
    fn notify(&mut self, notices: Vec<Notice<P>>) {
        if self.inbox.is_wanted && !notices.is_empty() {
            notices.into_iter().for_each(|notice| self.inbox.push_notice(notice));
        }
    }

    fn unanswered(&self, overdue: Overdue, now: Instant) -> Error {
        let Overdue { awaited, since, error } = overdue;
        let only_keepalives = self.only_keepalives(since);
        let unanswered = Unanswered { awaited, waited: now - since, error, came: Vec::new(), only_keepalives };
        ErrorKind::Unanswered(Box::new(unanswered)).into()
    }

    /// Returns whether only keepalives were received since then, and at least one.
    fn only_keepalives(&self, since: Instant) -> bool {
        self.told <= since && self.link.silence.last_heard() > since
    }

    /// Handles a session that was not opened in time.
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
