//! Futures that run with the connection, polled by whichever waiter drives.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{Stream, future::BoxFuture, stream::FuturesUnordered};

use super::wakers::{self, Wakers, bit};
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
            running.is_polled = true;
            running.again = false;
            let mut set: FuturesUnordered<_> = running.set.take().unwrap_or_default();
            set.extend(running.added.drain(..));
            set
        };
        let guard = GiveBack(self);
        let waker = wakers::waker(wakers, bit::TASK);
        while let Poll::Ready(Some(())) = Pin::new(&mut set).poll_next(&mut Context::from_waker(&waker)) {}
        let mut running = guard.0.running();
        running.set = Some(set);
        running.is_polled = false;
        let more = running.again || !running.added.is_empty();
        drop(running);
        if more {
            wakers.wake(bit::TASK);
        }
    }

    /// Drops all tasks.
    pub(crate) fn clear(&self) {
        let dropped = {
            let mut running = self.running();
            (running.set.take(), std::mem::take(&mut running.added))
        };
        drop(dropped);
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Allows polling again, even after a panic.
struct GiveBack<'a>(&'a Tasks);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.running().is_polled = false;
    }
}
