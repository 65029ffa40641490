//! The handover of a connection to another session while the current one is still open: make-before-break.
//!
//! A standby link is opened beside the one in use. At a quiet moment, writing to the old session stops and the conversation
//! is replayed in the new one. When the server has acknowledged all of it, the links are exchanged. If the old session
//! sends anything before that, the handover is abandoned: the old session continues, and the handover is retried later.

use std::{collections::VecDeque, mem, time::Duration};

use super::{
    super::notice::Phase,
    Action, Again, LOOK_AGAIN, Machine, Pending,
    link::{Link, LinkId, LinkInfo},
    outbox::Queue,
    reconnect::restored,
};
use crate::{
    error::{Deadline, Error, ErrorKind},
    protocol::{
        Protocol,
        event::Event,
        state::{Changes, Plan, State},
    },
    transport::{Instant, Message, Text},
};

/// The service's maximum duration of a session, if it does not state one.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A session that is being prepared to replace the current one.
pub(super) struct Handover<P: Protocol> {
    /// The standby.
    pub(super) link: Link,
    /// Where it is.
    target: usize,
    /// The deadline of the next step.
    until: Option<Instant>,
    opening: Option<Text>,
    open: bool,
    /// Events received over it, delivered once it is in use.
    arrived: Vec<(P::ServerEvent, Text)>,
    bytes: usize,
    moving: Option<Move<P>>,
}

/// The replay of the conversation in the new session.
struct Move<P: Protocol> {
    plan: Plan<P::ClientEvent>,
    events: VecDeque<P::ClientEvent>,
    state: P::State,
}

impl<P: Protocol> Handover<P> {
    fn event(&mut self, text: Text, now: Instant) {
        let mut changes = Changes::default();
        let mut event = P::ServerEvent::read(text.as_bytes(), &mut changes.reading);
        if let Some(moving) = &mut self.moving {
            moving.state.received(&mut event, now, &mut changes);
        } else if P::opened(&event) {
            self.open = true;
            self.until = None;
        }
        self.bytes += text.as_bytes().len();
        self.arrived.push((event, text));
    }

    /// Returns whether the new session has acknowledged everything.
    fn has_moved(&self, now: Instant) -> bool {
        let acknowledged = |moving: &Move<P>| moving.events.is_empty() && moving.state.is_quiet(now);
        self.link.is_flushed() && self.moving.as_ref().is_some_and(acknowledged)
    }
}

impl<P: Protocol> Machine<P> {
    /// Returns the standby or the retiring link.
    pub(super) fn beside(&self, id: LinkId) -> Option<&Link> {
        let standby = self.handover.as_ref().map(|handover| &handover.link);
        [standby, self.retiring.as_deref()].into_iter().flatten().find(|link| link.id == id)
    }

