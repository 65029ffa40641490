//! Work of the application that runs with a connection: handlers of the session's requests, and this crate's own tasks.

use std::sync::{Arc, Weak};

use futures::future::BoxFuture;

use super::{
    ack::Ack,
    driver::{Shared, tasks::Starter, wait::WaitKind, wakers::bit},
    machine::entry::SendError,
    notice::{Notice, Phase},
    sender::Sender,
};
use crate::{
    error::{Error, ErrorKind, SendErrorKind},
    event::EventOf,
    protocol::Protocol,
    transport::Timer,
    wire::Id,
};

/// A [`Sender`] that does not keep the connection's memory alive, for objects held by the connection itself.
pub(crate) struct WeakSender<P: Protocol>(Weak<Shared<P>>);

impl<P: Protocol> Clone for WeakSender<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Protocol> WeakSender<P> {
    /// The sender, while the connection exists.
    pub(crate) fn upgrade(&self) -> Option<Sender<P>> {
        self.0.upgrade().map(|shared| Sender::new(&shared))
    }
}

impl<P: Protocol> Sender<P> {
    /// Queues an event that the server answers with an `E`. Await the [`Ack`], or drop it.
    ///
    /// # Errors
    /// Gives the event back, as [`send`](Self::send) does.
    pub fn request<E: EventOf<P::ServerEvent>>(
        &self,
        event: impl Into<P::ClientEvent>,
    ) -> Result<Ack<P, E>, SendError<P>> {
        Ack::send(self.shared(), event)
    }

    pub(crate) fn downgrade(&self) -> WeakSender<P> {
        WeakSender(Arc::downgrade(self.shared()))
    }

    pub(crate) fn timer(&self) -> Arc<dyn Timer> {
        self.shared().timer.clone()
    }

    /// Timeout for answers to requests.
    pub(crate) fn request_timeout(&self) -> Option<std::time::Duration> {
        self.shared().config.options.request_timeout
    }

    pub(crate) fn state(&self) -> Arc<P::State> {
        self.shared().state()
    }

    /// Whether the session is open, so that events are written soon.
    pub(crate) fn is_open(&self) -> bool {
        self.shared().core().machine.phase() == Phase::Open
    }

    /// An id that is unique in the connection.
    pub(crate) fn fresh_id(&self) -> Id {
        self.shared().config.ids.fresh("evt")
    }

    /// Adds a notice to the updates.
    pub(crate) fn notify(&self, notice: Notice<P>) {
        self.shared().core().machine.inbox.push_notice(notice);
        self.shared().wakers.wake(bit::QUEUE);
    }

    /// Drives the connection until the state or its end yields a value.
    ///
    /// # Errors
    /// The connection ended first, or the inbox is full.
    pub(crate) async fn until<R>(&self, mut done: impl FnMut(&P::State) -> Option<R> + Unpin) -> Result<R, Error> {
        self.shared()
            .wait(WaitKind::Other, move |machine, _| match done(machine.state()) {
                Some(answer) => Some(Ok(answer)),
                None => machine.end().cloned().map(|end| end.and(Err(ErrorKind::Closed(None).into()))),
            })
            .await?
    }

    /// Runs a task while somebody drives the connection. Dropped with the connection's end.
    pub(crate) fn run(&self, task: BoxFuture<'static, ()>) {
        self.shared().tasks.add(vec![task]);
        self.shared().wakers.wake(bit::TASK);
    }

    /// Changes the state, and from now on also creates tasks for its work with this starter.
    pub(crate) fn attend(&self, change: impl FnOnce(&mut P::State), starter: Starter<P>) {
        self.shared().attend(change, starter);
    }

    /// Sends the answer to a request of the session, reports it to the state, and sends what follows from it. Does
    /// nothing if another session has replaced the one that asked.
    pub(crate) fn reply(
        &self,
        generation: u32,
        event: impl Into<P::ClientEvent>,
        settle: impl FnOnce(&mut P::State, bool),
    ) -> Result<(), SendErrorKind> {
        let shared = self.shared();
        shared.act(|machine, now| {
            if machine.generation() != generation {
                return (Ok(()), false);
            }
            let sent = machine.react(&**shared, event.into(), now).map_err(|refused| refused.kind());
            machine.with_state(&**shared, now, |state| settle(state, sent.is_ok()));
            machine.on_queued();
            (sent, true)
        })
    }

    /// Reports to the state that requested work is done, and sends what follows from it. Does nothing if another
    /// session has replaced the one that asked.
    pub(crate) fn change(&self, generation: u32, change: impl FnOnce(&mut P::State)) {
        let shared = self.shared();
        shared.act(|machine, now| {
            let current = machine.generation() == generation;
            if current { machine.with_state(&**shared, now, change) } else { ((), false) }
        });
    }

    /// Runs a function call within its span.
    pub(crate) fn trace_call<F: Future>(
        &self,
        name: &str,
        call: &Id,
        run: F,
    ) -> impl Future<Output = F::Output> + use<F, P> {
        self.shared().tracer.tool(name, Some(call), run)
    }
}
