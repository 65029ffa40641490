//! The driver of a connection: locks, wakers, sockets, and the futures of tools. The rules are in the
//! [machine](super::machine).
//!
//! Every future of a connection waits in [`Shared::poll`], which is therefore the only place that drives.

mod alarm;
pub(super) mod open_link;
mod socket;
pub(super) mod tasks;
mod turn;
pub(super) mod wait;
pub(super) mod wakers;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

pub(crate) use self::socket::{Dial, Dialer};
use self::{
    alarm::Alarm,
    socket::{Socket, Sockets},
    tasks::{Starter, Tasks},
    wait::WaitKind,
    wakers::{Slot, Wakers, bit},
};
use super::{
    machine::{
        Action, LinkInfo, Machine, Now,
        config::Config,
        inbox::Inbox,
        outbox::{Outbox, Queue},
        resume::Resume,
    },
    observe::{Log, Observer},
};
use crate::{
    error::{Error, ErrorKind},
    protocol::Protocol,
    transport::{CloseFrame, Instant, Timer},
};

/// What all parts of a connection share.
///
/// Lock order: `core`, then `out`, then the slots of the wakers. Under `core` no waker is called or dropped, no transport
/// is dropped and no code of the application runs. The halves and the timer are polled under it, and must not call the
/// connection.
pub(super) struct Shared<P: Protocol> {
    pub(super) config: Arc<Config<P>>,
    pub(super) wakers: Arc<Wakers>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) tasks: Tasks,
    pub(super) observer: Observer,
    dialer: Dialer,
    core: Mutex<Core<P>>,
    out: Mutex<Outbox<P>>,
}

/// The part of a connection that a turn works on.
pub(super) struct Core<P: Protocol> {
    pub(super) machine: Machine<P>,
    sockets: Sockets,
    alarm: Alarm,
    /// Turns what the session asks of the application into tasks.
    starter: Option<Starter<P>>,
    read_waker: Waker,
    write_waker: Waker,
    /// What was still ready after the last turn.
    left: u8,
    /// Whether a turn is in progress. If this is set at the start of a turn, the previous turn panicked.
    in_turn: bool,
}

impl<P: Protocol> Queue<P> for Shared<P> {
    fn with<R>(&self, f: impl FnOnce(&mut Outbox<P>) -> R) -> R {
        f(&mut self.out())
    }
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(timer: Arc<dyn Timer>, config: Config<P>, resume: Option<Resume<P>>, dialer: Dialer) -> Self {
        let (wakers, config) = (Arc::new(Wakers::default()), Arc::new(config));
        let core = Core {
            machine: Machine::new(config.clone(), timer.now()),
            sockets: Sockets::new(),
            alarm: Alarm::default(),
            starter: None,
            read_waker: wakers::waker(&wakers, bit::READ),
            write_waker: wakers::waker(&wakers, bit::WRITE),
            left: 0,
            in_turn: false,
        };
        let out = Outbox::new(config.options.queue_bytes, config.options.audio, config.dialect);
        let shared = Self {
            observer: Observer::new(&config),
            config,
            wakers,
            timer,
            tasks: Tasks::default(),
            dialer,
            core: Mutex::new(core),
            out: Mutex::new(out),
        };
        if let Some(resume) = resume {
            let now = shared.timer.now();
            shared.core().machine.begin_resumed(resume, &shared, now);
        }
        let after = shared.carry_out(&mut shared.core());
        shared.unlocked(after);
        shared
    }

    // Only a half or the timer can panic under the lock. The next turn ends the connection.
    pub(super) fn core(&self) -> MutexGuard<'_, Core<P>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn out(&self) -> MutexGuard<'_, Outbox<P>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, as of the last event that was read.
    pub(super) fn state(&self) -> Arc<P::State> {
        self.core().machine.state().clone()
    }

    /// The current time, if the policy for stale audio needs it.
    pub(super) fn queued_at(&self) -> Option<Instant> {
        self.config.options.audio.max_age.map(|_| self.timer.now())
    }

    /// Takes what was read ahead, unless a turn is needed. This skips the cost of a turn.
    pub(super) fn read_ahead<T>(&self, take: impl FnOnce(&mut Inbox<P>) -> Option<T>) -> Option<T> {
        let only_read = |bits| bits & !bit::READ == 0;
        if !only_read(self.wakers.ready()) {
            return None;
        }
        let mut core = self.core();
        if !only_read(core.left) || core.machine.is_pending(false) || core.machine.is_parked() {
            return None;
        }
        core.machine.inbox.ask();
        take(&mut core.machine.inbox)
    }

