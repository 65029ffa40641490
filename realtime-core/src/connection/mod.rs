//! A live connection: polled, not spawned.
//!
//! # Whoever waits, drives
//! Nothing here starts a task. Every future of a connection moves it while it waits: it reads, writes, answers
//! deadlines, and hands what is not its own to others. Several may wait at once, in one task or in many; which of them
//! happens to drive makes no difference, and one that is dropped half way or never polled again stops nobody. If
//! nobody waits, nothing moves: give [`Connection::driver`] to a task if the application pauses.
//!
//! # Delivery
//! An event that was given to [`Sender::send`] or to a resource is always in exactly one of these states:
//!
//! | state | what it means |
//! |---|---|
//! | *rejected* | never queued: full, closed, invalid. The error gives it back. |
//! | *queued* | not attempted. At the end [`Connection::close`] gives it back. |
//! | *written*, or being written | in flight. If the link ends before the answer, its [`Ack`] is [`Ambiguous`](crate::ErrorKind::Ambiguous): the server may have taken it. It is never sent again by this crate. |
//! | *acknowledged* | the server granted or refused it. |
//! | *given up* | no answer came in time: [`Unanswered`](crate::ErrorKind::Unanswered). What comes later still changes the state. |
//!
//! # Deadlines
//! Every wait on the server ends, by an answer, by the end of the connection or by one of these deadlines. All of them
//! run on the transport's [`Timer`], and only while somebody drives: after a pause, what has
//! arrived meanwhile is read before anything is given up.
//!
//! | what is waited for | option | default | error | what it ends |
//! |---|---|---|---|---|
//! | dialling, TLS and the upgrade | [`connect_timeout`](Options::connect_timeout) | 15 s | [`Deadline::Connect`] | the link |
//! | the event that opens the session | [`opening_timeout`](Options::opening_timeout) | 15 s | [`Awaited::Opening`](crate::Awaited::Opening), with what came instead | the link |
//! | a sign of life of a silent link | [`keepalive`](Options::keepalive) | 15 s and 10 s | [`Deadline::Keepalive`] | the link |
//! | the writing of one message | [`write_timeout`](Options::write_timeout) | 30 s | [`Deadline::Write`] | the link |
//! | the answer to an event; of `response.create`, the beginning of the response | [`request_timeout`](Options::request_timeout) | 30 s | [`Awaited::Event`](crate::Awaited::Event) | the request |
//! | more of a response, after an error that names no event | [`response_error_timeout`](Options::response_error_timeout) | 30 s | the response has failed, with the server's words | the response |
//! | more of a response | [`response_idle_timeout`](Options::response_idle_timeout) | 120 s | [`Awaited::Response`](crate::Awaited::Response) | the response |
//! | the protocol's own ending | [`finish_timeout`](Options::finish_timeout) | 30 s | [`Deadline::Finish`] | the connection |
//! | the closing handshake | [`close_timeout`](Options::close_timeout) | 5 s | none: it is closed | the connection |
//!
//! A link that has ended by a deadline is opened again where there is a [`Reconnect`] policy. The deadline of a request
//! rests while a response is active. What nobody awaits any more is told by [`Notice::Failed`] and [`Notice::Ended`]
//! among the [`updates`](Connection::updates).
//!
//! An error of the server that names no event of ours is taken for the refusal of the only request that is unanswered,
//! if there is just one; for `response.create` only if no response begins within a second. Otherwise it is counted
//! against the responses in progress, and told with the timeout that it may explain.
//!
//! # The end
//! An error is always the last item of the stream, and tells why. A connection that was closed from this side, or by
//! the server with code 1000 while nothing was unanswered, ends without one. What still waits is told the same reason, as
//! the [`source`](std::error::Error::source) of its own error. Dropping a connection closes its socket without a handshake; `finish`
//! and `close` do better, and `run` calls one of them always.
//!
//! What arrives together is read together, so the state, the phase and whether something can still be sent may be ahead
//! of the event in hand: after the server has closed, sending fails while its last events are still being handed over.
//! The stream goes on to its end and tells why.

