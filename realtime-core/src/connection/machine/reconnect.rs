//! Reconnecting: from a lost link to the next one, and from its session to the next.

use std::{mem, sync::Arc};

use super::{
    super::{
        fallback::FailoverReason,
        notice::{Notice, Phase, Reconnected},
    },
    Action, Again, Machine, Now,
    close::Ended,
    entry::Entry,
    failover::Failure,
    keepalive::Silence,
    link::{Link, LinkId, LinkInfo, Stage},
    outbox::Queue,
    receive::Wanted,
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind, SendErrorKind},
    protocol::{
        Protocol,
        event::Event,
        state::{Plan, State},
    },
    transport::{Instant, Text},
};

impl<P: Protocol> Machine<P> {
    /// Handles the result of [`Action::Dial`]: a link, or an error.
    pub(in super::super) fn on_dialed(
        &mut self,
        id: LinkId,
        result: Result<LinkInfo, Error>,
        queue: &impl Queue<P>,
        now: Now,
    ) {
        let Now { at, unix } = now;
        self.origin = unix.map(|unix| unix.saturating_sub(at.since_origin()));
        if self.link.id != id || self.link.stage != Stage::Dialing {
            return self.on_dialed_beside(id, result, at);
        }
        match result {
            Ok(info) => self.connected(info, at),
            Err(error) => self.link_over(Ended::With(error), queue, at),
        }
    }

    /// Handles the end of the link in use: reconnects, or ends the connection.
    pub(super) fn link_over(&mut self, end: Ended, queue: &impl Queue<P>, now: Instant) {
        let again = match &end {
            Ended::With(reason) => self.again(reason, now),
            Ended::Cleanly => None,
        };
        self.unlink(&end, again.is_none(), now);
        match again {
            Some(again) => self.back_off(again, queue, now),
            None => self.end_with(end, queue),
        }
    }

    /// Returns the attempt that the policy allows, if any.
    fn again(&mut self, reason: &Error, now: Instant) -> Option<Again> {
        let policy = self.config.reconnect.as_ref()?;
        if self.end.is_some() || self.link.closing().is_some() || self.finishing {
            return None;
        }
        let policy = policy.clone();
        // Only a session that stayed open refills the budget of attempts, not one that was just opened.
        if self.opened.take().is_some_and(|opened| now - opened >= policy.reset_after) {
            self.attempts = 0;
            self.targets.refill();
        }
        let number = self.attempts + 1;
        if number > policy.max_attempts {
            return None;
        }
        // A first attempt that does not get as far as a link is told to who connects, unless it can be made elsewhere. A
        // server that takes the link and closes it, with a code that asks to come again, is asked again.
        let stays = self.is_again() || matches!(reason.kind(), ErrorKind::Closed(_) | ErrorKind::Refused(_));
        let here = self.targets.current();
        let failure = Failure {
            reason: FailoverReason::of(reason),
            retryable: reason.is_retryable(),
            retry_after: reason.retry_after(self.unix(now)),
            was_open: self.phase == Phase::Open,
            stays,
        };
        let jitter = self.config.ids.jitter(number);
        let refused = mem::take(&mut self.redirected) && !failure.retryable && !failure.was_open;
        let after = match self.targets.next(&policy, failure, jitter, now) {
            Some(choice) => {
                self.targets.use_target(choice.target);
                choice.after
            }
            // What was refused for its target alone may be replaced by something else.
            None if refused && stays && Arc::make_mut(&mut self.state).target_refused() => {
                self.targets.forgive();
                policy.backoff(number, jitter)?
            }
            None => return None,
        };
        let there = self.targets.current();
        let mut target = P::target_after_loss(&self.config.settings, &self.state);
        if there != here && target.is_some() {
            // What is left of the session is not known elsewhere.
            let _ = Arc::make_mut(&mut self.state).target_refused();
            target = None;
        }
        Some(Again { number, after, reason: reason.clone(), target, fallback: there.checked_sub(1) })
    }

    /// The error of an event because of which the conversation is to go on elsewhere, if something else serves it.
    pub(super) fn exhausted(&self, event: &P::ServerEvent, now: Instant) -> Option<Error> {
        let policy = self.config.reconnect.as_ref().filter(|_| self.targets.are_several())?;
        let closing = self.link.closing().is_some() || self.finishing || self.draining;
        if self.phase != Phase::Open || closing {
            return None;
        }
        let error = Error::refused(Some(P::failure(event)?), None);
        let reason = FailoverReason::of(&error)?;
        if !matches!(reason, FailoverReason::Quota | FailoverReason::RateLimited) {
            return None;
        }
        let mut targets = self.targets.clone();
        let lived = self.opened.is_some_and(|opened| now - opened >= policy.reset_after);
        if lived {
            targets.refill();
        } else if self.attempts >= policy.max_attempts {
            return None;
        }
        let failure =
            Failure { reason: Some(reason), retryable: false, retry_after: None, was_open: true, stays: false };
        targets.next(policy, failure, 1.0, now).map(|_| error)
    }

    /// Drops the link, and waits for the backoff of the next attempt.
    fn back_off(&mut self, again: Again, queue: &impl Queue<P>, now: Instant) {
        self.attempts = again.number;
        let bytes = self.link.abort_write();
        if bytes > 0 {
            queue.with(|out| out.release(bytes));
        }
        self.complaint = None;
        self.replay.clear();
        self.recycle = None;
        self.lost = Some(again.reason.clone());
        self.enter(Phase::Reconnecting);
        let Again { number: attempt, after, reason, .. } = again.clone();
        self.inbox.push_notice(Notice::Reconnecting { attempt, after, reason });
        self.drop_handover();
        let link = Link::new(self.next_id());
        let old = mem::replace(&mut self.link, link);
        self.actions.push_back(Action::Drop(old.id));
        self.retry = Some(Box::new((now + again.after, again)));
        self.pending.turn = true;
    }

