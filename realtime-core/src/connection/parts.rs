use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    answers::{Cell, Part},
    driver::{Shared, wait::WaitKind, wakers::Slot},
    machine::entry::SendError,
    sender::Sender,
};
use crate::{error::Error, protocol::Protocol};

/// A request in flight whose answer consists of several events. Polling it drives the connection.
pub(crate) struct AnswerParts<P: Protocol> {
    shared: Arc<Shared<P>>,
    cell: Arc<Cell<P>>,
    slot: Option<Slot>,
}

impl<P: Protocol> AnswerParts<P> {
    /// Queues the request. As many bytes of its parts are kept as of unread events.
    pub(crate) fn send(sender: &Sender<P>, event: impl Into<P::ClientEvent>) -> Result<Self, SendError<P>> {
        let shared = sender.shared().clone();
        let cell = Arc::new(Cell::in_parts(shared.config.options.inbox_bytes));
        shared.send(event.into(), Some(cell.clone()))?;
        Ok(Self { shared, cell, slot: None })
    }

    pub(crate) fn sender(&self) -> Sender<P> {
        Sender::new(&self.shared)
    }

    /// The next part.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part<P>, Error>> {
        self.shared.poll(cx, &mut self.slot, WaitKind::Part, |_| self.cell.next())
    }

    /// The event that ends the answer.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<P::ServerEvent, Error>> {
        self.shared.poll(cx, &mut self.slot, WaitKind::Part, |_| self.cell.take()).map(Result::flatten)
    }

    /// Reads the event that has ended the answer, if one has. It stays there.
    pub(crate) fn look_at_end<T>(&self, look: impl FnOnce(&P::ServerEvent) -> T) -> Option<T> {
        self.cell.look(look)
    }
}
