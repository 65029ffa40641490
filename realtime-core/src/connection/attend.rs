//! The interface of a connection for the protocols: state and settings, steps under the lock, tasks that run with it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures::future::BoxFuture;

use super::{
    ack::Ack,
    driver::{Shared, tasks::Starter, wait::WaitKind, wakers::bit},
    machine::{Machine, entry::SendError, outbox::Outbox},
    notice::{Notice, Phase},
    sender::Sender,
};
use crate::{
    endpoint::Target,
    error::{Error, ErrorKind, SendErrorKind},
    protocol::{Protocol, event::EventOf},
    transport::{Instant, Timer},
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
    /// Returns the event. See [`send`](Self::send).
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
    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.shared().config.options.request_timeout
    }

    pub(crate) fn state(&self) -> Arc<P::State> {
        self.shared().state()
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared().timer.now()
    }

    pub(crate) fn settings(&self) -> &P::Settings {
        &self.shared().config.settings
    }

    /// What the connection was opened to.
    pub(crate) fn target(&self) -> &Target {
        &self.shared().config.target
    }

    /// Reads the state together with what waits to be sent.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&P::State, Waiting<'_, P>) -> R) -> R {
        let core = self.shared().core();
        let out = self.shared().out();
        look(core.machine.state(), Waiting { out: &out, held: core.machine.held() })
    }

    /// Changes the state, and sends what it wants to be sent.
    pub(crate) fn with_state<R>(&self, change: impl FnOnce(&mut P::State, Instant) -> R) -> R {
        self.shared().with_state(change)
    }

    /// Returns whether the session is open, so that events are written soon.
    pub(crate) fn is_open(&self) -> bool {
        self.shared().core().machine.phase() == Phase::Open
    }

    /// An id that is unique in the connection.
    pub(crate) fn fresh_id(&self, prefix: &str) -> Id {
        self.shared().config.ids.fresh(prefix)
    }

    /// Adds a notice to the updates.
    pub(crate) fn notify(&self, notice: P::Notice) {
        self.shared().core().machine.inbox.push_notice(Notice::Protocol(notice));
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
        self.shared().attend(change, starter, false);
    }

    /// Like [`attend`](Self::attend), but in place of all starters so far.
    pub(crate) fn attend_instead(&self, change: impl FnOnce(&mut P::State), starter: Starter<P>) {
        self.shared().attend(change, starter, true);
    }

    /// Takes one step for work that is done: nothing else happens to the connection meanwhile.
    pub(crate) fn step<R>(&self, take: impl FnOnce(&mut Step<'_, P>) -> R) -> R {
        let shared = &**self.shared();
        shared.act(|machine, now| {
            let mut step = Step { machine, shared, now, is_ready: false };
            let result = take(&mut step);
            (result, step.is_ready)
        })
    }

    /// Sends the answer to a request of the session, reports it to the state, and sends what follows from it. Does
    /// nothing if another session has replaced the one that asked.
    pub(crate) fn reply(
        &self,
        generation: u32,
        event: impl Into<P::ClientEvent>,
        settle: impl FnOnce(&mut P::State, bool),
    ) -> Result<(), SendErrorKind> {
        self.step(|step| {
            if !step.is_of(generation) {
                return Ok(());
            }
            let sent = step.send(event.into());
            step.change(|state| settle(state, sent.is_ok()));
            sent
        })
    }

    /// Reports to the state that requested work is done, and sends what follows from it. Does nothing if another
    /// session has replaced the one that asked.
    pub(crate) fn change(&self, generation: u32, change: impl FnOnce(&mut P::State)) {
        self.step(|step| {
            if step.is_of(generation) {
                step.change(change);
            }
        });
    }

    /// Runs a function call within its span.
    pub(crate) fn trace_call<F: Future>(
        &self,
        name: &str,
        call: Option<&Id>,
        run: F,
    ) -> impl Future<Output = F::Output> + use<F, P> {
        self.shared().observer.tool(name, call, run)
    }
}

/// What waits to be sent.
pub(crate) struct Waiting<'a, P: Protocol> {
    out: &'a Outbox<P>,
    held: usize,
}

impl<P: Protocol> Waiting<'_, P> {
    /// Bytes of audio queued behind the last commit or clear.
    pub(crate) fn audio(&self) -> usize {
        self.out.audio()
    }

    /// Number of [scheduled](Protocol::is_scheduled) events.
    pub(crate) fn scheduled(&self) -> usize {
        self.held + self.out.scheduled()
    }
}

/// One step of a connection, under its lock. See [`Sender::step`].
pub(crate) struct Step<'a, P: Protocol> {
    machine: &'a mut Machine<P>,
    shared: &'a Shared<P>,
    now: Instant,
    /// Whether the step left something to do for whoever drives.
    is_ready: bool,
}

impl<P: Protocol> Step<'_, P> {
    /// Returns whether the session is still the one with this number.
    pub(crate) fn is_of(&self, generation: u32) -> bool {
        self.machine.generation() == generation
    }

    /// Returns whether an event prepared for the session with this number is still of use.
    pub(crate) fn is_current(&self, generation: u32, event: &P::ClientEvent) -> bool {
        self.machine.is_current(generation, event)
    }

    /// Queues an event. There is always room.
    pub(crate) fn send(&mut self, event: P::ClientEvent) -> Result<(), SendErrorKind> {
        let sent = self.machine.react(self.shared, event, self.now);
        self.machine.on_queued();
        self.is_ready = true;
        sent.map_err(|refused| refused.kind())
    }

    /// Queues an event of the application, if there is room.
    pub(crate) fn offer(&mut self, event: P::ClientEvent) -> Result<(), SendErrorKind> {
        let queued = self.shared.queued_at();
        let sent = self.shared.config.enqueue(self.shared, event, None, false, queued);
        self.machine.on_queued();
        self.is_ready = true;
        sent.map_err(|refused| refused.kind())
    }

    /// Changes the state, and queues what it wants to be sent.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut P::State) -> R) -> R {
        let (result, ready) = self.machine.with_state(self.shared, self.now, change);
        self.is_ready |= ready;
        result
    }

    /// Adds a notice to the updates.
    pub(crate) fn notify(&mut self, notice: P::Notice) {
        self.machine.inbox.push_notice(Notice::Protocol(notice));
        self.is_ready = true;
    }
}
