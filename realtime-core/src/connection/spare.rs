//! Another session that takes the place of one that is still alive: make before break.
//!
//! A link is opened beside the one in use. Once nothing is under way, nothing more is written to the old session, the
//! conversation is made anew in the other, and when the server has acknowledged all of it, the links change places.
//! Should the old session have anything to say before that, it was not the moment: it goes on as if nothing had been.

use std::{
    collections::VecDeque,
    mem,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    core::{Core, LOOK_AGAIN, MESSAGES_A_TURN, Write},
    driver::Shared,
    end::Waste,
    hub::{self, bit},
    link::{Again, Link, Pumps},
    notice::Phase,
    options::{Options, Unread},
    revive::restored,
};
use crate::{
    dialect::Dialect,
    error::{Deadline, Error, ErrorKind},
    event::Event,
    protocol::Protocol,
    session::{Changes, Plan, State},
    transport::{CloseFrame, Duplex, Instant, Message, Text},
};

/// How long the service lets a session live, where it does not say so.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A session that is to take the place of the present one.
pub(super) struct Spare<P: Protocol> {
    pub(super) link: Link,
    /// Until when the next step must be done.
    until: Option<Instant>,
    opening: Option<Text>,
    /// Whether the transport has taken all.
    idle: bool,
    open: bool,
    /// What came over it, to be delivered once it is in its place.
    arrived: Vec<(P::ServerEvent, Text)>,
    bytes: usize,
    moving: Option<Move<P>>,
    /// Whether it was not the moment.
    spoilt: bool,
}

/// The conversation on its way to another session.
struct Move<P: Protocol> {
    plan: Plan<P::ClientEvent>,
    events: VecDeque<P::ClientEvent>,
    state: P::State,
    dialect: Dialect,
}

/// A link that has been replaced, on its way out.
pub(super) struct Retiring {
    pub(super) link: Link,
    frame: Option<CloseFrame>,
    until: Instant,
}

impl<P: Protocol> Spare<P> {
    fn new(link: Link, opening: Option<Text>, until: Instant) -> Self {
        Self {
            link,
            until: Some(until),
            opening,
            idle: false,
            open: false,
            arrived: Vec::new(),
            bytes: 0,
            moving: None,
            spoilt: false,
        }
    }

    /// Reads and writes what it can. Whether it is still good for anything.
    fn pump(&mut self, cx: &mut Context<'_>, options: &Options, now: Instant) -> bool {
        if self.spoilt || self.until.is_some_and(|until| now >= until) {
            return false;
        }
        let Link::Up(mut pumps) = mem::replace(&mut self.link, Link::Taken) else { return true };
        let good = self.read(&mut pumps, cx, options, now) && self.write(&mut pumps, cx, now);
        self.link = Link::Up(pumps);
        good
    }

    fn read(&mut self, pumps: &mut Pumps, cx: &mut Context<'_>, options: &Options, now: Instant) -> bool {
        for _ in 0..MESSAGES_A_TURN {
            match pumps.poll_read(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some(Ok(Message::Text(text)))) if text.as_bytes().len() <= options.max_inbound => {
                    self.bytes += text.as_bytes().len();
                    self.event(text, now);
                }
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Poll::Ready(_) => return false,
            }
        }
        cx.waker().wake_by_ref();
        self.bytes <= options.inbox_bytes
    }

    fn event(&mut self, text: Text, now: Instant) {
        let mut changes = Changes::default();
        let mut event = P::ServerEvent::read(text.as_bytes(), &mut changes.reading);
        if let Some(moving) = &mut self.moving {
            moving.state.received(&mut event, now, &mut changes);
        } else if P::opened(&event) {
            self.open = true;
            self.until = None;
        }
        self.arrived.push((event, text));
    }

    fn write(&mut self, pumps: &mut Pumps, cx: &mut Context<'_>, now: Instant) -> bool {
        loop {
            match pumps.poll_write(cx) {
                Poll::Ready(Ok(())) => self.idle = true,
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => return true,
            }
            let next = self.opening.take().or_else(|| self.moving.as_mut()?.next(now));
            let Some(text) = next else { return true };
            self.idle = false;
            if pumps.start(Message::Text(text)).is_err() {
                return false;
            }
        }
    }

    fn has_moved(&self, now: Instant) -> bool {
        let acknowledged = |moving: &Move<P>| moving.events.is_empty() && moving.state.is_quiet(now);
        self.idle && self.moving.as_ref().is_some_and(acknowledged)
    }
}

