//! The futures of a connection: each drives while it waits.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    core::Core,
    driver::{Kind, Shared},
    hub::Slot,
};
use crate::{error::Error, protocol::Protocol};

impl<P: Protocol> Shared<P> {
    /// Drives until `done` has an answer.
    pub(super) fn wait<'a, R, F>(&'a self, kind: Kind, done: F) -> Wait<'a, P, F>
    where
        F: FnMut(&mut Core<P>, &Self) -> Option<R> + Unpin,
    {
        Wait { shared: self, slot: None, kind, done }
    }
}

pub(super) struct Wait<'a, P: Protocol, F> {
    shared: &'a Shared<P>,
    slot: Option<Slot>,
    kind: Kind,
    done: F,
}

impl<P: Protocol, R, F> Future for Wait<'_, P, F>
where
    F: FnMut(&mut Core<P>, &Shared<P>) -> Option<R> + Unpin,
{
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.poll(cx, &mut this.slot, this.kind, |core| (this.done)(core, this.shared))
    }
}
