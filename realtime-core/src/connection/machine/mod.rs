//! The rules of a connection, as a state machine without I/O.
//!
//! Nothing here waits, reads a clock, or knows a socket, a lock or a task. Time is an argument, events are inputs, and
//! actions are outputs, so every rule can be tested as a function. The driver above contains the rest: locks, wakers,
//! sockets, and the futures of tools.
//!
//! # The calling order
//! Inputs may come at any time: [`on_dialed`](Machine::on_dialed), [`on_queued`](Machine::on_queued),
//! [`begin_finish`](Machine::begin_finish), [`begin_close`](Machine::begin_close), [`with_state`](Machine::with_state). The
//! rest is a *turn*, made whenever a socket, the timer, the outbox or [`is_pending`](Machine::is_pending) asks for one:
//!
//! 1. [`set_reader`](Machine::set_reader) says whether the next event is awaited.
//! 2. For each of the [`links`](Machine::links), in their order:
//!    - if it [`wants_read`](Machine::wants_read), read its socket while it [`has_room`](Machine::has_room), and report
//!      each message by [`on_message`](Machine::on_message), then [`on_read_idle`](Machine::on_read_idle) if there is
//!      nothing more now, or [`on_read_end`](Machine::on_read_end) if there never will be.
//!    - if it [`wants_write`](Machine::wants_write), poll its socket for readiness. If it is ready:
//!      [`on_written`](Machine::on_written), then [`poll_transmit`](Machine::poll_transmit), hand the message to the
//!      socket, and ask again, until there is no message. Otherwise [`on_write_pending`](Machine::on_write_pending) or
//!      [`on_write_failed`](Machine::on_write_failed).
//! 3. Call [`on_timeout`](Machine::on_timeout), always and after the sockets: keepalive and the write timeout are checked
//!    only right after an attempt to read and to write. It acts only on deadlines that have passed.
//! 4. Write again if a link now wants it: a ping may be due.
//! 5. Set the alarm to [`poll_timeout`](Machine::poll_timeout), carry out every [`poll_action`](Machine::poll_action), and
//!    give [`poll_work`](Machine::poll_work) to whoever runs the functions of the application.
//!
//! Calls about a link that the machine no longer knows are ignored, so late inputs are harmless.
//!
//! # The parts
//! [`link`] is one socket's life. The link in use, the standby of a handover and the retiring link are each one of them,
//! and all three go through the same steps above. [`receive`] and [`transmit`] are the two directions, [`reconnect`] and
//! [`handover`] replace a link that is lost or about to end, [`failover`] chooses where the next one goes, [`resume`]
//! continues the conversation of another connection, [`close`] is the end, [`keepalive`] the rules for idle links. [`inbox`] and [`outbox`] are the queues. [`peer`] is a
//! link by itself, with a queue and without a session, from which a server's end and a relay are built.

mod close;
pub(super) mod config;
pub(super) mod entry;
mod failover;
mod handover;
pub(super) mod inbox;
mod keepalive;
mod link;
pub(super) mod outbox;
pub(super) mod peer;
mod receive;
mod reconnect;
pub(super) mod resume;
#[cfg(test)]
mod tests;
mod transmit;

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

pub(super) use self::link::{LinkId, LinkInfo};
use self::{
    close::Ended,
    config::Config,
    entry::Entry,
    failover::Targets,
    handover::Handover,
    inbox::Inbox,
    link::{Link, Stage},
    outbox::{Outbox, Queue},
    receive::Wanted,
};
use super::{
    answers::Cell,
    notice::{Notice, Phase},
    observe::Log,
};
use crate::{
    endpoint::Target,
    error::{Deadline, Error, ErrorKind},
    protocol::{
        Protocol,
        event::{ErrorEvent, part_cache::PartCache},
        state::{Setup, State},
    },
    transport::Instant,
};

