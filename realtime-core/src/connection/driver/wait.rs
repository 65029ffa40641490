//! The futures of a connection: each drives while it waits.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{super::machine::Machine, Shared, wakers::Slot};
use crate::{error::Error, protocol::Protocol};

/// Why somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitKind {
    /// For the next event. What has arrived with it is read ahead, and waits for the calls that follow.
    Next,
    /// For something else. Events that arrive meanwhile are put aside, as long as there is room.
    Other,
    /// For what comes of a response, likewise. Where nobody reads the events that are put aside, the oldest make room.
    Part,
    /// For nothing: only to drive. Without room, reading pauses.
    Drive,
}

impl<P: Protocol> Shared<P> {
    /// Drives until `done` has an answer.
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
