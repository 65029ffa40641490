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

/// Sends from anywhere: another task, another thread, an audio callback.
///
/// It never waits and never blocks on the network. Events leave in the order in which they were sent, by all senders
/// together, once somebody drives the connection: a task that awaits [`Connection::drive`](crate::Connection::drive),
/// or whoever waits for anything else of it. Sending wakes them.
///
/// A clone sends to the same connection. Senders do not keep it alive: after its end they give events back.
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
    /// Gives the event back: the queue is full, the connection has ended, the event is too large, holds half a sample,
    /// or is none that can be sent. Nothing of it was sent.
    pub fn send(&self, event: impl Into<P::ClientEvent>) -> Result<(), SendError<P>> {
        self.shared.send(event.into(), None)
    }

    /// Queues audio for the input buffer: encoded once, straight from these bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.shared.append(audio)
    }

    /// Waits until the queue has room again. Drives the connection meanwhile.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    ///
    /// # Errors
    /// The connection has ended, or events wait to be read and there is no room for more: read them, then wait again.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }

    /// Whether the connection takes no more events. Events that arrived before its end may still wait to be read.
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