/// Time until something that could not be done is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The rules of a connection. See the [module](self) for the order in which it is called.
///
/// Rarely used parts are boxed, because thousands of connections may be idle at the same time.
pub(super) struct Machine<P: Protocol> {
    config: Arc<Config<P>>,
    /// The link in use, or the attempt to open one.
    link: Link,
    /// The handover in progress.
    handover: Option<Box<Handover<P>>>,
    /// The link that was replaced and is being closed.
    retiring: Option<Box<Link>>,
    /// Number of attempts to open a link.
    dials: u64,
    /// Whether the latest attempt had another target than the first.
    redirected: bool,
    /// Where the connection can go, and where it is.
    targets: Targets,
    /// The attempt that waits for its backoff.
    retry: Option<Box<(Instant, Again)>>,
    /// When the handover is due.
    recycle: Option<Instant>,
    /// The deadline of the protocol's graceful end.
    finish_by: Option<Instant>,
    /// When the state is due: for what it wants to send, and for requests that time out.
    session_at: Option<Instant>,
    /// When the handover is checked again.
    handover_at: Option<Instant>,
    /// The wall clock at the origin of the transport's clock, as of the last attempt to dial.
    origin: Option<Duration>,
    pub(super) inbox: Inbox<P>,
    state: Arc<P::State>,
    sample_bytes: usize,
    phase: Phase,
    /// Whether the protocol's graceful end was requested, and whether it was confirmed.
    finishing: bool,
    over: bool,
    end: Option<Result<(), Error>>,
    /// Requests for responses that wait for their turn. Later events overtake them.
    held: VecDeque<Entry<P>>,
    /// Requests in flight whose answer is awaited.
    waiting: BTreeMap<u64, Arc<Cell<P>>>,
    /// The server's last error, if nothing was received since or the session is not open.
    complaint: Option<Box<ErrorEvent>>,
    /// When the last event other than a keepalive was received.
    told: Instant,
    /// `None` once the session is open.
    wanted: Option<Box<Wanted>>,
    /// The replay of the conversation in another session, written before the outbox.
    replay: VecDeque<Entry<P>>,
    /// Attempts to reconnect since the connection was last healthy.
    attempts: u32,
    /// Number of earlier sessions.
    generation: u32,
    /// Why the latest link was lost.
    lost: Option<Error>,
    /// Whether the first session continues a conversation of another connection.
    is_resumed: bool,
    /// Unsent events of that conversation that this connection cannot send.
    refused: Vec<P::ClientEvent>,
    /// Whether the connection is drained: no more responses are requested.
    draining: bool,
    /// Whether a session was ever open, and since when the current one is.
    was_open: bool,
    opened: Option<Instant>,
    /// Whether the state was informed of the link.
    linked: bool,
    /// Whether reading is paused, because of a full inbox or too many queued reactions.
    parked: bool,
    /// Whether a change of the state may require work of the application.
    has_work: bool,
    pending: Pending,
    actions: VecDeque<Action>,
    /// What the next event of a content part may repeat.
    part: PartCache,
    log: Log,
}

/// Reasons for a turn besides sockets and the alarm.
#[derive(Clone, Copy, Default)]
struct Pending {
    read: bool,
    write: bool,
    turn: bool,
}

/// A time on the transport's clock, and since the Unix epoch if that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) unix: Option<Duration>,
}

/// A further attempt to open a link.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// Number of the attempt, from 1. 0 for the standby of a handover.
    pub(crate) number: u32,
    /// The backoff before it.
    pub(crate) after: Duration,
    /// Why the previous link was lost, or is to be replaced.
    pub(crate) reason: Error,
    /// The target, if it is not that of the place.
    pub(crate) target: Option<Target>,
    /// The fallback to connect to. None: the connection's own place.
    pub(crate) fallback: Option<usize>,
}

/// An action that the machine asks of the driver.
pub(super) enum Action {
    /// Open a link, and report by [`Machine::on_dialed`].
    Dial { id: LinkId, again: Option<Again> },
    /// Drop a link, or the attempt to open it. Report nothing more about it.
    Drop(LinkId),
}

impl<P: Protocol> Machine<P> {
    /// Creates a connection. Its first action is to dial.
    pub(super) fn new(config: Arc<Config<P>>, now: Instant) -> Self {
        let options = &config.options;
        let restore = config.reconnect.as_ref().is_some_and(|policy| policy.restore);
        let mut state = P::State::default();
        let setup = Setup::default().kept_errors(options.kept_errors).restore(restore).content(options.trace_content);
        state.configure(&config.settings, &setup);
        let mut link = Link::new(LinkId(0));
        link.dial(Some(now + options.connect_timeout));
        Self {
            link,
            handover: None,
            retiring: None,
            dials: 0,
            redirected: false,
            targets: Targets::new(1 + config.fallbacks().len()),
            retry: None,
            recycle: None,
            finish_by: None,
            session_at: None,
            handover_at: None,
            origin: None,
            inbox: Inbox::new(options.inbox_bytes, options.unread),
            state: Arc::new(state),
            sample_bytes: 2,
            phase: Phase::Connecting,
            finishing: false,
            over: false,
            end: None,
            held: VecDeque::new(),
            waiting: BTreeMap::new(),
            complaint: None,
            told: Instant::default(),
            wanted: None,
            replay: VecDeque::new(),
            attempts: 0,
            generation: 0,
            lost: None,
            is_resumed: false,
            refused: Vec::new(),
            draining: false,
            was_open: false,
            opened: None,
            linked: false,
            parked: false,
            has_work: false,
            pending: Pending { turn: true, ..Pending::default() },
            actions: VecDeque::from([Action::Dial { id: LinkId(0), again: None }]),
            part: PartCache::on(),
            log: Log::default(),
            config,
        }
    }

