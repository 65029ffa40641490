//! The rules of a connection, as a state machine without I/O.
//!
//! Nothing here waits, reads a clock, or knows a socket, a lock or a task: time is an argument, what happens is an input, and
//! what is to be done is an output. So every rule can be tested as a function, and the driver above holds what remains: locks,
//! wakers, sockets, and the futures of tools.
//!
//! # The calling order
//! Inputs may come at any time: [`on_dialed`](Machine::on_dialed), [`on_queued`](Machine::on_queued),
//! [`begin_finish`](Machine::begin_finish), [`begin_close`](Machine::begin_close), [`with_state`](Machine::with_state). The
//! rest is a *turn*, made whenever a socket, the timer, the outbox or [`is_pending`](Machine::is_pending) asks for one:
//!
//! 1. [`set_reader`](Machine::set_reader) says whether somebody waits for the next event.
//! 2. For each of the [`links`](Machine::links), in their order:
//!    - if it [`wants_read`](Machine::wants_read), read its socket while it [`has_room`](Machine::has_room), and report
//!      each message by [`on_message`](Machine::on_message), then [`on_read_idle`](Machine::on_read_idle) if there is nothing
//!      more now, or [`on_read_end`](Machine::on_read_end) if there never will be.
//!    - if it [`wants_write`](Machine::wants_write), ask its socket whether it takes a message. If it does:
//!      [`on_written`](Machine::on_written), then [`poll_transmit`](Machine::poll_transmit), hand the message to the socket, and
//!      ask again, until there is no message. Otherwise [`on_write_pending`](Machine::on_write_pending) or
//!      [`on_write_failed`](Machine::on_write_failed).
//! 3. [`on_timeout`](Machine::on_timeout), always and after the sockets: silence and stalls are judged only right after an
//!    attempt to read and to write. It acts on the deadlines that have come, and on none other.
//! 4. Write once more where a link now wants it: a ping may be due.
//! 5. Set the alarm to [`poll_timeout`](Machine::poll_timeout), carry out every [`poll_action`](Machine::poll_action), and
//!    give [`poll_work`](Machine::poll_work) to whoever runs the functions of the application.
//!
//! A link that the machine no longer knows is ignored in every call, so an input that comes late does no harm.
//!
//! # The parts
//! [`link`] is one socket's life. The link in use, the standby of a handover and the retiring link are each one of them, and
//! all three go through the same steps above. [`receive`] and [`transmit`] are the two directions, [`reconnect`] and
//! [`handover`] what follows when a link is lost or about to be, [`resume`] the conversation of another connection, [`close`]
//! the end, [`keepalive`] the silence. [`inbox`] and [`outbox`] are the queues. [`peer`] is a link by itself, with a queue and
//! without a session: what a server's end and a relay are made of.

mod close;
pub(super) mod config;
pub(super) mod entry;
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
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

pub(super) use self::link::{LinkId, LinkInfo};
use self::{
    close::Ended,
    config::Config,
    entry::Entry,
    handover::Handover,
    inbox::{Arrival, Inbox},
    link::{Link, Stage},
    outbox::{Outbox, Queue},
    receive::Wanted,
};
use super::{
    answers::Cell,
    notice::{Notice, Phase},
    trace::TraceLog,
};
use crate::{
    endpoint::Target,
    error::{Deadline, Error, ErrorKind},
    protocol::{
        Protocol,
        event::ErrorEvent,
        state::{Setup, State},
    },
    transport::Instant,
};

