//! What a turn works on.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{
    answers::Cell,
    deadlines::Deadlines,
    driver::Shared,
    end::{End, Waste},
    hub::{self, Hub, bit},
    inbox::{Arrival, Inbox},
    link::{Attempt, Dial, Link, Pumps},
    notice::{Notice, Phase},
    options::Options,
    outbox::Entry,
    spare::{Retiring, Spare},
    tasks::Starter,
    trace::Notes,
    wait::WaitKind,
};
use crate::{
    error::{Deadline, Error, ErrorKind},
    event::ErrorEvent,
    protocol::Protocol,
    session::{Changes, Setup, State},
    transport::{CloseFrame, Duplex, Instant, Text, TransportError},
};

/// How many messages one turn reads at most before it lets others run.
pub(super) const MESSAGES_A_TURN: usize = 32;

/// How soon something is looked at again that could not be done.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is rarely there is boxed: thousands of connections may wait at once.
pub(super) struct Core<P: Protocol> {
    pub(super) link: Link,
    /// What is to take its place while it still lives.
    pub(super) spare: Option<Box<Spare<P>>>,
    /// A link that was replaced, and is being closed.
    pub(super) retiring: Option<Box<Retiring>>,
    /// When the session is to be replaced, so that the server need not end it.
    pub(super) recycle: Option<Instant>,
    /// How many attempts to open a link there were.
    pub(super) dials: u64,
    wakers: Wakers,
    /// What a turn left ready.
    pub(super) left: u8,
    /// Whether a full inbox, or too many answers that wait, keep the transport from being read.
    pub(super) parked: bool,
    pub(super) deadlines: Deadlines,
    pub(super) inbox: Inbox<P>,
    pub(super) state: Arc<P::State>,
    sample_bytes: usize,
    pub(super) phase: Phase,
    /// Whether the protocol's own ending was asked for, and whether it has arrived.
    pub(super) finishing: bool,
    pub(super) over: bool,
    pub(super) end: Option<End>,
    /// Requests for responses that wait for their turn, overtaken by what follows them.
    pub(super) held: VecDeque<Entry<P>>,
    /// Requests on the wire whose answer somebody awaits.
    pub(super) waiting: HashMap<u64, Arc<Cell<P>>>,
    /// What the server complained of last, if nothing came since then or the session is not open.
    pub(super) complaint: Option<Box<ErrorEvent>>,
    /// When an event came last that says more than that the server lives.
    pub(super) told: Instant,
    /// None once the session is open.
    pub(super) wanted: Option<Box<Wanted>>,
    pub(super) peer_close: Option<CloseFrame>,
    pub(super) write: Write,
    /// What makes the conversation anew on another session, ahead of the queue.
    pub(super) replay: VecDeque<Entry<P>>,
    /// Attempts to reconnect since the connection was last healthy.
    pub(super) attempts: u32,
    /// How many sessions there were before this one.
    pub(super) generation: u32,
    /// Why the latest link is gone.
    pub(super) lost: Option<Error>,
    /// Whether a session was ever open. And since when the present one is.
    pub(super) was_open: bool,
    /// Whether the state was told of the link.
    pub(super) linked: bool,
    pub(super) opened: Option<Instant>,
    pub(super) starter: Option<Starter<P>>,
    /// What the tracer is to be told.
    pub(super) notes: Notes,
}

/// The wait for the event that opens the session.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) since: Instant,
    /// What came in its place.
    pub(super) instead: Vec<Box<str>>,
}

/// The writing side of a link.
#[derive(Default)]
pub(super) struct Write {
    /// The protocol's opening event, ahead of everything.
    pub(super) opening: Option<Text>,
    pub(super) ping: bool,
    pub(super) closing: Option<CloseFrame>,
    /// Whether the transport has not taken the last message yet.
    pub(super) blocked: bool,
    pub(super) current: Option<Current>,
    /// Whether nothing more can be written: a close frame went either way, or the write side broke.
    pub(super) mute: bool,
    /// Why the write side broke. Believed only once nothing is left to read.
    pub(super) broken: Option<TransportError>,
}