    /// Makes the attempt once its backoff has passed.
    pub(super) fn dial(&mut self, again: Again, now: Instant) {
        self.link.dial(Some(now + self.config.options.connect_timeout));
        self.redirected = again.target.is_some();
        self.actions.push_back(Action::Dial { id: self.link.id, again: Some(again) });
    }

    pub(super) fn next_id(&mut self) -> LinkId {
        self.dials += 1;
        LinkId(self.dials)
    }

    /// Handles an opened link.
    fn connected(&mut self, info: LinkInfo, now: Instant) {
        if self.config.joins && self.continues() {
            self.resume(now);
        }
        let config = self.config.clone();
        let state = Arc::make_mut(&mut self.state);
        self.linked = true;
        state.linked(&config.settings, now);
        let opening = P::opening(&config.settings, state).map(|mut event| {
            config.name(&mut event);
            state.sent(0, &event, now);
            event.encode()
        });
        self.link.up(info, opening, now);
        self.link.stage_by = Some(now + config.options.opening_timeout);
        self.wanted = Some(Box::new(Wanted { since: now, instead: Vec::new() }));
        self.listen(now);
        self.pending = super::Pending { read: true, write: true, turn: true };
        self.enter(Phase::Opening);
        if config.joins {
            self.opened(now);
        }
    }

    /// Starts keepalive on the link in use, if it can ping.
    pub(super) fn listen(&mut self, now: Instant) {
        if self.link.can_ping {
            self.link.silence = Silence::new(self.config.options.keepalive, now);
        }
    }

    /// Handles the opening of the session.
    pub(super) fn opened(&mut self, now: Instant) {
        self.complaint = None;
        self.wanted = None;
        self.link.stage_by = None;
        self.was_open = true;
        self.opened = Some(now);
        self.recycle = self.recycle_at(now);
        self.enter(Phase::Open);
    }

    /// Continues after joining the same session again: nothing is restored.
    fn resume(&mut self, now: Instant) {
        let (plan, next) = self.state.resumption(now);
        self.state = Arc::new(next);
        let cause = self.lost.take();
        for (_, cell) in mem::take(&mut self.waiting) {
            cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause.as_ref())));
        }
        self.tell_reconnected(plan, Vec::new(), false);
    }

    /// Continues in another session: restores the conversation, and returns what no longer applies.
    pub(super) fn take_over(&mut self, queue: &impl Queue<P>, now: Instant) {
        let repeat = self.config.reconnect.as_ref().is_some_and(|policy| policy.repeat_response);
        let session = self.config.session_of(self.targets.current());
        let (mut plan, next) = self.state.restoration_in(&session, repeat, now);
        let cause = self.lost.take();
        let kept = |seq: u64| plan.events.iter().any(|(kept, _)| *kept == Some(seq));
        self.waiting.retain(|seq, cell| {
            let kept = kept(*seq);
            if !kept {
                cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause.as_ref())));
            }
            kept
        });
        for (seq, mut event) in mem::take(&mut plan.events) {
            self.config.name(&mut event);
            let text = restored::<P>(&event, session.dialect);
            self.replay.push_back(Entry::replayed(event, seq, text));
        }
        self.succeed(plan, next, false, queue);
    }

    /// Moves the state to another session.
    pub(super) fn succeed(&mut self, plan: Plan<P::ClientEvent>, next: P::State, planned: bool, queue: &impl Queue<P>) {
        self.state = Arc::new(next);
        self.generation += 1;
        let mut stale = queue.with(|out| out.take_stale(&self.state));
        for cell in stale.iter().filter_map(|entry| entry.cell.as_ref()) {
            cell.set(Err(ErrorKind::Stale.into()));
        }
        // What waits was written for the server before.
        let dialect = self.config.dialect_of(self.targets.current());
        let held = mem::take(&mut self.held);
        let (held, unsaid) = queue.with(|out| out.set_dialect(dialect, held));
        self.held = held;
        for (entry, error) in unsaid {
            if let Some(cell) = &entry.cell {
                cell.set(Err(ErrorKind::Send(SendErrorKind::Dialect(error)).into()));
            }
            stale.push(entry);
        }
        self.pending.write = true;
        self.tell_reconnected(plan, stale, planned);
    }

    fn tell_reconnected(&mut self, plan: Plan<P::ClientEvent>, stale: Vec<Entry<P>>, planned: bool) {
        self.inbox.push_notice(Notice::Reconnected(Box::new(Reconnected {
            replayed: plan.replayed,
            lost: plan.lost,
            unsent: mem::take(&mut self.refused).into_iter().chain(stale.into_iter().map(Entry::into_event)).collect(),
            ambiguous: plan.ambiguous,
            cut_short: plan.cut_short,
            audio_ms: plan.audio_ms,
            unsupported: plan.unsupported,
            fallback: self.targets.current().checked_sub(1),
            planned,
        })));
    }
}

/// Encodes an event of the replay. The plan leaves out what the dialect cannot express; if a protocol's plan does not, the rest
/// is encoded in the current form, and the server decides.
pub(super) fn restored<P: Protocol>(event: &P::ClientEvent, dialect: Dialect) -> Text {
    P::encode(event, dialect).unwrap_or_else(|_| event.encode())
}