    /// Returns the state, as of the last event read.
    pub(super) fn state(&self) -> &Arc<P::State> {
        &self.state
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns how the connection ended.
    pub(super) fn end(&self) -> Option<&Result<(), Error>> {
        self.end.as_ref()
    }

    /// Returns whether the protocol's graceful end was confirmed.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Returns the number of earlier sessions.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns the number of requests for responses that wait for their turn, outside the outbox.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Returns the links: the one in use, the retiring one, the standby.
    pub(super) fn links(&self) -> [Option<LinkId>; 3] {
        let retiring = self.retiring.as_ref().map(|link| link.id);
        [Some(self.link.id), retiring, self.handover.as_ref().map(|handover| handover.link.id)]
    }

    /// Returns whether this is the link in use.
    pub(super) fn is_in_use(&self, id: LinkId) -> bool {
        self.link.id == id
    }

    /// Sets whether the next event is awaited, and therefore kept in any case.
    pub(super) fn set_reader(&mut self, waits: bool) {
        self.inbox.set_reader(waits);
    }

    /// Records that an event was queued.
    pub(super) fn on_queued(&mut self) {
        self.pending.write = true;
    }

    /// Returns whether a turn is needed for another reason than a socket or the alarm. Pending reads count only if `reading`
    /// is set.
    pub(super) fn is_pending(&self, reading: bool) -> bool {
        let Pending { read, write, turn } = self.pending;
        write || turn || (reading && read)
    }

    /// Returns whether reading is paused for lack of room.
    pub(super) fn is_parked(&self) -> bool {
        self.parked
    }

    /// Takes the next action. All must be carried out, in order.
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        // Usually there are none, and thousands of connections may be idle at the same time.
        if action.is_none() && self.actions.capacity() > 0 {
            self.actions = VecDeque::new();
        }
        action
    }

    /// Returns the state if it may require work of the application, such as function calls, and the number of the session,
    /// from 0, for the answers.
    pub(super) fn poll_work(&mut self) -> Option<(&mut P::State, u32)> {
        mem::take(&mut self.has_work).then(|| (Arc::make_mut(&mut self.state), self.generation))
    }