    pub(super) fn link_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        let standby = self.handover.as_mut().map(|handover| &mut handover.link);
        [Some(&mut self.link), standby, self.retiring.as_deref_mut()].into_iter().flatten().find(|link| link.id == id)
    }

    fn is_standby(&self, id: LinkId) -> bool {
        self.handover.as_ref().is_some_and(|handover| handover.link.id == id)
    }

    /// Handles a message on the standby or the retiring link. Those of the retiring link are ignored.
    pub(super) fn on_message_beside(&mut self, id: LinkId, message: Message, now: Instant) {
        let Some(handover) = self.handover.as_mut().filter(|handover| handover.link.id == id) else { return };
        let options = &self.config.options;
        match message {
            Message::Text(text) if text.as_bytes().len() <= options.max_inbound => handover.event(text, now),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Text(_) | Message::Binary(_) | Message::Close(_) => return self.put_off(now),
        }
        if handover.bytes > options.inbox_bytes {
            self.put_off(now);
        }
    }

    /// Handles the end of the standby or the retiring link.
    pub(super) fn lost_beside(&mut self, id: LinkId, now: Instant) {
        if self.is_standby(id) {
            self.standby_failed(true);
            self.put_off(now);
        } else if let Some(link) = self.retiring.take_if(|link| link.id == id) {
            self.actions.push_back(Action::Drop(link.id));
        }
    }

    /// Handles the result of the attempt to open the standby.
    pub(super) fn on_dialed_beside(&mut self, id: LinkId, result: Result<LinkInfo, Error>, now: Instant) {
        let Some(handover) = self.handover.as_mut().filter(|handover| handover.link.id == id) else { return };
        match result {
            Ok(info) => {
                let opening = handover.opening.take();
                handover.link.up(info, opening, now);
                self.pending.turn = true;
            }
            Err(error) => {
                self.standby_failed(error.is_retryable());
                self.put_off(now);
                if matches!(error.kind(), ErrorKind::Aborted(_)) {
                    self.recycle = None;
                }
            }
        }
    }

    /// Takes the next event of the replay on the standby.
    pub(super) fn next_moved(&mut self, id: LinkId, now: Instant) -> Option<Message> {
        let handover = self.handover.as_mut().filter(|handover| handover.link.id == id)?;
        let moving = handover.moving.as_mut()?;
        let event = moving.events.pop_front()?;
        moving.state.sent(0, &event, now);
        handover.link.write(0, 0);
        let dialect = self.config.dialect_of(handover.target);
        Some(Message::Text(restored::<P>(&event, dialect)))
    }

    /// Returns whether the replay has begun, so that nothing may be written to the old session.
    pub(super) fn is_moving(&self) -> bool {
        self.handover.as_ref().is_some_and(|handover| handover.moving.is_some())
    }

    /// Abandons a handover because the old session has sent something.
    pub(super) fn interrupt_move(&mut self, now: Instant) {
        if self.is_moving() {
            self.put_off(now);
        }
    }

    pub(super) fn drop_handover(&mut self) {
        if let Some(handover) = self.handover.take() {
            self.actions.push_back(Action::Drop(handover.link.id));
        }
    }

    /// Returns whether nothing is in progress, in either direction.
    fn is_still(&self, now: Instant) -> bool {
        self.held.is_empty() && self.is_settled(now)
    }

    /// Returns whether nothing is in progress except requests for responses that wait for their turn.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let nothing_written = self.link.is_flushed() && !self.link.is_muted();
        nothing_written && self.waiting.is_empty() && self.replay.is_empty() && self.state.is_quiet(now)
    }

    fn may_move(&self) -> bool {
        let closing = self.link.closing().is_some() || self.link.peer_close.is_some() || self.finishing;
        self.phase == Phase::Open && self.link.is_up() && !closing
    }

    /// Returns the time of the next check.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let step = match &self.handover {
            Some(handover) => Some(handover.until.unwrap_or(now + LOOK_AGAIN)),
            None => self.recycle.filter(|_| self.may_move()).map(|at| if at > now { at } else { now + LOOK_AGAIN }),
        };
        Instant::earliest([step, self.retiring.as_ref().and_then(|link| link.deadline())])
    }

    /// Returns when to replace the session that was just opened.
    pub(super) fn recycle_at(&self, now: Instant) -> Option<Instant> {
        let config = &self.config;
        let lead = config.reconnect.as_ref().filter(|policy| policy.restore && !config.joins)?.handover?;
        let announced = self.state.expires_at().zip(self.unix(now)).map(|(end, unix)| end.saturating_sub(unix));
        // An end in the past or the near future is treated as clock skew: it would cause one handover after the other.
        let lifetime = announced.filter(|left| *left > 2 * lead).unwrap_or(LIFETIME);
        Some(now + lifetime.saturating_sub(lead))
    }

    /// Checks the standby and the retiring link, and takes the next step of the handover.
    pub(super) fn tend(&mut self, queue: &impl Queue<P>, now: Instant) {
        self.handover_at = None;
        if self.recycle.is_none() && self.handover.is_none() && self.retiring.is_none() {
            return;
        }
        if let Some(link) = self.retiring.take_if(|link| link.is_close_due(now)) {
            self.actions.push_back(Action::Drop(link.id));
        }
        if !self.may_move() {
            self.drop_handover();
        } else if let Some(handover) = &self.handover {
            if handover.until.is_some_and(|until| now >= until) {
                self.standby_failed(true);
                self.put_off(now);
            } else {
                self.advance(queue, now);
            }
        } else if self.link.idle && self.recycle.is_some_and(|at| now >= at) && self.is_still(now) {
            self.begin_handover(now);
        }
        self.handover_at = self.next_look(now);
    }

    fn begin_handover(&mut self, now: Instant) {
        let config = self.config.clone();
        let options = &config.options;
        let mut link = Link::new(self.next_id());
        let reason = ErrorKind::Timeout(Deadline::Session).into();
        // A session that has lived is a reason to try again what failed before it.
        let policy = config.reconnect.as_ref();
        if self.opened.zip(policy).is_some_and(|(opened, policy)| now - opened >= policy.reset_after) {
            self.targets.refill_once(self.generation);
        }
        let target = self.targets.preferred(now);
        let fallback = target.checked_sub(1);
        let again = Some(Again { number: 0, after: Duration::ZERO, reason, target: None, fallback });
        self.actions.push_back(Action::Dial { id: link.id, again });
        link.dial(None);
        self.handover = Some(Box::new(Handover {
            link,
            target,
            until: Some(now + options.connect_timeout + options.opening_timeout),
            opening: P::opening(&config.settings, &self.state).map(|event| event.encode()),
            open: false,
            arrived: Vec::new(),
            bytes: 0,
            moving: None,
        }));
    }

    /// Takes the next step of the handover, once the previous one is done.
    fn advance(&mut self, queue: &impl Queue<P>, now: Instant) {
        let still = self.is_still(now);
        let idle = self.link.idle;
        let Some(handover) = self.handover.as_mut().filter(|handover| handover.open && idle) else { return };
        if handover.moving.is_some() {
            if handover.has_moved(now) {
                self.change_places(queue, now);
            }
        } else if still {
            let session = self.config.session_of(handover.target);
            let (mut plan, mut state) = self.state.restoration_in(&session, false, now);
            for (event, _) in &mut handover.arrived {
                state.received(event, now, &mut Changes::default());
            }
            let mut events: VecDeque<_> = mem::take(&mut plan.events).into_iter().map(|(_, event)| event).collect();
            events.iter_mut().for_each(|event| self.config.name(event));
            handover.moving = Some(Move { plan, events, state });
            handover.until = Some(now + self.config.options.opening_timeout);
            self.pending.turn = true;
        }
    }

    /// Notes that the standby cannot be used. If it is elsewhere, the next one is opened here.
    fn standby_failed(&mut self, retryable: bool) {
        let target = self.handover.as_ref().map(|handover| handover.target);
        if let Some(target) = target.filter(|target| *target != self.targets.current()) {
            self.targets.failed(target, retryable);
        }
    }

    /// Abandons the handover. The session continues, and the handover is retried later.
    fn put_off(&mut self, now: Instant) {
        self.drop_handover();
        self.recycle = self.config.reconnect.as_ref().map(|policy| now + policy.max_backoff.max(LOOK_AGAIN));
        (self.pending.write, self.pending.turn) = (true, true);
    }

    fn change_places(&mut self, queue: &impl Queue<P>, now: Instant) {
        let Some(handover) = self.handover.take() else { return };
        let Handover { link, target, arrived, moving: Some(Move { plan, state, .. }), .. } = *handover else { return };
        self.targets.use_target(target);
        let mut old = mem::replace(&mut self.link, link);
        old.retire(now + self.config.options.close_timeout);
        if let Some(older) = self.retiring.replace(Box::new(old)) {
            self.actions.push_back(Action::Drop(older.id));
        }
        self.listen(now);
        self.opened = Some(now);
        self.succeed(plan, state, true, queue);
        self.recycle = self.recycle_at(now);
        if self.inbox.keeps() {
            for (event, text) in arrived {
                self.inbox.push_event(&mut Some(event), text.as_bytes().len(), text.as_bytes());
            }
        }
        self.pending = Pending { read: true, write: true, turn: true };
    }
}
