//! What drives a connection: the streams of its events and updates, and the future that only drives.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{
    Connection, Update,
    driver::{Shared, wait::WaitKind, wakers::Slot},
    machine::inbox::Arrival,
};
use crate::{error::Error, protocol::Protocol, transport::Text};

type Polled<T> = Poll<Option<Result<T, Error>>>;

impl<P: Protocol> Connection<P> {
    // What was read ahead comes before a turn, and each in a branch of its own, because every move of an event costs time.
    #[inline]
    fn poll_update(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>, notices: bool) -> Polled<Update<P>> {
        if let Some(Arrival { update, raw, .. }) = self.shared.read_ahead(notices) {
            return self.deliver(update, raw);
        }
        self.poll_turn(cx, slot, notices)
    }

    pub(super) fn poll_event(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>) -> Polled<P::ServerEvent> {
        // Only events are asked for.
        if let Some(Arrival { update: Update::Event(event), raw, .. }) = self.shared.read_ahead(false) {
            self.handlers.dispatch(&event, raw.as_deref());
            return Poll::Ready(Some(Ok(event)));
        }
        loop {
            match ready!(self.poll_turn(cx, slot, false)) {
                Some(Ok(Update::Event(event))) => return Poll::Ready(Some(Ok(event))),
                // Not delivered to applications that only read events.
                Some(Ok(Update::Notice(_))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    #[inline]
    fn poll_turn(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>, notices: bool) -> Polled<Update<P>> {
        match ready!(self.shared.poll(cx, slot, WaitKind::Next, |machine| machine.next(notices))) {
            Ok(Some(Ok(Arrival { update, raw, .. }))) => self.deliver(update, raw),
            Ok(Some(Err(error))) | Err(error) => Poll::Ready(Some(Err(error))),
            Ok(None) => Poll::Ready(None),
        }
    }

    /// Calls the handlers with an event before it is returned.
    #[inline]
    fn deliver(&self, update: Update<P>, raw: Option<Box<Text>>) -> Polled<Update<P>> {
        if let Update::Event(event) = &update {
            self.handlers.dispatch(event, raw.as_deref());
        }
        Poll::Ready(Some(Ok(update)))
    }
}

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
