//! The one place that waits, and so the one place that drives.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    core::Core,
    end::Waste,
    hub::{self, Hub, Slot, bit},
    ids::Ids,
    inbox::Arrival,
    link::Dialer,
    options::Options,
    outbox::Outbox,
    reconnect::Reconnect,
    tasks::Tasks,
    trace::{Notes, Tracer},
    wait::WaitKind,
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorKind},
    protocol::Protocol,
    transport::Timer,
};

/// What all parts of a connection share.
///
/// Lock order: `core`, then `out`, then the hub's slots. Under `core` no waker is called or dropped, no transport is
/// dropped and no code of the user's runs, but for the halves and the timer, which must not call the connection.
pub(super) struct Shared<P: Protocol> {
    pub(super) hub: Arc<Hub>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) options: Arc<Options>,
    pub(super) ids: Ids,
    pub(super) tasks: Tasks,
    pub(super) tracer: Tracer,
    pub(super) reconnect: Option<Arc<Reconnect>>,
    pub(super) dialer: Dialer,
    /// Whether the server's session is not the connection's own: it was there before, and outlives the link.
    pub(super) joins: bool,
    pub(super) settings: P::Settings,
    /// The server's words.
    pub(super) dialect: Dialect,
    core: Mutex<Core<P>>,
    out: Mutex<Outbox<P>>,
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(
        timer: Arc<dyn Timer>,
        options: Arc<Options>,
        reconnect: Option<Arc<Reconnect>>,
        dialer: Dialer,
        joins: bool,
        settings: P::Settings,
        dialect: Dialect,
    ) -> Self {
        let hub = Arc::new(Hub::default());
        let restore = reconnect.as_ref().is_some_and(|reconnect| reconnect.restore);
        let core = Core::new(&hub, &options, restore, timer.now(), dialer(None));
        let out = Outbox::new(options.queue_bytes, options.audio);
        hub.wake(bit::DIAL | bit::TIMER);
        let ids = Ids::new(&*timer);
        Self {
            hub,
            timer,
            options,
            ids,
            tasks: Tasks::default(),
            tracer: Tracer::new(),
            reconnect,
            dialer,
            joins,
            settings,
            dialect,
            core: Mutex::new(core),
            out: Mutex::new(out),
        }
    }

    // A panic under a lock is a half's or the timer's: what they left is found by the next turn.
    pub(super) fn core(&self) -> MutexGuard<'_, Core<P>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn out(&self) -> MutexGuard<'_, Outbox<P>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An update that was read ahead, if there is nothing to do but to read on: a turn would cost more than it.
    pub(super) fn read_ahead(&self, notices: bool) -> Option<Arrival<P>> {
        let only_read = |bits| bits & !bit::READ == 0;
        if !only_read(self.hub.ready()) {
            return None;
        }
        let mut core = self.core();
        if !only_read(core.left) || core.parked {
            return None;
        }
        core.inbox.ask();
        core.inbox.pop(notices)
    }

    /// Drives one turn and asks `done`, before it, during it and after it. Never loops: what is left ready makes the
    /// waiter wake itself, so that others get to run.
    pub(super) fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        slot: &mut Option<Slot>,
        kind: WaitKind,
        mut done: impl FnMut(&mut Core<P>) -> Option<R>,
    ) -> Poll<Result<R, Error>> {
        if self.hub.take(bit::DIAL) {
            self.dial();
        }
        if self.hub.take(bit::TASK) {
            self.tasks.poll(&self.hub);
        }
        // These act after the lock is given back, for they were declared before it was taken.
        let mut wake = Wake { hub: &self.hub, driving: false, all: true };
        let waste;
        let replaced;
        let mut core = self.core();
        wake.driving = true;
        let mut bits = mem::take(&mut core.left) | self.hub.begin();
        // Those are not for a turn: they are looked at in front of the next one.
        self.hub.defer(bits & (bit::DIAL | bit::TASK));
        bits &= !(bit::DIAL | bit::TASK);
        match kind {
            WaitKind::Next => core.inbox.ask(),
            WaitKind::Part => core.inbox.ask_by_handle(),
            WaitKind::Other | WaitKind::Drive => {}
        }
        let mut found = None;
        let mut enough = |core: &mut Core<P>| {
            // An event is taken when the turn is over, for a turn may panic.
            if kind == WaitKind::Next {
                return core.inbox.is_ahead();
            }
            if found.is_none() {
                found = done(core);
            }
            found.is_some()
        };
        let _ = enough(&mut core);
        waste = if bits == 0 && !core.is_taken() {
            Waste::default()
        } else {
            self.turn(&mut core, bits, kind, &mut enough)
        };
        let found = found.or_else(|| done(&mut core));
        wake.driving = false;
        // Room for what was kept from being read, and somebody must be told to read it.
        wake.all = self.hub.end() | core.unpark(self);
        let result = match found {
            Some(found) => Poll::Ready(Ok(found)),
            None if matches!(kind, WaitKind::Other | WaitKind::Part) && core.inbox.is_full() => {
                Poll::Ready(Err(ErrorKind::InboxFull.into()))
            }
            None => Poll::Pending,
        };
        replaced = if result.is_pending() {
            core.inbox.trim();
            slot.get_or_insert_with(|| Slot::new(&self.hub)).register(cx.waker())
        } else {
            None
        };
        // Asked after registering: what became ready before that woke others only.
        let notes: Notes = mem::take(&mut core.notes);
        let again = result.is_pending() && !wake.all && (core.left != 0 || self.hub.ready() != 0);
        drop(core);
        drop::<Option<Waker>>(replaced);
        drop::<Waste>(waste);
        self.tracer.tell(notes);
        drop(wake);
        if again {
            cx.waker().wake_by_ref();
        }
        result
    }

    /// Polls the attempt to connect, outside the lock: it asks the user for credentials.
    fn dial(&self) {
        let mut core = self.core();
        let Some(attempt) = core.attempt() else { return };
        let number = attempt.number;
        let Some(mut dial) = attempt.take() else { return };
        drop(core);
        let mut guard = OnPanic { shared: self, armed: true };
        let waker = hub::waker(&self.hub, bit::DIAL);
        let result = dial.as_mut().poll(&mut Context::from_waker(&waker));
        guard.armed = false;
        let mut core = self.core();
        // If it ended meanwhile, or another took its place, what was opened is dropped when this returns.
        let Some(attempt) = core.attempt().filter(|attempt| attempt.number == number) else { return };
        let waste = match result {
            Poll::Pending => {
                let woken = attempt.give_back(dial);
                drop(core);
                if woken {
                    self.hub.wake(bit::DIAL);
                }
                return;
            }
            Poll::Ready(result) if core.spare.is_some() => self.spare_dialed(&mut core, result),
            Poll::Ready(Ok(duplex)) => {
                self.connected(&mut core, duplex);
                Waste::default()
            }
            Poll::Ready(Err(error)) => self.ended(&mut core, Err(error)),
        };
        drop(core);
        drop(waste);
    }
}

/// Ends a turn, also one that panics, and then wakes who is to be woken.
struct Wake<'a> {
    hub: &'a Hub,
    driving: bool,
    all: bool,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        if self.driving {
            let _ = self.hub.end();
        }
        if self.all {
            self.hub.wake_all();
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