    /// Drives one turn, and checks `done` before, during and after it. It does not loop: if something is still ready, the
    /// waiter wakes itself, so that other tasks get to run.
    pub(super) fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        slot: &mut Option<Slot>,
        kind: WaitKind,
        mut done: impl FnMut(&mut Machine<P>) -> Option<R>,
    ) -> Poll<Result<R, Error>> {
        if self.wakers.take(bit::DIAL) {
            self.dial();
        }
        if self.wakers.take(bit::TASK) {
            self.tasks.poll(&self.wakers);
        }
        // Declared before the lock is taken, so it is dropped, and acts, after the lock is released.
        let mut after = AfterUnlock::new(self);
        let mut core = self.core();
        after.driving = true;
        let mut bits = mem::take(&mut core.left) | self.wakers.begin();
        // These are not handled in a turn, but before the next one.
        self.wakers.defer(bits & (bit::DIAL | bit::TASK));
        bits &= !(bit::DIAL | bit::TASK);
        match kind {
            WaitKind::Next => core.machine.inbox.ask(),
            WaitKind::Part => core.machine.inbox.ask_by_handle(),
            WaitKind::Other | WaitKind::Drive => {}
        }
        let mut found = None;
        let mut enough = |machine: &mut Machine<P>| {
            // Events are taken after the turn, because a turn may panic.
            if kind == WaitKind::Next {
                return machine.inbox.is_ahead();
            }
            if found.is_none() {
                found = done(machine);
            }
            found.is_some()
        };
        let _ = enough(&mut core.machine);
        if bits != 0 || core.in_turn || core.machine.is_pending(true) {
            self.turn(&mut core, bits, kind, &mut enough);
            after.done = self.carry_out(&mut core);
        }
        let found = found.or_else(|| done(&mut core.machine));
        after.driving = false;
        // There is room again, so wake whoever has to resume reading.
        after.wake_all = self.wakers.end() | core.machine.unpark(self);
        let result = match found {
            Some(found) => Poll::Ready(Ok(found)),
            None if matches!(kind, WaitKind::Other | WaitKind::Part) && core.machine.inbox.is_full() => {
                Poll::Ready(Err(ErrorKind::InboxFull.into()))
            }
            None => Poll::Pending,
        };
        if result.is_pending() {
            core.machine.inbox.trim();
            after.replaced = slot.get_or_insert_with(|| Slot::new(&self.wakers)).register(cx.waker());
        }
        // Checked after registering, because anything that became ready before did not wake this waiter.
        let left = core.left != 0 || core.machine.is_pending(true) || self.wakers.ready() != 0;
        let again = result.is_pending() && !after.wake_all && left;
        drop(core);
        drop(after);
        if again {
            cx.waker().wake_by_ref();
        }
        result
    }

    /// Carries out those of the machine's actions that are allowed under the lock.
    fn carry_out(&self, core: &mut Core<P>) -> Done {
        let mut done = Done { log: core.machine.take_log(), ..Done::default() };
        while let Some(action) = core.machine.poll_action() {
            match action {
                Action::Dial { id, again } => {
                    // Creating the future runs no code of it: it is polled outside the lock.
                    core.sockets.dial(id, (self.dialer)(again));
                    self.wakers.defer(bit::DIAL);
                }
                Action::Drop(id) => done.sockets.extend(core.sockets.remove(id)),
            }
        }
        if core.machine.end().is_some() {
            core.alarm.clear();
            done.ended = true;
        }
        done
    }

    /// Does the work that is not allowed under the lock.
    fn unlocked(&self, done: Done) {
        let Done { sockets, log, ended } = done;
        drop(sockets);
        if ended {
            self.tasks.clear();
        }
        self.observer.tell(&self.config, log);
    }

    /// Starts the tasks that the session asks of the application, which are polled outside the lock. Returns whether there
    /// were any.
    fn start_work(&self, machine: &mut Machine<P>, starter: Option<&Starter<P>>) -> bool {
        let Some((starter, (state, generation))) = starter.and_then(|starter| Some((starter, machine.poll_work()?)))
        else {
            return false;
        };
        let tasks = starter(state, generation);
        let any = !tasks.is_empty();
        if any {
            self.tasks.add(tasks);
        }
        any
    }

    /// Changes the machine outside a turn, carries out its actions, and wakes the waiters if a turn is needed.
    pub(super) fn act<R>(&self, change: impl FnOnce(&mut Machine<P>, Instant) -> (R, bool)) -> R {
        let now = self.timer.now();
        let mut core = self.core();
        let (result, ready) = change(&mut core.machine, now);
        let Core { machine, starter, .. } = &mut *core;
        let started = self.start_work(machine, starter.as_ref());
        let done = self.carry_out(&mut core);
        drop(core);
        self.unlocked(done);
        let bits = if ready { bit::QUEUE } else { 0 } | if started { bit::TASK } else { 0 };
        if bits != 0 {
            self.wakers.wake(bits);
        }
        result
    }

    /// Changes the state, and from now on uses this function to turn what the session asks of the application into tasks:
    /// in addition to those set before, or in place of them.
    pub(super) fn attend(&self, change: impl FnOnce(&mut P::State), starter: Starter<P>, instead: bool) {
        let mut core = self.core();
        let replaced = core.starter.take();
        core.starter = Some(match replaced.clone().filter(|_| !instead) {
            None => starter,
            Some(before) => Arc::new(move |state, generation| {
                let mut tasks = before(state, generation);
                tasks.extend(starter(state, generation));
                tasks
            }),
        });
        drop(core);
        // Dropped outside the lock, because it owns functions of the application.
        drop(replaced);
        self.with_state(|state, _| change(state));
    }

    /// Changes the state outside a turn, and queues the events that it wants to send.
    pub(super) fn with_state<R>(&self, change: impl FnOnce(&mut P::State, Instant) -> R) -> R {
        self.act(|machine, now| machine.with_state(self, now, |state| change(state, now)))
    }

    /// Ends the connection outside a turn, and wakes all waiters.
    pub(super) fn end(&self, result: Result<(), Error>) {
        self.act(|machine, now| (machine.abort(result, self, now), false));
        self.tasks.clear();
        self.wakers.wake_all();
    }

    /// Asks the peer to end the session in the protocol's own way, once.
    pub(super) fn begin_finish(&self, ending: P::ClientEvent) {
        if self.act(|machine, now| (machine.begin_finish(now), false)) {
            // Refused only if the connection has ended, which is reported by itself.
            let _ = self.send(ending, None);
            self.wakers.wake(bit::QUEUE);
        }
    }

    /// Closes the connection, and accepts no more events.
    pub(super) fn begin_close(&self, frame: CloseFrame) {
        self.act(|machine, now| ((), machine.begin_close(frame, self, now)));
    }

    /// Takes the events that were never written, in order.
    pub(super) fn take_unsent(&self) -> Vec<P::ClientEvent> {
        self.core().machine.take_unsent(self)
    }

    /// Polls the attempt to connect, outside the lock, because it calls the application for credentials.
    fn dial(&self) {
        let Some((id, mut dial)) = self.core().sockets.take_attempt() else { return };
        let mut guard = OnPanic { shared: self, armed: true };
        let waker = wakers::waker(&self.wakers, bit::DIAL);
        let result = dial.as_mut().poll(&mut Context::from_waker(&waker));
        guard.armed = false;
        let now = Now { at: self.timer.now(), unix: self.timer.unix() };
        let mut core = self.core();
        let result = match result {
            Poll::Pending => {
                let given_back = core.sockets.give_back(id, dial);
                drop(core);
                // An attempt that is no longer wanted is dropped here.
                if let Ok(true) = given_back {
                    self.wakers.wake(bit::DIAL);
                }
                return;
            }
            Poll::Ready(result) => result,
        };
        // If another attempt has taken its place, the opened link is dropped when this returns.
        if !core.sockets.is_dialing(id) {
            return drop(core);
        }
        let (result, socket) = match result {
            Ok(duplex) => {
                let info = LinkInfo { can_ping: duplex.can_ping };
                core.sockets.open(id, duplex);
                (Ok(info), None)
            }
            Err(error) => (Err(error), core.sockets.remove(id)),
        };
        core.machine.on_dialed(id, result, self, now);
        let done = self.carry_out(&mut core);
        drop(core);
        drop(socket);
        self.unlocked(done);
    }
}