mod ack;
mod answers;
mod attend;
mod driver;
mod handlers;
mod ids;
mod machine;
mod notice;
mod options;
mod player;
mod resources;
mod response;
mod retry;
mod sender;
mod told;
mod trace;

use std::{
    fmt,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::{
    Stream,
    future::{self, Either},
    ready,
};

pub use self::{
    ack::Ack,
    handlers::HandlerId,
    machine::entry::SendError,
    notice::{Notice, Phase, Reconnected, Update},
    options::{AudioPolicy, Keepalive, Options, Overlap, Unread},
    player::Player,
    resources::*,
    response::ResponseHandle,
    retry::{Attempt, Decision, Reconnect},
    sender::Sender,
};
pub(crate) use self::{
    attend::WeakSender,
    driver::{Dial, Dialer},
    ids::Ids,
    machine::{Again, config::Config},
};
use self::{
    driver::{Shared, wait::WaitKind, wakers::Slot},
    handlers::Handlers,
    machine::inbox::Arrival,
};
pub use crate::error::SendErrorKind;
use crate::{
    error::{Deadline, Error, ErrorKind},
    event::EventOf,
    protocol::Protocol,
    transport::{CloseFrame, Text, Timer},
};

/// A connection to the service, live from the moment it is made.
///
/// It is a stream of the server's events, and sends through resources named like the wire's:
/// `connection.response().create(..)`. It can be shared by reference or in an [`Arc`]: no method needs `&mut`.
///
/// See the [module](self) for who drives it, what is delivered, and how it ends.
pub struct Connection<P: Protocol> {
    shared: Arc<Shared<P>>,
    slot: Option<Slot>,
    handlers: Mutex<Handlers<P>>,
}

impl<P: Protocol> Connection<P> {
    pub(crate) fn new(timer: Arc<dyn Timer>, config: Config<P>, dialer: Dialer) -> Self {
        Self { shared: Arc::new(Shared::new(timer, config, dialer)), slot: None, handlers: Mutex::default() }
    }

    /// Waits for the server's next event. None after the end.
    ///
    /// # Cancel safety
    /// No event is lost when it is dropped.
    ///
    /// # Errors
    /// Why the connection ended: the last item, followed by none.
    pub async fn next(&self) -> Option<Result<P::ServerEvent, Error>> {
        let mut slot = None;
        future::poll_fn(|cx| self.poll_event(cx, &mut slot)).await
    }

    /// The server's events, with this side's notices in their places among them.
    pub fn updates(&self) -> Updates<'_, P> {
        Updates { connection: self, slot: None }
    }

    /// Waits until everything sent so far has been written. Events that arrive meanwhile are kept.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    ///
    /// # Errors
    /// The connection ended first, or events wait to be read and there is no room for more: read them, then flush
    /// again.
    pub async fn flush(&self) -> Result<(), Error> {
        let last = self.shared.out().pushed();
        self.shared
            .wait(WaitKind::Other, move |machine, shared| match machine.end() {
                _ if !machine.is_unwritten(last, &shared.out()) => Some(Ok(())),
                Some(end) => Some(end.clone().and(Err(ErrorKind::Unsent.into()))),
                None => None,
            })
            .await?
    }

    /// Waits until the queue has room again.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    ///
    /// # Errors
    /// The connection ended, or events wait to be read and there is no room for more.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }

    /// Only drives, until the end. Events wait for whoever reads them; without room for more, reading pauses.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    ///
    /// # Errors
    /// Why the connection ended.
    pub async fn drive(&self) -> Result<(), Error> {
        self.driver().await
    }

    /// [`drive`](Self::drive) for a task of its own: so that a pause of the application never stops writes, pings
    /// and deadlines. It does not keep the connection alive.
    pub fn driver(&self) -> Driver<P> {
        Driver { shared: self.shared.clone(), slot: None }
    }

    /// Calls every handler with every event until the end: for applications that only use [`on`](Self::on).
    ///
    /// # Cancel safety
    /// No event is lost when it is dropped.
    ///
    /// # Errors
    /// Why the connection ended.
    pub async fn dispatch(&self) -> Result<(), Error> {
        while let Some(event) = self.next().await {
            event?;
        }
        Ok(())
    }

    /// Queues an event.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`] does.
    pub fn send(&self, event: impl Into<P::ClientEvent>) -> Result<(), SendError<P>> {
        self.shared.send(event.into(), None)
    }

    /// Queues audio for the input buffer: encoded once, straight from these bytes.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::append`] does.
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.shared.append(audio)
    }

    /// Queues an event that the server answers with an `E`. Drop the [`Ack`], or await the answer.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`] does.
    pub fn request<E: EventOf<P::ServerEvent>>(
        &self,
        event: impl Into<P::ClientEvent>,
    ) -> Result<Ack<P, E>, SendError<P>> {
        Ack::send(&self.shared, event)
    }

    /// A handle to send from anywhere.
    pub fn sender(&self) -> Sender<P> {
        Sender::new(&self.shared)
    }

    /// Calls a function with every event `E` that is handed out: by [`next`](Self::next), as a stream, by
    /// [`updates`](Self::updates) or [`dispatch`](Self::dispatch). It runs there, before the event is returned.
    pub fn on<E: EventOf<P::ServerEvent>>(&self, handler: impl Fn(&E) + Send + Sync + 'static) -> HandlerId {
        handlers::lock(&self.handlers).on(false, handler)
    }

    /// As [`on`](Self::on), for the first such event only.
    pub fn once<E: EventOf<P::ServerEvent>>(&self, handler: impl Fn(&E) + Send + Sync + 'static) -> HandlerId {
        handlers::lock(&self.handlers).on(true, handler)
    }

    /// Removes a handler. Whether it was still there.
    pub fn off(&self, handler: HandlerId) -> bool {
        handlers::lock(&self.handlers).off(handler)
    }

    /// Calls a function with every event that is handed out and the text that it came as, so that members which this
    /// crate does not know are not lost. Set it before the first event is read: it is not called with events that had
    /// arrived before, also those that were read ahead, for their text is gone.
    ///
    /// While there is a tap, events that wait to be read keep their text.
    pub fn tap(&self, tap: impl Fn(&P::ServerEvent, &Text) + Send + Sync + 'static) -> HandlerId {
        self.shared.core().machine.inbox.tapped = true;
        handlers::lock(&self.handlers).tap(tap)
    }

    /// What is known of the session, as of the last event that was read from the link. Events that arrive together are
    /// read together, so it may be ahead of the one that [`next`](Self::next) gave last.
    pub fn state(&self) -> Arc<P::State> {
        self.shared.state()
    }

    /// Where the connection is in its life, as of the last event that was read from the link.
    pub fn phase(&self) -> Phase {
        self.shared.core().machine.phase()
    }

    /// Writes what is queued, ends the session as its protocol does, and closes with code 1000. It takes no longer than
    /// [`Options::finish_timeout`] and [`Options::close_timeout`] together.
    ///
    /// Events that arrive meanwhile, and those that the ending brings, can be read afterwards.
    ///
    /// # Cancel safety
    /// It can be called again, and goes on where it was.
    ///
    /// # Errors
    /// The connection ended with an error before all that was done; it took too long, and was closed as it was; or
    /// events wait to be read and there is no room for more: read them, then finish again.
    pub async fn finish(&self) -> Result<(), Error> {
        let timer = &self.shared.timer;
        let until = timer.sleep_until(timer.now() + self.shared.config.options.finish_timeout);
        let written = match future::select(pin!(self.write_out()), until).await {
            Either::Left((Err(error), _)) => return Err(error),
            Either::Left((Ok(()), _)) => Ok(()),
            Either::Right(_) => Err(ErrorKind::Timeout(Deadline::Finish).into()),
        };
        self.close(CloseFrame::new(1000, "")).await;
        written.and(self.shared.core().machine.end().cloned().unwrap_or(Ok(())))
    }

    /// [`finish`](Self::finish) for a connection that nobody reads any more. It is closed in any case.
    pub(crate) async fn finish_unread(&self) -> Result<(), Error> {
        let unpark = self.shared.core().machine.inbox.abandon();
        drop(unpark);
        let finished = self.finish().await;
        self.close(CloseFrame::new(1000, "")).await;
        finished
    }

    /// Writes what is queued, and ends the session as its protocol does.
    async fn write_out(&self) -> Result<(), Error> {
        if let Some(ending) = P::closing() {
            self.shared.ready().await?;
            self.shared.begin_finish(ending);
        }
        self.flush().await?;
        if P::closing().is_some() {
            self.shared
                .wait(WaitKind::Other, |machine, _| (machine.is_over() || machine.end().is_some()).then_some(()))
                .await?;
        }
        Ok(())
    }

    /// Closes now: what is being written is written, then the close frame goes out, ahead of all that is queued.
    ///
    /// It takes no longer than [`Options::close_timeout`], whatever the peer does, and wakes everything that waits.
    /// Returns the events that were not sent, in order; after the end it still does, once.
    ///
    /// # Cancel safety
    /// It can be called again. The first call's frame stands.
    pub async fn close(&self, frame: CloseFrame) -> Vec<P::ClientEvent> {
        self.shared.begin_close(frame);
        // Waiting as a driver cannot fail: a full inbox only pauses reading, and the deadline ends that.
        let _ = self.shared.wait(WaitKind::Drive, |machine, _| machine.end().is_some().then_some(())).await;
        self.shared.take_unsent()
    }

    /// Waits until the connection has come as far as this phase.
    pub(crate) async fn reached(&self, phase: Phase) -> Result<(), Error> {
        self.shared
            .wait(WaitKind::Drive, move |machine, _| match machine.end() {
                Some(end) => Some(end.clone().and(Err(ErrorKind::Closed(None).into()))),
                None => (machine.phase() == Phase::Open || machine.phase() == phase).then_some(Ok(())),
            })
            .await?
    }

    fn poll_update(
        &self,
        cx: &mut Context<'_>,
        slot: &mut Option<Slot>,
        notices: bool,
    ) -> Poll<Option<Result<Update<P>, Error>>> {
        let arrival = match self.shared.read_ahead(notices) {
            Some(arrival) => arrival,
            None => {
                match ready!(self.shared.poll(cx, slot, WaitKind::Next, |machine| machine.next(notices))).transpose() {
                    Some(arrival) => arrival.flatten()?,
                    None => return Poll::Ready(None),
                }
            }
        };
        let Arrival { update, raw, .. } = arrival;
        if let Update::Event(event) = &update {
            handlers::dispatch(&self.handlers, event, raw.as_deref());
        }
        Poll::Ready(Some(Ok(update)))
    }

    fn poll_event(&self, cx: &mut Context<'_>, slot: &mut Option<Slot>) -> Poll<Option<Result<P::ServerEvent, Error>>> {
        loop {
            match ready!(self.poll_update(cx, slot, false)) {
                Some(Ok(Update::Event(event))) => return Poll::Ready(Some(Ok(event))),
                // Not given to those who read events alone.
                Some(Ok(Update::Notice(_))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// The server's events. An error is the last item.
impl<P: Protocol> Stream for Connection<P> {
    type Item = Result<P::ServerEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = self.slot.take();
        let event = self.poll_event(cx, &mut slot);
        self.slot = slot;
        event
    }
}

/// Closes the socket, without a handshake. Everything that waits is told.
impl<P: Protocol> Drop for Connection<P> {
    fn drop(&mut self) {
        self.shared.end(Ok(()));
    }
}

impl<P: Protocol> fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("phase", &self.phase()).finish_non_exhaustive()
    }
}

/// The stream of [`Connection::updates`]. Dropping it loses nothing.
#[must_use = "streams do nothing unless polled"]
pub struct Updates<'a, P: Protocol> {
    connection: &'a Connection<P>,
    slot: Option<Slot>,
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

/// The future of [`Connection::driver`].
#[must_use = "futures do nothing unless polled"]
pub struct Driver<P: Protocol> {
    shared: Arc<Shared<P>>,
    slot: Option<Slot>,
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
