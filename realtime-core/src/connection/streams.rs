//! What drives a connection: the streams of its events and updates, and the future that only drives.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;

use super::{
    Connection, Update,
    driver::{Shared, wait::WaitKind, wakers::Slot},
};
use crate::{error::Error, protocol::Protocol};

/// The stream of server events. An error is the last item.
impl<P: Protocol> Stream for Connection<P> {
    type Item = Result<P::ServerEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = self.slot.take();
        let event = self.poll_event(cx, &mut slot);
        self.slot = slot;
        event
    }
}

/// The stream returned by [`Connection::updates`]. Dropping it loses nothing.
#[must_use = "streams do nothing unless polled"]
pub struct Updates<'a, P: Protocol> {
    pub(super) connection: &'a Connection<P>,
    pub(super) slot: Option<Slot>,
}

impl<P: Protocol> Stream for Updates<'_, P> {
    type Item = Result<Update<P>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.connection.poll_update(cx, &mut this.slot, true)
    }
}

impl<P: Protocol> fmt::Debug for Updates<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}

/// The future returned by [`Connection::driver`].
#[must_use = "futures do nothing unless polled"]
pub struct Driver<P: Protocol> {
    pub(super) shared: Arc<Shared<P>>,
    pub(super) slot: Option<Slot>,
}

impl<P: Protocol> Future for Driver<P> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.poll(cx, &mut this.slot, WaitKind::Drive, |machine| machine.end().cloned()).map(Result::flatten)
    }
}

impl<P: Protocol> fmt::Debug for Driver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