impl<P: Protocol> Move<P> {
    fn next(&mut self, now: Instant) -> Option<Text> {
        let event = self.events.pop_front()?;
        self.state.sent(0, &event, now);
        Some(restored::<P>(&event, self.dialect))
    }
}

impl Retiring {
    fn new(link: Link, until: Instant) -> Self {
        Self { link, frame: Some(CloseFrame::new(1000, "")), until }
    }

    /// Sees the closing handshake through. Whether it is over.
    fn is_over(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Link::Up(pumps) = &mut self.link else { return true };
        if now >= self.until {
            return true;
        }
        while let Poll::Ready(written) = pumps.poll_write(cx) {
            let Some(frame) = self.frame.take() else { break };
            if written.and_then(|()| pumps.start(Message::Close(Some(frame)))).is_err() {
                return true;
            }
        }
        for _ in 0..MESSAGES_A_TURN {
            match pumps.poll_read(cx) {
                Poll::Pending => return false,
                // What the old session still says is about nothing any more.
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return true,
            }
        }
        cx.waker().wake_by_ref();
        false
    }
}

impl<P: Protocol> Core<P> {
    /// Whether the conversation is being moved, and nothing may be written to the old session.
    pub(super) fn is_moving(&self) -> bool {
        self.spare.as_ref().is_some_and(|spare| spare.moving.is_some())
    }

    /// The old session has something to say: it is not the moment to leave it.
    pub(super) fn interrupt_move(&mut self) {
        if let Some(spare) = self.spare.as_mut().filter(|spare| spare.moving.is_some()) {
            spare.spoilt = true;
        }
    }

    pub(super) fn drop_spare(&mut self, waste: &mut Waste) {
        if let Some(spare) = self.spare.take() {
            waste.add(spare.link);
        }
    }

    /// Whether nothing is under way, in either direction.
    fn is_still(&self, now: Instant) -> bool {
        let nothing_on_its_way = self.write.current.is_none() && !self.write.blocked && !self.write.mute;
        nothing_on_its_way
            && self.held.is_empty()
            && self.waiting.is_empty()
            && self.replay.is_empty()
            && self.state.is_quiet(now)
    }

    fn may_move(&self) -> bool {
        let closing = self.write.closing.is_some() || self.peer_close.is_some() || self.finishing;
        self.phase == Phase::Open && matches!(self.link, Link::Up(_)) && !closing
    }

    /// When to look again, whatever happens.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let step = match &self.spare {
            Some(spare) => Some(spare.until.unwrap_or(now + LOOK_AGAIN)),
            None => self.recycle.filter(|_| self.may_move()).map(|at| if at > now { at } else { now + LOOK_AGAIN }),
        };
        step.into_iter().chain(self.retiring.as_ref().map(|retiring| retiring.until)).min()
    }
}

impl<P: Protocol> Shared<P> {
    /// When the session that has just been opened is to be replaced.
    pub(super) fn recycle_at(&self, core: &Core<P>, now: Instant) -> Option<Instant> {
        let lead = self.reconnect.as_ref().filter(|policy| policy.restore && !self.joins)?.handover?;
        let announced = core.state.expires_at().zip(self.timer.unix()).map(|(end, unix)| end.saturating_sub(unix));
        // What leaves no time to live in comes from a clock that is wrong, and would have one session chase the next.
        let lifetime = announced.filter(|left| *left > 2 * lead).unwrap_or(LIFETIME);
        Some(now + lifetime.saturating_sub(lead))
    }

    /// Looks after the links beside the one in use. `quiet` says that this one was just read, and had nothing more.
    pub(super) fn tend(&self, core: &mut Core<P>, quiet: bool) -> Waste {
        let mut waste = Waste::default();
        core.deadlines.spare = None;
        if core.recycle.is_none() && core.spare.is_none() && core.retiring.is_none() {
            return waste;
        }
        let now = self.timer.now();
        if core.spare.is_some() || core.retiring.is_some() || core.recycle.is_some_and(|at| now >= at) {
            self.tend_now(core, quiet, now, &mut waste);
        }
        core.deadlines.spare = core.next_look(now);
        waste
    }

