//! What goes through a connection: messages in, messages out, deadlines.

use std::{mem, sync::Arc};

use bytes::Bytes;

use super::{
    core::{Core, Current, Wanted},
    deadlines::Pulse,
    driver::Shared,
    end::End,
    notice::{Notice, Phase},
    options::{Options, Unread},
    outbox::{Entry, Outbox},
    wait::WaitKind,
};
use crate::{
    error::{Awaited, Deadline, Error, ErrorKind, Unanswered},
    event::{Event, Recognition},
    protocol::Protocol,
    session::{Changes, Outcome, Overdue, State},
    transport::{CloseFrame, Instant, Message, Text, TransportError},
};

/// How many of the events are named that came in place of the one that opens a session.
const MOST_INSTEAD: usize = 8;

impl<P: Protocol> Core<P> {
    /// Takes one message in.
    pub(super) fn message(
        &mut self,
        shared: &Shared<P>,
        message: Message,
        kind: WaitKind,
        now: Instant,
    ) -> Result<(), End> {
        let options = &shared.options;
        self.deadlines.heard(now);
        let size = message.len();
        if size > options.max_inbound {
            return Err(Err(ErrorKind::TooLarge { size, limit: options.max_inbound }.into()));
        }
        match message {
            Message::Text(text) => {
                let mut changes = Changes::default();
                let event = P::ServerEvent::read(text.as_bytes(), &mut changes.reading);
                self.event(shared, event, changes, &text, kind, now)
            }
            Message::Binary(bytes) => {
                let mut changes = Changes::default();
                let event = P::ServerEvent::read_binary(bytes.clone(), &mut changes.reading);
                self.event(shared, event, changes, &Text::declared(bytes), kind, now)
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(frame) => {
                // A frame without a code stands for this one (RFC 6455, section 7.1.5).
                self.peer_close = Some(frame.unwrap_or_else(|| CloseFrame::new(1005, "")));
                // The library below answers it. Nothing else may follow.
                self.write.mute = true;
                self.deadlines.close.get_or_insert(now + options.close_timeout);
                Ok(())
            }
        }
    }

    fn event(
        &mut self,
        shared: &Shared<P>,
        mut event: P::ServerEvent,
        mut changes: Changes<P::ServerEvent>,
        raw: &Text,
        kind: WaitKind,
        now: Instant,
    ) -> Result<(), End> {
        let options = &shared.options;
        self.interrupt_move();
        let opens = self.phase == Phase::Opening && P::opened(&event);
        if opens && self.is_again() {
            shared.take_over(self);
        }
        Arc::make_mut(&mut self.state).received(&mut event, now, &mut changes);
        self.notes.message(false, event.kind(), raw.as_bytes().len());
        self.notes.left_out(event.kind(), mem::take(&mut changes.reading.left_out));
        if changes.repeated {
            return Ok(());
        }
        if let Some(cell) = changes.part_of.and_then(|seq| self.waiting.get(&seq)) {
            cell.push(&event, raw.as_bytes().len());
        }
        if !P::is_keepalive(&event) {
            self.told = now;
        }
        let opening = self.phase == Phase::Opening;
        match P::error(&event) {
            Some(error) => self.complaint = Some(Box::new(error)),
            None if !opening => self.complaint = None,
            None if opens => shared.opened(self, now),
            None => {
                if let Some(wanted) = self.wanted.as_mut().filter(|_| !P::is_keepalive(&event)) {
                    wanted.instead(event.kind());
                }
                if event.recognition() != Recognition::Known
                    && let Some(words) = P::refusal(raw.as_bytes())
                {
                    self.complaint = Some(Box::new(words));
                }
            }
        }
        if P::closed(&event) {
            self.over = true;
        }
        let size = raw.as_bytes().len() + changes.reading.weight;
        let notices = self.answer(changes, Some(&event), now);
        let invalid = match event.recognition() {
            Recognition::Invalid(reason) if options.strict => Some(reason.into()),
            _ => None,
        };
        if options.unread == Unread::Keep || kind == WaitKind::Next {
            self.inbox.push_event(event, size, Some(raw));
        }
        self.notify(notices, options, kind);
        invalid.map_or(Ok(()), |reason| Err(Err(ErrorKind::Invalid(reason).into())))
    }

    /// Tells those who wait what became of their requests, and everybody else of what nobody waits for.
    fn answer(
        &mut self,
        changes: Changes<P::ServerEvent>,
        event: Option<&P::ServerEvent>,
        now: Instant,
    ) -> Vec<Notice<P>> {
        self.notes.turns(changes.turns);
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

    /// Acts on what was given up.
    pub(super) fn settle(&mut self, changes: Changes<P::ServerEvent>, options: &Options, kind: WaitKind, now: Instant) {
        let notices = self.answer(changes, None, now);
        self.notify(notices, options, kind);
    }

    /// Puts notices where updates are read, as events are put there.
    fn notify(&mut self, notices: Vec<Notice<P>>, options: &Options, kind: WaitKind) {
        if options.unread == Unread::Keep || kind == WaitKind::Next {
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
        self.told <= since && self.deadlines.last_heard() > since
    }

    /// The session was not opened in time.
    fn not_opened(&mut self, now: Instant) -> Error {
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

    /// The next message to write: the closing frame, a ping, the protocol's opening, the queue.
    pub(super) fn next_message(&mut self, out: &mut Outbox<P>, now: Instant) -> Option<Message> {
        if let Some(frame) = &self.write.closing {
            self.write.current = Some(Current::Close);
            return Some(Message::Close(Some(frame.clone())));
        }
        if mem::take(&mut self.write.ping) {
            self.write.current = Some(Current::Ping);
            return Some(Message::Ping(Bytes::new()));
        }
        if let Some(text) = self.write.opening.take() {
            self.write.current = Some(Current::Opening);
            return Some(Message::Text(text));
        }
        if let Some(age) = out.policy().max_age {
            out.drop_stale(now, age);
        }
        self.report_dropped(out.take_dropped());
        let replays = !self.replay.is_empty();
        let entry = self.next_entry(out, now)?;
        // What is made anew was never in the queue.
        let bytes = if replays { 0 } else { entry.text.as_bytes().len() };
        let state = Arc::make_mut(&mut self.state);
        match &entry.event {
            Some(event) => state.sent(entry.seq, event, now),
            None => state.sent_audio(entry.audio, now),
        }
        self.notes.message(true, entry.event.as_ref().map_or("append", |event| event.kind()), bytes);
        if let Some(cell) = entry.cell.filter(|cell| Arc::strong_count(cell) > 1) {
            self.waiting.insert(entry.seq, cell);
        }
        self.write.current = Some(Current::Event { seq: entry.seq, bytes });
        Some(Message::Text(entry.text))
    }

    /// The next event that may be sent. What must wait for its turn is put aside.
    fn next_entry(&mut self, out: &mut Outbox<P>, now: Instant) -> Option<Entry<P>> {
        if let Some(entry) = self.replay.pop_front() {
            return Some(entry);
        }
        // Until another session is open it is not known what becomes of what is queued.
        if self.is_reopening() || self.is_moving() {
            return None;
        }
        if self.is_released(now) {
            return self.held.pop_front();
        }
        loop {
            let entry = out.pop()?;
            let waits = entry.scheduled && !self.held.is_empty();
            match &entry.event {
                Some(event) if waits || !self.state.admits(event, now) => self.held.push_back(entry),
                _ => return Some(entry),
            }
        }
    }

    /// Whether something that was put aside may be sent now.
    pub(super) fn is_released(&self, now: Instant) -> bool {
        let event = self.held.front().and_then(|entry| entry.event.as_ref());
        event.is_some_and(|event| self.state.admits(event, now))
    }

    /// The transport has taken the message.
    pub(super) fn written(&mut self, out: &mut Outbox<P>) {
        self.write.blocked = false;
        self.deadlines.write = None;
        match self.write.current.take() {
            Some(Current::Event { bytes, .. }) => out.release(bytes),
            Some(Current::Close) => self.write.mute = true,
            Some(Current::Opening | Current::Ping) | None => {}
        }
    }

    /// Writing is over. What is left to read says why.
    pub(super) fn write_broke(&mut self, error: TransportError, now: Instant, options: &Options) {
        self.write.mute = true;
        self.write.broken = Some(error);
        self.deadlines.write = None;
        self.deadlines.close.get_or_insert(now + options.close_timeout);
    }

    fn report_dropped(&mut self, bytes: usize) {
        if bytes > 0 {
            let milliseconds = self.state.input_ms(bytes);
            self.inbox.push_notice(Notice::AudioDropped { milliseconds });
        }
    }

    /// Whether the event with this number, or one before it, is still to be written.
    pub(super) fn is_unwritten(&self, seq: u64, out: &Outbox<P>) -> bool {
        let current = match self.write.current {
            Some(Current::Event { seq, .. }) => Some(seq),
            _ => None,
        };
        current.or(out.front()).is_some_and(|front| front <= seq)
    }

    /// Acts on the deadlines that have come. Whether there is something to write because of one.
    pub(super) fn expire(&mut self, quiet: bool, now: Instant) -> Result<bool, End> {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| now >= at);
        let timeout = |deadline| Err(Err(ErrorKind::Timeout(deadline).into()));
        if due(self.deadlines.close) {
            return Err(self.link_ended(None));
        }
        if due(self.deadlines.finish) && !self.over {
            return timeout(Deadline::Finish);
        }
        if due(self.deadlines.opening) {
            return Err(Err(self.not_opened(now)));
        }
        if due(self.deadlines.write) && self.write.blocked {
            return timeout(Deadline::Write);
        }
        match self.deadlines.pulse(now, quiet) {
            Pulse::Fine => Ok(false),
            Pulse::Ping => {
                self.write.ping = true;
                Ok(true)
            }
            Pulse::Dead => timeout(Deadline::Keepalive),
        }
    }
}

impl Wanted {
    /// Something else came than what opens the session.
    fn instead(&mut self, kind: &str) {
        if self.instead.len() < MOST_INSTEAD {
            let kind = if kind.is_empty() { "a message without a type" } else { &kind[..kind.floor_char_boundary(64)] };
            self.instead.push(kind.into());
        }
    }
}