/// The message being written.
pub(super) enum Current {
    Event { seq: u64, bytes: usize },
    Opening,
    Ping,
    Close,
}

struct Wakers {
    read: Waker,
    write: Waker,
    timer: Waker,
}

impl<P: Protocol> Core<P> {
    pub(super) fn new(hub: &Arc<Hub>, options: &Options, restore: bool, now: Instant, dial: Dial) -> Self {
        let mut deadlines = Deadlines::new(options.keepalive);
        deadlines.connect = Some(now + options.connect_timeout);
        let mut state = P::State::default();
        let setup = Setup::new(options.memory.clone()).playback(options.playback.clone()).restore(restore);
        state.configure(&setup);
        Self {
            link: Link::Dialing(Attempt::new(0, dial)),
            spare: None,
            retiring: None,
            recycle: None,
            dials: 0,
            wakers: Wakers {
                read: hub::waker(hub, bit::READ),
                write: hub::waker(hub, bit::WRITE),
                timer: hub::waker(hub, bit::TIMER),
            },
            left: 0,
            parked: false,
            deadlines,
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
            peer_close: None,
            write: Write::default(),
            replay: VecDeque::new(),
            attempts: 0,
            generation: 0,
            lost: None,
            was_open: false,
            linked: false,
            opened: None,
            starter: None,
            notes: Notes::default(),
        }
    }

    /// Takes note of another attempt to open a link.
    pub(super) fn attempted(&mut self, dial: Dial) -> Link {
        self.dials += 1;
        Link::Dialing(Attempt::new(self.dials, dial))
    }

    /// The attempt that is under way. There is one at a time: a spare link is wanted only while there is a link.
    pub(super) fn attempt(&mut self) -> Option<&mut Attempt> {
        let spare = self.spare.as_mut().map(|spare| &mut spare.link);
        [Some(&mut self.link), spare].into_iter().flatten().find_map(|link| match link {
            Link::Dialing(attempt) => Some(attempt),
            _ => None,
        })
    }

    /// Whether a turn took the link and never gave it back: it panicked.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.link, Link::Taken)
    }

    /// Whether the server is to hear what there is to say to it before it says more. Not while nothing can be said, for
    /// then only reading goes on to where it can.
    fn is_behind(&self, shared: &Shared<P>) -> bool {
        let can_write = self.phase == Phase::Open && !self.write.mute && !self.is_moving();
        can_write && shared.out().is_behind()
    }

    /// Reads again, if that paused for want of room and there is room now.
    pub(super) fn unpark(&mut self, shared: &Shared<P>) -> bool {
        let free = self.parked && !self.inbox.is_full() && !self.is_behind(shared);
        if free {
            self.parked = false;
            self.left |= bit::READ;
        }
        free
    }

    /// A link is up.
    pub(super) fn connected(&mut self, duplex: Duplex, opening: Option<Text>, now: Instant, options: &Options) {
        let pumps = Pumps::new(duplex);
        self.deadlines.connect = None;
        self.deadlines.opening = Some(now + options.opening_timeout);
        self.wanted = Some(Box::new(Wanted { since: now, instead: Vec::new() }));
        if pumps.can_ping {
            self.deadlines.listen(now);
        }
        self.link = Link::Up(pumps);
        self.write.opening = opening;
        self.left |= bit::READ | bit::WRITE | bit::QUEUE;
        self.enter(Phase::Opening);
    }

    /// When the session is to be asked again. What could not be given up, for nobody reads, is looked at a little later.
    fn next_question(&self, options: &Options, now: Instant) -> Option<Instant> {
        let held = self.state.deadline().filter(|at| *at > now && !self.held.is_empty());
        let due = self.due(options).map(|at| if at > now { at } else { now + LOOK_AGAIN });
        held.into_iter().chain(due).min()
    }

    /// When the session gives something up. Not while it waits for another to take its place, for that settles all.
    fn due(&self, options: &Options) -> Option<Instant> {
        if self.is_reopening() { None } else { self.state.due(&options.timeouts()) }
    }

    /// Whether the link is up and the session is not open that is to go on from another.
    pub(super) fn is_reopening(&self) -> bool {
        self.is_again() && self.phase == Phase::Opening
    }

    /// Whether this session takes, or is to take, the place of another, or the link that of one that never opened any.
    pub(super) fn is_again(&self) -> bool {
        self.was_open || self.attempts > 0
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.notes.phase(phase);
        self.inbox.push_notice(Notice::Phase(phase));
    }

    /// What a reader gets next: an update, at the end an error, then none.
    pub(super) fn next(&mut self, notices: bool) -> Option<Option<Result<Arrival<P>, Error>>> {
        if let Some(arrival) = self.inbox.pop(notices) {
            return Some(Some(Ok(arrival)));
        }
        self.end.is_some().then(|| self.inbox.take_last().map(Err))
    }
}