    fn tend_now(&self, core: &mut Core<P>, quiet: bool, now: Instant, waste: &mut Waste) {
        let waker = hub::waker(&self.hub, bit::SPARE);
        let mut cx = Context::from_waker(&waker);
        if let Some(retired) = core.retiring.take_if(|retiring| retiring.is_over(&mut cx, now)) {
            waste.add(retired.link);
        }
        if !core.may_move() {
            core.drop_spare(waste);
        } else if let Some(spare) = &mut core.spare {
            if spare.pump(&mut cx, &self.options, now) {
                self.advance(core, quiet, now, waste);
            } else {
                self.put_off(core, now, waste);
            }
        } else if quiet && core.recycle.is_some_and(|at| now >= at) && core.is_still(now) {
            let reason = ErrorKind::Timeout(Deadline::Session).into();
            let link =
                core.attempted((self.dialer)(Some(Again { number: 0, after: Duration::ZERO, reason, target: None })));
            let until = now + self.options.connect_timeout + self.options.opening_timeout;
            let opening = P::opening(&self.settings, &core.state).map(|event| event.encode());
            core.spare = Some(Box::new(Spare::new(link, opening, until)));
            self.hub.defer(bit::DIAL);
        }
    }

    /// The attempt to open a spare link has ended.
    pub(super) fn spare_dialed(&self, core: &mut Core<P>, result: Result<Duplex, Error>) -> Waste {
        let mut waste = Waste::default();
        match (result, &mut core.spare) {
            (Ok(duplex), Some(spare)) => {
                spare.link = Link::Up(Pumps::new(duplex));
                core.left |= bit::SPARE;
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.put_off(core, self.timer.now(), &mut waste);
                if matches!(error.kind(), ErrorKind::Aborted(_)) {
                    core.recycle = None;
                }
            }
        }
        waste
    }

    /// Takes the next step, once the one before is done.
    fn advance(&self, core: &mut Core<P>, quiet: bool, now: Instant, waste: &mut Waste) {
        let still = core.is_still(now);
        let Some(spare) = core.spare.as_mut().filter(|spare| spare.open && quiet) else { return };
        if spare.moving.is_some() {
            if spare.has_moved(now) {
                self.change_places(core, now, waste);
            }
        } else if still {
            let (mut plan, mut state) = core.state.restoration(false, now);
            for (event, _) in &mut spare.arrived {
                state.received(event, now, &mut Changes::default());
            }
            let mut events: VecDeque<_> = mem::take(&mut plan.events).into_iter().map(|(_, event)| event).collect();
            events.iter_mut().for_each(|event| self.name(event));
            spare.moving = Some(Move { plan, events, state, dialect: self.dialect });
            spare.until = Some(now + self.options.opening_timeout);
            core.left |= bit::SPARE;
        }
    }

    /// It was not the moment, or it did not succeed: the session goes on, and it is tried again later.
    fn put_off(&self, core: &mut Core<P>, now: Instant, waste: &mut Waste) {
        core.drop_spare(waste);
        core.recycle = self.reconnect.as_ref().map(|policy| now + policy.max_backoff.max(LOOK_AGAIN));
        core.left |= bit::QUEUE | bit::TIMER;
    }

    fn change_places(&self, core: &mut Core<P>, now: Instant, waste: &mut Waste) {
        let Some(spare) = core.spare.take() else { return };
        let Spare { link, arrived, moving: Some(Move { plan, state, .. }), .. } = *spare else { return };
        let old = mem::replace(&mut core.link, link);
        let retiring = Retiring::new(old, now + self.options.close_timeout);
        if let Some(older) = core.retiring.replace(Box::new(retiring)) {
            waste.add(older.link);
        }
        core.write = Write::default();
        core.deadlines.write = None;
        if matches!(&core.link, Link::Up(pumps) if pumps.can_ping) {
            core.deadlines.listen(now);
        }
        core.opened = Some(now);
        self.succeed(core, plan, state, true);
        core.recycle = self.recycle_at(core, now);
        if self.options.unread == Unread::Keep {
            for (event, text) in arrived {
                core.inbox.push_event(event, text.as_bytes().len(), Some(&text));
            }
        }
        core.left |= bit::READ | bit::WRITE | bit::QUEUE | bit::TIMER | bit::SPARE;
    }
}