/// How soon something is looked at again that could not be done.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The rules of a connection. See the [module](self) for the order in which it is called.
///
/// What is rarely there is boxed: thousands of connections may be idle at once.
pub(super) struct Machine<P: Protocol> {
    config: Arc<Config<P>>,
    /// The link in use, or the attempt to get one.
    link: Link,
    /// The session that is to take the place of the present one.
    handover: Option<Box<Handover<P>>>,
    /// A link that was replaced, and is being closed.
    retiring: Option<Box<Link>>,
    /// How many attempts to open a link there were.
    dials: u64,
    /// Whether the latest attempt was for a target of its own, and not for that of the first.
    redirected: bool,
    /// The attempt that waits for its backoff.
    retry: Option<Box<(Instant, Again)>>,
    /// When the session is to be replaced, so that the server need not end it.
    recycle: Option<Instant>,
    /// The deadline of the protocol's own ending.
    finish_by: Option<Instant>,
    /// When the session is to be asked again: for what waits to be sent, and for what it gives up.
    session_at: Option<Instant>,
    /// When the handover is looked at again.
    handover_at: Option<Instant>,
    /// The wall clock at the origin of the transport's clock, as of the last attempt to dial.
    origin: Option<Duration>,
    pub(super) inbox: Inbox<P>,
    state: Arc<P::State>,
    sample_bytes: usize,
    phase: Phase,
    /// Whether the protocol's own ending was asked for, and whether it has arrived.
    finishing: bool,
    over: bool,
    end: Option<Result<(), Error>>,
    /// Requests for responses that wait for their turn, overtaken by what follows them.
    held: VecDeque<Entry<P>>,
    /// Requests on the wire whose answer somebody awaits.
    waiting: HashMap<u64, Arc<Cell<P>>>,
    /// The server's last complaint, if nothing came since then or the session is not open.
    complaint: Option<Box<ErrorEvent>>,
    /// When the last event came that says more than that the server lives.
    told: Instant,
    /// None once the session is open.
    wanted: Option<Box<Wanted>>,
    /// The events that restore the conversation in another session, ahead of the outbox.
    replay: VecDeque<Entry<P>>,
    /// Attempts to reconnect since the connection was last healthy.
    attempts: u32,
    /// How many sessions there were before this one.
    generation: u32,
    /// Why the latest link is gone.
    lost: Option<Error>,
    /// Whether the first session continues a conversation of another connection.
    is_resumed: bool,
    /// What that conversation still had to send and this connection cannot send.
    refused: Vec<P::ClientEvent>,
    /// Whether the conversation is about to leave: no response is requested any more.
    draining: bool,
    /// Whether a session was ever open. And since when the present one is.
    was_open: bool,
    opened: Option<Instant>,
    /// Whether the state was told of the link.
    linked: bool,
    /// Whether a full inbox, or too many reactions that wait, keep the link in use from being read.
    parked: bool,
    /// Whether the state has changed in a way that may ask something of the application.
    has_work: bool,
    pending: Pending,
    actions: VecDeque<Action>,
    log: TraceLog,
}

/// What is to be done in a turn though no socket and no alarm asks for one.
#[derive(Clone, Copy, Default)]
struct Pending {
    read: bool,
    write: bool,
    turn: bool,
}

/// A time: on the transport's clock, and since the Unix epoch where there is such a clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) unix: Option<Duration>,
}

/// An attempt to open a link that is not the first.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// The number of the attempt, from 1. 0 for a link that is to replace one that still lives.
    pub(crate) number: u32,
    /// The backoff before it.
    pub(crate) after: Duration,
    /// Why the link before is gone, or to be replaced.
    pub(crate) reason: Error,
    /// What to connect to, if not what the first attempt connected to.
    pub(crate) target: Option<Target>,
}

/// What the machine asks of the driver.
pub(super) enum Action {
    /// Open a link, and report by [`Machine::on_dialed`].
    Dial { id: LinkId, again: Option<Again> },
    /// Drop a link, or the attempt to open it. Nothing more of it is reported.
    Drop(LinkId),
}

impl<P: Protocol> Machine<P> {
    /// A connection that is to be opened. Its first action dials.
    pub(super) fn new(config: Arc<Config<P>>, now: Instant) -> Self {
        let options = &config.options;
        let restore = config.reconnect.as_ref().is_some_and(|policy| policy.restore);
        let mut state = P::State::default();
        state.configure(&config.settings, &Setup::default().kept_errors(options.kept_errors).restore(restore));
        let mut link = Link::new(LinkId(0));
        link.dial(Some(now + options.connect_timeout));
        Self {
            link,
            handover: None,
            retiring: None,
            dials: 0,
            redirected: false,
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
            waiting: HashMap::new(),
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
            log: TraceLog::default(),
            config,
        }
    }

    /// The state, as of the last event that was read.
    pub(super) fn state(&self) -> &Arc<P::State> {
        &self.state
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// How the connection ended.
    pub(super) fn end(&self) -> Option<&Result<(), Error>> {
        self.end.as_ref()
    }

    /// Whether the protocol's own ending has arrived.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// How many sessions there were before this one.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// How many requests for responses wait for their turn, outside the outbox.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// The links that there are: the one in use, the retiring one, the standby.
    pub(super) fn links(&self) -> [Option<LinkId>; 3] {
        let retiring = self.retiring.as_ref().map(|link| link.id);
        [Some(self.link.id), retiring, self.handover.as_ref().map(|handover| handover.link.id)]
    }

    /// Whether this is the link in use.
    pub(super) fn is_in_use(&self, id: LinkId) -> bool {
        self.link.id == id
    }

    /// Says whether somebody waits for the next event, which is then kept in any case.
    pub(super) fn set_reader(&mut self, waits: bool) {
        self.inbox.set_reader(waits);
    }

    /// The outbox has something new.
    pub(super) fn on_queued(&mut self) {
        self.pending.write = true;
    }

    /// Whether a turn is to be made though nothing outside asks for it. `reading` leaves out what is only to be read.
    pub(super) fn is_pending(&self, reading: bool) -> bool {
        let Pending { read, write, turn } = self.pending;
        write || turn || (reading && read)
    }

    /// Whether reading pauses for want of room.
    pub(super) fn is_parked(&self) -> bool {
        self.parked
    }

    /// The next thing to be done. Each must be carried out, in order.
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        // Nearly always there are none, and thousands of connections may be idle at once.
        if action.is_none() && self.actions.capacity() > 0 {
            self.actions = VecDeque::new();
        }
        action
    }