impl<P: Protocol> Shared<P> {
    /// Reads, writes, and looks at the clock, in that order, each where it may have something to do.
    pub(super) fn turn(
        &self,
        core: &mut Core<P>,
        bits: u8,
        kind: WaitKind,
        enough: &mut dyn FnMut(&mut Core<P>) -> bool,
    ) -> Waste {
        let mut link = mem::replace(&mut core.link, Link::Taken);
        let result = match &mut link {
            Link::Up(pumps) => self.move_link(core, pumps, bits, kind, enough),
            // A turn before this one panicked, and left nothing to work with.
            Link::Taken => Err(Err(ErrorKind::Panicked.into())),
            Link::Down => Ok(false),
            Link::Dialing(_) => self.expire_dial(core).map(|()| false),
        };
        core.link = link;
        let (waste, rang) = match result {
            Ok(quiet) => (self.tend(core, quiet), bits & bit::TIMER != 0),
            Err(end) => (self.ended(core, end), false),
        };
        // Armed last: what was done may have brought an earlier deadline.
        if core.deadlines.arm(&*self.timer, &core.wakers.timer, rang) {
            core.left |= bit::TIMER;
        }
        waste
    }

    /// Gives up what the server was waited for too long. What has become ready by it.
    fn give_up(&self, core: &mut Core<P>, kind: WaitKind, now: Instant) -> u8 {
        let mut changes = Changes::default();
        Arc::make_mut(&mut core.state).expire(&self.options.timeouts(), now, &mut changes);
        core.settle(changes, &self.options, kind, now);
        let ready = self.collect(core);
        self.hub.defer(ready & bit::TASK);
        // What was held back may go now.
        ready & bit::QUEUE | if core.is_released(now) { bit::QUEUE } else { 0 }
    }

    fn expire_dial(&self, core: &Core<P>) -> Result<(), End> {
        if core.write.closing.is_some() {
            return Err(Ok(()));
        }
        match core.deadlines.connect {
            Some(at) if self.timer.now() >= at => Err(Err(ErrorKind::Timeout(Deadline::Connect).into())),
            _ => Ok(()),
        }
    }

    /// Whether there was nothing more to read.
    fn move_link(
        &self,
        core: &mut Core<P>,
        pumps: &mut Pumps,
        mut bits: u8,
        kind: WaitKind,
        enough: &mut dyn FnMut(&mut Core<P>) -> bool,
    ) -> Result<bool, End> {
        let now = self.timer.now();
        // Before another session takes the place of this one, this one is asked for its last word.
        if core.spare.is_some() || core.recycle.is_some_and(|at| now >= at) {
            bits |= bit::READ;
        }
        // Silence and stalls are judged only right after an attempt.
        if core.deadlines.is_silence_due(now) || core.due(&self.options).is_some_and(|at| now >= at) {
            bits |= bit::READ;
        }
        if core.deadlines.write.is_some_and(|at| now >= at) {
            bits |= bit::WRITE;
        }
        let quiet = bits & bit::READ != 0 && self.read(core, pumps, kind, now, enough)?;
        if core.sample_bytes != core.state.sample_bytes() {
            core.sample_bytes = core.state.sample_bytes();
            self.out().set_sample_bytes(core.sample_bytes);
        }
        // What reading has made ready to be written is written now.
        bits |= core.left & bit::QUEUE;
        core.left &= !bit::QUEUE;
        if core.is_released(now) {
            bits |= bit::QUEUE;
        }
        if quiet && core.due(&self.options).is_some_and(|at| now >= at) {
            bits |= self.give_up(core, kind, now);
        }
        self.write(core, pumps, bits, now);
        core.deadlines.session = core.next_question(&self.options, now);
        if core.expire(quiet, now)? {
            self.write(core, pumps, bit::QUEUE, now);
        }
        Ok(quiet)
    }

