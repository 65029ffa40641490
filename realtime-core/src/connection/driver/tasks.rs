//! Futures that run with the connection, polled by whichever waiter drives.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{Stream, future::BoxFuture, stream::FuturesUnordered};

use super::wakers::{Wakers, bit};
use crate::protocol::Protocol;

/// A future of the application that runs with the connection.
pub(crate) type Task = BoxFuture<'static, ()>;

/// Turns what the session with this number asks of the application into tasks.
pub(crate) type Starter<P> = Arc<dyn Fn(&mut <P as Protocol>::State, u32) -> Vec<Task> + Send + Sync>;

/// Futures of the application that run with the connection. They are polled while no lock is held, because they may
/// use the connection.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<Running>);

#[derive(Default)]
struct Running {
    /// Taken out while it is polled.
    set: Option<FuturesUnordered<Task>>,
    is_polled: bool,
    /// Whether another waiter tried to poll meanwhile.
    again: bool,
    /// Tasks added meanwhile.
    added: Vec<Task>,
    /// Whether the connection has ended, so that nothing runs any more.
    closed: bool,
}

impl Tasks {
    /// Adds tasks. The caller must make sure that they are polled.
    pub(crate) fn add(&self, tasks: Vec<Task>) {
        self.running().added.extend(tasks);
    }

    /// Polls the tasks that are ready.
    pub(crate) fn poll(&self, wakers: &Arc<Wakers>) {
        let mut set = {
            let mut running = self.running();
            if running.is_polled {
                // Another thread is polling them, or a caller of this function.
                running.again = true;
                return;
            }
            if running.closed {
                drop(running);
                return self.clear();
            }
            running.is_polled = true;
            running.again = false;
            let mut set: FuturesUnordered<_> = running.set.take().unwrap_or_default();
            set.extend(running.added.drain(..));
            set
        };
        let guard = GiveBack(self);
        let woken = Arc::new(Woken { wakers: wakers.clone(), state: AtomicU8::new(POLLING) });
        let waker = Waker::from(woken.clone());
        for _ in 0..ROUNDS {
            while let Poll::Ready(Some(())) = Pin::new(&mut set).poll_next(&mut Context::from_waker(&waker)) {}
            if !woken.again() {
                break;
            }
        }
        let mut running = guard.0.running();
        running.is_polled = false;
        let closed = running.closed;
        let set = if closed { Some(set) } else { running.set.replace(set) };
        let more = woken.end() || running.again || !running.added.is_empty();
        drop(running);
        // It was taken out when the others were dropped.
        drop(set);
        if more {
            wakers.wake(bit::TASK);
        }
    }

    /// Drops all tasks, and runs none from now on. One that is being polled is dropped after that.
    pub(crate) fn clear(&self) {
        let dropped = {
            let mut running = self.running();
            running.closed = true;
            (running.set.take(), std::mem::take(&mut running.added))
        };
        drop(dropped);
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often the set is polled in a row because it asks for that.
const ROUNDS: usize = 3;

/// The waker of the set. While the set is polled, a wake-up is noted only.
///
/// The set wakes itself after each round through its tasks. If that woke the waiters of the connection, a task that is itself a
/// waiter would be ready again, and so on without an end.
struct Woken {
    wakers: Arc<Wakers>,
    state: AtomicU8,
}

const POLLING: u8 = 1;
const WOKEN: u8 = 2;

impl Woken {
    /// Whether it was woken since it was asked last.
    fn again(&self) -> bool {
        self.state.fetch_and(!WOKEN, Ordering::AcqRel) & WOKEN != 0
    }

    /// From now on a wake-up reaches the connection. Whether there was one that has not.
    fn end(&self) -> bool {
        self.state.swap(0, Ordering::AcqRel) & WOKEN != 0
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) & POLLING == 0 {
            self.wakers.wake(bit::TASK);
        }
    }
}

/// Allows polling again, even after a panic.
struct GiveBack<'a>(&'a Tasks);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.running().is_polled = false;
    }
}
