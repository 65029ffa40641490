//! The futures of a connection: each drives while it waits.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{super::machine::Machine, Shared, wakers::Slot};
use crate::{error::Error, protocol::Protocol};

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitKind {
    /// The next event. Events that arrived with it are read ahead, and kept for the next calls.
    Next,
    /// Anything else. Events that arrive meanwhile are kept in the inbox, as long as there is room.
    Other,
    /// A part of a response, likewise. If nobody reads the inbox, its oldest events make room.
    Part,
    /// Nothing: it only drives. Without room in the inbox, reading pauses.
    Drive,
}

impl<P: Protocol> Shared<P> {
    /// Drives until `done` returns a value.
    pub(crate) fn wait<'a, R, F>(&'a self, kind: WaitKind, done: F) -> Wait<'a, P, F>
    where
        F: FnMut(&mut Machine<P>, &Self) -> Option<R> + Unpin,
    {
        Wait { shared: self, slot: None, kind, done }
    }
}

pub(crate) struct Wait<'a, P: Protocol, F> {
    shared: &'a Shared<P>,
    slot: Option<Slot>,
    kind: WaitKind,
    done: F,
}

impl<P: Protocol, R, F> Future for Wait<'_, P, F>
where
    F: FnMut(&mut Machine<P>, &Shared<P>) -> Option<R> + Unpin,
{
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.poll(cx, &mut this.slot, this.kind, |machine| (this.done)(machine, this.shared))
    }
}