    /// The state, if it may ask something of the application: functions that the model calls. With it the number of the
    /// session, from 0, for the answers.
    pub(super) fn poll_work(&mut self) -> Option<(&mut P::State, u32)> {
        mem::take(&mut self.has_work).then(|| (Arc::make_mut(&mut self.state), self.generation))
    }

    /// The earliest deadline. None after the end.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let retry = self.retry.as_ref().map(|retry| retry.0);
        let finish = self.finish_by.filter(|_| !self.over);
        [self.link.deadline(), retry, finish, self.session_at, self.handover_at].into_iter().flatten().min()
    }

    /// Takes what the tracer is to be told.
    pub(super) fn take_log(&mut self) -> TraceLog {
        mem::take(&mut self.log)
    }

    /// The next update for a reader; at the end an error, then none.
    pub(super) fn next(&mut self, notices: bool) -> Option<Option<Result<Arrival<P>, Error>>> {
        if let Some(arrival) = self.inbox.pop(notices) {
            return Some(Some(Ok(arrival)));
        }
        self.end.is_some().then(|| self.inbox.take_last().map(Err))
    }

    /// Whether the event with this number, or one before it, is still to be written.
    pub(super) fn is_unwritten(&self, seq: u64, out: &Outbox<P>) -> bool {
        self.link.writing().or(out.front()).is_some_and(|front| front <= seq)
    }

    /// Changes the state from outside, and queues what it wants to be sent. Whether there is something to write.
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

    /// Acts on the deadlines that have come, and takes the next step of a handover.
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

    /// When the session is to be asked again. What could not be given up, because nobody reads, is looked at a little later.
    fn next_question(&self, now: Instant) -> Option<Instant> {
        let held = self.state.deadline().filter(|at| *at > now && !self.held.is_empty());
        let due = self.stall_at().map(|at| if at > now { at } else { now + LOOK_AGAIN });
        held.into_iter().chain(due).min()
    }

    /// When the session gives something up. Not while it waits for another to take its place, since that settles everything.
    fn stall_at(&self) -> Option<Instant> {
        if self.is_reopening() { None } else { self.state.due(&self.config.options.timeouts()) }
    }

    /// Whether the link is up, and the session that is to continue another is not open yet.
    fn is_reopening(&self) -> bool {
        self.continues() && self.phase == Phase::Opening
    }

    /// Whether the session that opens next continues another.
    fn continues(&self) -> bool {
        self.is_again() || self.is_resumed
    }

    /// Whether this session replaces, or is to replace, another, or its link that of one that never opened any.
    fn is_again(&self) -> bool {
        self.was_open || self.attempts > 0
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.log.phase(phase);
        self.inbox.push_notice(Notice::Phase(phase));
    }

    /// The wall clock, as far as it was ever given.
    fn unix(&self, now: Instant) -> Option<Duration> {
        self.origin.map(|origin| origin + now.since_origin())
    }

    /// Queues what the session itself wants to send. There is always room for that. Whether something was queued.
    fn collect(&mut self, queue: &impl Queue<P>, now: Instant) -> bool {
        let mut ready = false;
        while let Some(event) = Arc::make_mut(&mut self.state).next_outgoing() {
            // A request for a response that waits already serves as well.
            let scheduled = || queue.with(|out| out.scheduled()) > 0;
            let waits = P::is_scheduled(&event) && (!self.held.is_empty() || scheduled());
            // Refused only if the connection is closing, and then nothing matters less.
            ready |= !waits && self.react(queue, event, now).is_ok();
        }
        self.has_work = true;
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

    /// Whether an event that was prepared for this generation of the session is still of use.
    pub(super) fn is_current(&self, generation: u32, event: &P::ClientEvent) -> bool {
        generation == self.generation || self.state.still_applies(event, &[], 0)
    }
}
