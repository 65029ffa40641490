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
    machine::inbox::Inbox,
};
use crate::{error::Error, protocol::Protocol};

type Polled<T> = Poll<Option<Result<T, Error>>>;

// What was read ahead comes before a turn, which costs more.
impl<P: Protocol> Connection<P> {
    fn poll_update(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>) -> Polled<Update<P>> {
        let mut raw = None;
        let mut update = self.shared.read_ahead(|inbox| inbox.pop(&mut raw));
        if update.is_none() {
            let turn = self.poll_turn(cx, slot, &mut update, |inbox| inbox.pop(&mut raw));
            if let Some(error) = ready!(turn) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        if let Some(Update::Event(event)) = &update {
            self.handlers.dispatch(event, raw.as_deref());
        }
        Poll::Ready(update.map(Ok))
    }

    /// Notices are not delivered to applications that only read events.
    pub(super) fn poll_event(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>) -> Polled<P::ServerEvent> {
        let mut raw = None;
        let mut event = self.shared.read_ahead(|inbox| inbox.pop_event(&mut raw));
        if event.is_none() {
            let turn = self.poll_turn(cx, slot, &mut event, |inbox| inbox.pop_event(&mut raw));
            if let Some(error) = ready!(turn) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        if let Some(event) = &event {
            self.handlers.dispatch(event, raw.as_deref());
        }
        match event {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None => Poll::Ready(None),
        }
    }

    /// Takes what a turn brings. Returns the error at the end, once.
    fn poll_turn<T>(
        &self,
        cx: &mut Context<'_>,
        slot: &mut Option<Slot>,
        taken: &mut Option<T>,
        mut take: impl FnMut(&mut Inbox<P>) -> Option<T>,
    ) -> Poll<Option<Error>> {
        let turn = self.shared.poll(cx, slot, WaitKind::Next, |machine| machine.next(taken, &mut take));
        turn.map(|end| end.unwrap_or_else(Some))
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
        this.connection.poll_update(cx, &mut this.slot)
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