    /// Queues what the session itself wants to send, and starts what it has to do. There is always room for that. What
    /// has become ready by it.
    pub(super) fn collect(&self, core: &mut Core<P>) -> u8 {
        let mut ready = 0;
        while let Some(event) = Arc::make_mut(&mut core.state).next_outgoing() {
            // A request for a response that waits already serves as well.
            let waits = P::is_scheduled(&event) && (!core.held.is_empty() || self.out().scheduled() > 0);
            // Refused only if the connection is closing, and then nothing matters less.
            if !waits && self.enqueue(event, None, true).is_ok() {
                ready |= bit::QUEUE;
            }
        }
        if let Some(starter) = core.starter.clone() {
            let generation = core.generation;
            let tasks = starter(Arc::make_mut(&mut core.state), generation);
            if !tasks.is_empty() {
                self.tasks.add(tasks);
                ready |= bit::TASK;
            }
        }
        ready
    }

    /// Changes the state from outside, and sends what it wants to be sent.
    pub(super) fn with_state<R>(&self, change: impl FnOnce(&mut P::State, Instant) -> R) -> R {
        let mut core = self.core();
        let result = change(Arc::make_mut(&mut core.state), self.timer.now());
        let ready = self.collect(&mut core);
        drop(core);
        if ready != 0 {
            self.hub.wake(ready);
        }
        result
    }

    /// Reads until there is nothing more to read, or whoever waits has enough, or there is no room. Whether there was
    /// nothing more.
    fn read(
        &self,
        core: &mut Core<P>,
        pumps: &mut Pumps,
        kind: WaitKind,
        now: Instant,
        enough: &mut dyn FnMut(&mut Core<P>) -> bool,
    ) -> Result<bool, End> {
        if core.is_behind(self) {
            core.parked = true;
            return Ok(false);
        }
        for _ in 0..MESSAGES_A_TURN {
            if enough(core) {
                break;
            }
            core.inbox.make_room();
            if core.inbox.is_full() {
                core.parked = true;
                return Ok(false);
            }
            match pumps.poll_read(&mut Context::from_waker(&core.wakers.read)) {
                Poll::Pending => return Ok(true),
                Poll::Ready(Some(Ok(message))) => {
                    core.message(self, message, kind, now)?;
                    let ready = self.collect(core);
                    core.left |= ready & bit::QUEUE;
                    self.hub.defer(ready & bit::TASK);
                }
                Poll::Ready(Some(Err(error))) => return Err(core.link_ended(Some(error))),
                Poll::Ready(None) => return Err(core.link_ended(None)),
            }
        }
        core.left |= bit::READ;
        Ok(false)
    }

    /// Writes until there is nothing to write, or the transport takes no more.
    fn write(&self, core: &mut Core<P>, pumps: &mut Pumps, bits: u8, now: Instant) {
        let woken = bits & bit::WRITE != 0;
        if core.write.mute || (core.write.blocked && !woken) || (!woken && bits & bit::QUEUE == 0) {
            return;
        }
        let waker = core.wakers.write.clone();
        let mut cx = Context::from_waker(&waker);
        loop {
            match pumps.poll_write(&mut cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return core.write_broke(error, now, &self.options),
                Poll::Pending => {
                    core.write.blocked = true;
                    core.deadlines.write.get_or_insert(now + self.options.write_timeout);
                    return;
                }
            }
            core.written(&mut self.out());
            let Some(message) = (!core.write.mute).then(|| core.next_message(&mut self.out(), now)).flatten() else {
                return;
            };
            if let Err(error) = pumps.start(message) {
                return core.write_broke(error, now, &self.options);
            }
        }
    }
}
