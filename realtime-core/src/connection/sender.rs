use std::{fmt, sync::Arc};

use super::{
    answers::Cell,
    driver::{Shared, wait::WaitKind, wakers::bit},
    machine::entry::SendError,
};
use crate::{
    error::{Error, ErrorKind, SendErrorKind},
    protocol::Protocol,
};

/// Sends from another task, another thread, or an audio callback.
///
/// Sending never waits and never blocks on the network. Events of all senders are written in the order in which they
/// were sent, while somebody drives the connection: a task that awaits [`Connection::drive`](crate::Connection::drive),
/// or any other future of it. Sending wakes them.
///
/// Clones send to the same connection. Senders do not keep it alive: after its end, they return events.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// use realtime_core::event::InputAudioBufferAppend;
///
/// let sender = connection.sender();
/// let callback = move |samples: &[u8]| {
///     if let Err(refused) = sender.append(samples) {
///         eprintln!("not sent: {refused}");
///     }
/// };
/// callback(&[0; 960]);
/// connection.sender().send(InputAudioBufferAppend::new(vec![0; 960]))?;
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct Sender<P: Protocol> {
    shared: Arc<Shared<P>>,
}

impl<P: Protocol> Sender<P> {
    pub(super) fn new(shared: &Arc<Shared<P>>) -> Self {
        Self { shared: shared.clone() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// Queues an event.
    ///
    /// # Errors
    /// Returns the event: the outbox is full, the connection has ended, or the event is too large, ends within a
    /// sample, or cannot be sent. Nothing of it was sent.
    pub fn send(&self, event: impl Into<P::ClientEvent>) -> Result<(), SendError<P>> {
        self.shared.send(event.into(), None)
    }

    /// Queues input audio, encoded directly from these bytes.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.shared.append(audio)
    }

    /// Waits until the outbox has room. Drives the connection meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection has ended, or the inbox is full: read events, then wait again.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }

    /// Returns whether the connection accepts no more events. Events received before its end may still be in the inbox.
    pub fn is_closed(&self) -> bool {
        self.shared.out().is_closed()
    }
}

impl<P: Protocol> Clone for Sender<P> {
    fn clone(&self) -> Self {
        Self::new(&self.shared)
    }
}

impl<P: Protocol> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

impl<P: Protocol> Shared<P> {
    pub(super) fn send(&self, event: P::ClientEvent, cell: Option<Arc<Cell<P>>>) -> Result<(), SendError<P>> {
        self.config.enqueue(self, event, cell, false, self.queued_at())?;
        self.wakers.wake(bit::QUEUE);
        Ok(())
    }

    pub(super) fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.config.append(self, audio, self.queued_at())?;
        self.wakers.wake(bit::QUEUE);
        Ok(())
    }

    pub(super) async fn ready(&self) -> Result<(), Error> {
        self.wait(WaitKind::Other, |machine, shared| match machine.end() {
            Some(end) => Some(end.clone().and(Err(ErrorKind::Send(SendErrorKind::Closed).into()))),
            None => shared.out().has_room().then_some(Ok(())),
        })
        .await?
    }
}
