//! The clients of a listener, and their end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use realtime_core::{connection::LinkSender, transport::CloseFrame};
use slab::Slab;

/// The clients of one listener.
#[derive(Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    /// A link for each client that is served, once it is open.
    places: Slab<Option<LinkSender>>,
    draining: bool,
    /// The close frame for all clients, once time is up.
    closing: Option<CloseFrame>,
    /// Whoever waits for a change.
    wakers: Vec<Waker>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more client. `None` if `limit` are taken.
    pub(crate) fn enter(self: &Arc<Self>, limit: usize) -> Option<Place> {
        let mut state = self.state();
        let free = state.places.len() < limit;
        free.then(|| Place { number: state.places.insert(None), gate: self.clone() })
    }

    pub(crate) fn len(&self) -> usize {
        self.state().places.len()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Takes no more clients.
    pub(crate) fn drain(&self) {
        self.change(|state| state.draining = true);
    }

    /// Closes every client, and those that open later.
    pub(crate) fn close_all(&self, frame: &CloseFrame) {
        let links = self.change(|state| {
            state.closing = Some(frame.clone());
            state.places.iter().filter_map(|(_, link)| link.clone()).collect::<Vec<_>>()
        });
        links.into_iter().for_each(|link| link.finish(frame.clone()));
    }

    /// Ready once the condition holds.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, done: impl FnOnce(usize, bool) -> bool) -> Poll<()> {
        let mut state = self.state();
        if done(state.places.len(), state.draining) {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            // Those of waits that are over are woken by the next change, and gone.
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Changes the state, then wakes whoever waits, outside the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, wakers) = {
            let mut state = self.state();
            (change(&mut state), std::mem::take(&mut state.wakers))
        };
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

/// A client's place. Dropping it frees it.
pub(crate) struct Place {
    number: usize,
    gate: Arc<Gate>,
}

impl Place {
    /// From now on, the client can be closed.
    pub(crate) fn attach(&mut self, link: LinkSender) {
        let closing = {
            let mut state = self.gate.state();
            if let Some(place) = state.places.get_mut(self.number) {
                *place = Some(link.clone());
            }
            state.closing.clone()
        };
        if let Some(frame) = closing {
            link.finish(frame);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let link = self.gate.change(|state| state.places.try_remove(self.number));
        drop(link);
    }
}
