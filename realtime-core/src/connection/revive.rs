//! From a link that is gone to another one, and from the session that was on it to the next.

use std::{mem, sync::Arc};

use super::{
    core::{Core, Current, Write},
    driver::Shared,
    end::{End, Waste},
    hub::bit,
    link::Again,
    notice::{Notice, Phase, Reconnected},
    outbox::Entry,
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind},
    event::Event,
    protocol::Protocol,
    session::{Plan, State},
    transport::{Duplex, Instant, Text},
};

impl<P: Protocol> Shared<P> {
    /// A link has ended: another is opened, or the connection ends with it.
    pub(super) fn ended(&self, core: &mut Core<P>, end: End) -> Waste {
        let again = end.as_ref().err().and_then(|reason| self.again(core, reason));
        self.unlink(core, &end, again.is_none());
        match again {
            Some(again) => self.redial(core, again),
            None => core.end(end, &mut self.out()),
        }
    }

    /// The attempt that the policy allows.
    fn again(&self, core: &mut Core<P>, reason: &Error) -> Option<Again> {
        let policy = self.reconnect.as_ref()?;
        // A first attempt that does not get as far as a link is told to who connects. A server that takes the link and
        // closes it, with a code that asks to come again, is asked again.
        let came_far = core.is_again() || matches!(reason.kind(), ErrorKind::Closed(_) | ErrorKind::Refused(_));
        let wanted = came_far && core.end.is_none() && core.write.closing.is_none() && !core.finishing;
        if !wanted {
            return None;
        }
        // Only a session that lived gives new hope: a greeting alone does not.
        let now = self.timer.now();
        if core.opened.take().is_some_and(|opened| now - opened >= policy.reset_after) {
            core.attempts = 0;
        }
        let number = core.attempts + 1;
        let after = policy.next(number, reason, self.ids.jitter(number), self.timer.unix())?;
        let target = P::target_after_loss(&self.settings, &core.state);
        Some(Again { number, after, reason: reason.clone(), target })
    }

    fn redial(&self, core: &mut Core<P>, again: Again) -> Waste {
        core.attempts = again.number;
        if let Some(Current::Event { bytes, .. }) = core.write.current.take() {
            self.out().release(bytes);
        }
        core.write = Write::default();
        core.peer_close = None;
        core.complaint = None;
        core.replay.clear();
        core.recycle = None;
        core.deadlines.restart(self.options.keepalive);
        core.deadlines.connect = Some(self.timer.now() + again.after + self.options.connect_timeout);
        core.lost = Some(again.reason.clone());
        core.enter(Phase::Reconnecting);
        let Again { number: attempt, after, reason, .. } = again.clone();
        core.inbox.push_notice(Notice::Reconnecting { attempt, after, reason });
        let mut waste = Waste::default();
        core.drop_spare(&mut waste);
        let link = core.attempted((self.dialer)(Some(again)));
        waste.add(mem::replace(&mut core.link, link));
        self.hub.defer(bit::DIAL);
        core.left |= bit::TIMER;
        waste
    }

    /// A link is up.
    pub(super) fn connected(&self, core: &mut Core<P>, duplex: Duplex) {
        let now = self.timer.now();
        if self.joins && core.is_again() {
            self.resume(core, now);
        }
        let state = Arc::make_mut(&mut core.state);
        core.linked = true;
        state.linked(&self.settings, now);
        let opening = P::opening(&self.settings, state).map(|mut event| {
            self.name(&mut event);
            state.sent(0, &event, now);
            event.encode()
        });
        core.connected(duplex, opening, now, &self.options);
        if self.joins {
            self.opened(core, now);
        }
    }

    /// The session is open.
    pub(super) fn opened(&self, core: &mut Core<P>, now: Instant) {
        core.complaint = None;
        core.wanted = None;
        core.deadlines.opening = None;
        core.was_open = true;
        core.opened = Some(now);
        core.recycle = self.recycle_at(core, now);
        core.enter(Phase::Open);
    }

    /// The same session is there again: nothing is made anew.
    fn resume(&self, core: &mut Core<P>, now: Instant) {
        let (plan, next) = core.state.resumption(now);
        core.state = Arc::new(next);
        let cause = core.lost.take();
        for (_, cell) in core.waiting.drain() {
            cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause.as_ref())));
        }
        tell(core, plan, Vec::new(), false);
    }

    /// Another session is open: makes the conversation anew, and lets go of what makes no sense any more.
    pub(super) fn take_over(&self, core: &mut Core<P>) {
        let repeat = self.reconnect.as_ref().is_some_and(|policy| policy.repeat_response);
        let (mut plan, next) = core.state.restoration(repeat, self.timer.now());
        let cause = core.lost.take();
        let kept = |seq: u64| plan.events.iter().any(|(kept, _)| *kept == Some(seq));
        core.waiting.retain(|seq, cell| {
            let kept = kept(*seq);
            if !kept {
                cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause.as_ref())));
            }
            kept
        });
        for (seq, mut event) in mem::take(&mut plan.events) {
            self.name(&mut event);
            let text = restored::<P>(&event, self.dialect);
            let entry = Entry { seq: seq.unwrap_or(0), event: Some(Box::new(event)), ..Entry::audio(text, 0) };
            core.replay.push_back(entry);
        }
        self.succeed(core, plan, next, false);
    }

    /// The state goes on in another session.
    pub(super) fn succeed(&self, core: &mut Core<P>, plan: Plan<P::ClientEvent>, next: P::State, planned: bool) {
        core.state = Arc::new(next);
        core.generation += 1;
        let stale = self.out().take_stale(&core.state);
        for cell in stale.iter().filter_map(|entry| entry.cell.as_ref()) {
            cell.set(Err(ErrorKind::Stale.into()));
        }
        core.left |= bit::QUEUE;
        tell(core, plan, stale, planned);
    }
}

/// The text of an event that makes the conversation anew. What its server cannot be told was refused when it was first
/// sent, so it says in the current form what is left: the server judges.
pub(super) fn restored<P: Protocol>(event: &P::ClientEvent, dialect: Dialect) -> Text {
    P::encode(event, dialect).unwrap_or_else(|_| event.encode())
}

fn tell<P: Protocol>(core: &mut Core<P>, plan: Plan<P::ClientEvent>, stale: Vec<Entry<P>>, planned: bool) {
    core.inbox.push_notice(Notice::Reconnected(Box::new(Reconnected {
        replayed: plan.replayed,
        lost: plan.lost,
        unsent: stale.into_iter().map(Entry::into_event).collect(),
        ambiguous: plan.ambiguous,
        cut_short: plan.cut_short,
        audio_ms: plan.audio_ms,
        planned,
    })));
}
