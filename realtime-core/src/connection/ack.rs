use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    answers::Cell,
    driver::{Shared, wait::WaitKind, wakers::Slot},
    machine::entry::SendError,
};
use crate::{
    error::Error,
    protocol::{Protocol, event::EventOf},
};

/// A request in flight, and the server's answer to it.
///
/// The request is sent whether or not this is awaited; it can be dropped. Awaiting it drives the connection until the
/// server grants the request with the event `E`, or refuses it.
///
/// # Cancel safety
/// Awaiting `&mut ack` and dropping that future loses nothing; it can be awaited again.
///
/// # Errors
/// - [`ErrorKind::Request`](crate::ErrorKind::Request): the server refused the request with this error.
/// - [`ErrorKind::Unanswered`](crate::ErrorKind::Unanswered): there was no answer within
///   [`Options::request_timeout`](crate::Options::request_timeout).
/// - [`ErrorKind::Unsent`](crate::ErrorKind::Unsent): the connection ended before the request was sent;
///   [`Connection::close`](crate::Connection::close) returns it.
/// - [`ErrorKind::Ambiguous`](crate::ErrorKind::Ambiguous): the connection ended after the request was sent and before it was answered.
/// - [`ErrorKind::UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer): the request was granted by another event than `E`.
/// - [`ErrorKind::InboxFull`](crate::ErrorKind::InboxFull): the inbox is full. Read events, then await this again.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// use realtime_core::types::{Item, RealtimeSessionConfig};
///
/// // Awaited: the session has these instructions from here on.
/// connection.session().update(RealtimeSessionConfig::default().instructions("Be brief."))?.await?;
/// // Dropped: the item is sent all the same.
/// drop(connection.conversation().item().create(Item::user("Good morning!"))?);
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct Ack<P: Protocol, E> {
    shared: Arc<Shared<P>>,
    cell: Arc<Cell<P>>,
    slot: Option<Slot>,
    event: PhantomData<fn() -> E>,
}

impl<P: Protocol, E> Ack<P, E> {
    pub(super) fn send(shared: &Arc<Shared<P>>, event: impl Into<P::ClientEvent>) -> Result<Self, SendError<P>> {
        let cell = Arc::new(Cell::new());
        shared.send(event.into(), Some(Arc::clone(&cell)))?;
        Ok(Self { shared: shared.clone(), cell, slot: None, event: PhantomData })
    }
}

impl<P: Protocol, E: EventOf<P::ServerEvent>> Future for Ack<P, E> {
    type Output = Result<E, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = this.shared.poll(cx, &mut this.slot, WaitKind::Other, |_| this.cell.take());
        answer.map(|answer| Error::expect(answer??))
    }
}

impl<P: Protocol, E: EventOf<P::ServerEvent>> fmt::Debug for Ack<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("event", &E::KIND).finish_non_exhaustive()
    }
}