    /// Returns the earliest deadline. `None` after the end.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let retry = self.retry.as_ref().map(|retry| retry.0);
        let finish = self.finish_by.filter(|_| !self.over);
        Instant::earliest([self.link.deadline(), retry, finish, self.session_at, self.handover_at])
    }

    /// Takes the records for spans and metrics.
    pub(super) fn take_log(&mut self) -> Log {
        mem::take(&mut self.log)
    }

    /// Lets a reader take its next update. Returns whether it is answered: with the error at the end, once, or with nothing
    /// more than what it took.
    pub(super) fn next<T>(
        &mut self,
        taken: &mut Option<T>,
        take: impl FnOnce(&mut Inbox<P>) -> Option<T>,
    ) -> Option<Option<Error>> {
        *taken = take(&mut self.inbox);
        if taken.is_some() {
            return Some(None);
        }
        self.end.is_some().then(|| self.inbox.take_last())
    }

    /// Returns whether the event with this number, or an earlier one, is not written yet.
    pub(super) fn is_unwritten(&self, seq: u64, out: &Outbox<P>) -> bool {
        self.link.writing().or(out.front()).is_some_and(|front| front <= seq)
    }

    /// Changes the state outside a turn, and queues the events that it wants to send. Returns whether there is something to
    /// write.
    pub(super) fn with_state<R>(
        &mut self,
        queue: &impl Queue<P>,
        now: Instant,
        change: impl FnOnce(&mut P::State) -> R,
    ) -> (R, bool) {
        let result = change(Arc::make_mut(&mut self.state));
        let ready = self.collect(queue, now);
        self.pending.write |= ready;
        (result, ready)
    }

    /// Acts on the deadlines that have passed, and takes the next step of a handover.
    pub(super) fn on_timeout(&mut self, queue: &impl Queue<P>, now: Instant) {
        self.pending.turn = false;
        if self.end.is_some() {
            return;
        }
        if let Err(end) = self.expire(now) {
            self.link_over(end, queue, now);
        }
        if self.end.is_some() {
            return;
        }
        self.tend(queue, now);
        self.link.idle = false;
        self.session_at = if self.link.is_up() { self.next_question(now) } else { None };
        if self.sample_bytes != self.state.sample_bytes() {
            self.sample_bytes = self.state.sample_bytes();
            queue.with(|out| out.set_sample_bytes(self.sample_bytes));
        }
    }

    fn expire(&mut self, now: Instant) -> Result<(), Ended> {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| now >= at);
        let timeout = |deadline| Err(Ended::with(ErrorKind::Timeout(deadline)));
        if !self.link.is_up() && self.link.closing().is_some() {
            return Err(Ended::Cleanly);
        }
        if self.link.is_close_due(now) {
            return Err(self.read_ended(None));
        }
        if due(self.finish_by) && !self.over {
            return timeout(Deadline::Finish);
        }
        match self.link.stage {
            Stage::Waiting => {
                if let Some(retry) = self.retry.take_if(|retry| now >= retry.0) {
                    self.dial(retry.1, now);
                }
            }
            Stage::Dialing if due(self.link.stage_by) => return timeout(Deadline::Connect),
            Stage::Dialing | Stage::Down => {}
            Stage::Up => {
                if due(self.link.stage_by) {
                    return Err(Ended::With(self.not_opened(now)));
                }
                if self.link.is_stalled(now) {
                    return timeout(Deadline::Write);
                }
                match self.link.pulse(self.config.options.keepalive, now) {
                    keepalive::Pulse::Fine => {}
                    keepalive::Pulse::Ping => self.pending.write = true,
                    keepalive::Pulse::Dead => return timeout(Deadline::Keepalive),
                }
            }
        }
        Ok(())
    }

    /// Returns when the state is due. If a request could not be timed out, because nothing is read, it is tried again soon.
    fn next_question(&self, now: Instant) -> Option<Instant> {
        let held = self.state.deadline().filter(|at| *at > now && !self.held.is_empty());
        let due = self.stall_at().map(|at| if at > now { at } else { now + LOOK_AGAIN });
        Instant::earliest([held, due])
    }

    /// Returns when a request of the session times out. Not while the session is being replaced, which settles all of them.
    fn stall_at(&self) -> Option<Instant> {
        if self.is_reopening() { None } else { self.state.due(&self.config.options.timeouts()) }
    }

    /// Returns whether the link is open, and the session that continues another is not.
    fn is_reopening(&self) -> bool {
        self.continues() && self.phase == Phase::Opening
    }

    /// Returns whether the session that opens next continues another.
    fn continues(&self) -> bool {
        self.is_again() || self.is_resumed
    }

    /// Returns whether this session replaces another, or its link one on which no session was opened.
    fn is_again(&self) -> bool {
        self.was_open || self.attempts > 0
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.log.phase(phase);
        self.inbox.push_notice(Notice::Phase(phase));
    }

    /// Returns the wall clock time, if it is known.
    fn unix(&self, now: Instant) -> Option<Duration> {
        self.origin.map(|origin| origin + now.since_origin())
    }

    /// Queues the events that the state wants to send, which always have room. Returns whether there were any.
    #[inline]
    fn collect(&mut self, queue: &impl Queue<P>, now: Instant) -> bool {
        self.has_work = true;
        self.state.has_outgoing() && self.collect_outgoing(queue, now)
    }

    fn collect_outgoing(&mut self, queue: &impl Queue<P>, now: Instant) -> bool {
        let mut ready = false;
        while self.state.has_outgoing()
            && let Some(event) = Arc::make_mut(&mut self.state).next_outgoing()
        {
            // One request for a response that waits is enough.
            let scheduled = || queue.with(|out| out.scheduled()) > 0;
            let waits = P::is_scheduled(&event) && (!self.held.is_empty() || scheduled());
            // Refused only if the connection is closing, when it no longer matters.
            ready |= !waits && self.react(queue, event, now).is_ok();
        }
        ready
    }

    /// Queues an event that the connection sends by itself.
    pub(super) fn react(
        &self,
        queue: &impl Queue<P>,
        event: P::ClientEvent,
        now: Instant,
    ) -> Result<(), entry::SendError<P>> {
        let queued = self.config.options.audio.max_age.map(|_| now);
        self.config.enqueue(queue, event, None, true, queued)
    }

    /// Returns whether an event that was prepared for this session still applies.
    pub(super) fn is_current(&self, generation: u32, event: &P::ClientEvent) -> bool {
        generation == self.generation || self.state.still_applies(event, &[], 0)
    }
}