/// Work of a turn that runs foreign code, and is done once no lock is held.
#[derive(Default)]
struct Done {
    sockets: Vec<Socket>,
    log: Log,
    /// Whether the connection has ended, so that its tasks are to be dropped.
    ended: bool,
}

/// Ends a turn after its lock is released, even if it panics: does its remaining work, and wakes the waiters.
struct AfterUnlock<'a, P: Protocol> {
    shared: &'a Shared<P>,
    driving: bool,
    wake_all: bool,
    done: Done,
    /// The waker that was replaced.
    replaced: Option<Waker>,
}

impl<'a, P: Protocol> AfterUnlock<'a, P> {
    fn new(shared: &'a Shared<P>) -> Self {
        Self { shared, driving: false, wake_all: true, done: Done::default(), replaced: None }
    }
}

impl<P: Protocol> Drop for AfterUnlock<'_, P> {
    fn drop(&mut self) {
        if self.driving {
            let _ = self.shared.wakers.end();
        }
        drop(self.replaced.take());
        self.shared.unlocked(mem::take(&mut self.done));
        if self.wake_all {
            self.shared.wakers.wake_all();
        }
    }
}

struct OnPanic<'a, P: Protocol> {
    shared: &'a Shared<P>,
    armed: bool,
}

impl<P: Protocol> Drop for OnPanic<'_, P> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.end(Err(ErrorKind::Panicked.into()));
        }
    }
}
