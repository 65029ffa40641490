//! One open link by itself, driven by whoever polls it.

use std::{
    error, fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{Stream, task::AtomicWaker};

use super::{
    super::{
        link_options::LinkOptions,
        machine::{
            LinkInfo,
            peer::{PeerMachine, PeerQueue},
        },
    },
    alarm::Alarm,
    socket::Pumps,
    wakers::{Slot, Wakers},
};
use crate::{
    error::{Error, SendErrorKind},
    transport::{CloseFrame, Duplex, Instant, Message, Timer},
};

/// Maximum number of control messages read in one turn, so that other tasks get to run.
const MESSAGES_A_TURN: usize = 32;

/// One open link without a session: messages in and out, a bounded outbox, keepalive, limits, timeouts, and the close
/// handshake. The server's end of a connection is made of it, and so is each side of a relay.
///
/// It is a stream of the peer's text and binary messages. Its last item is an error unless the link was closed by this
/// side, or by the peer with code 1000. Pings and close frames are handled here.
///
/// # Driving
/// Nothing is spawned. Polling it reads, writes, keeps deadlines, and sends what its [`sender`](Self::sender)s have queued.
/// If nothing polls it, nothing progresses.
///
/// # Example
/// ```
/// use futures::StreamExt;
/// use realtime_core::{connection::{LinkOptions, OpenLink}, transport::{CloseFrame, Duplex, Message, Timer}};
///
/// /// Sends every message back.
/// async fn echo(duplex: Duplex, timer: std::sync::Arc<dyn Timer>) -> Result<(), realtime_core::Error> {
///     let mut link = OpenLink::new(duplex, timer, LinkOptions::default());
///     while let Some(message) = link.next().await {
///         if link.send(message?).is_err() {
///             break; // The peer does not read, or has closed.
///         }
///     }
///     link.finish(CloseFrame::new(1000, ""));
///     link.closed().await
/// }
/// ```
pub struct OpenLink {
    /// `None` once the link has ended.
    pumps: Option<Pumps>,
    machine: PeerMachine,
    alarm: Alarm,
    timer: Arc<dyn Timer>,
    outbox: LinkSender,
    /// Whether the end was reported.
    reported: bool,
}

impl OpenLink {
    /// Takes over an open link.
    pub fn new(duplex: Duplex, timer: Arc<dyn Timer>, options: LinkOptions) -> Self {
        let info = LinkInfo { can_ping: duplex.can_ping };
        let outbox = Outbox {
            state: Mutex::new(OutboxState { queue: PeerQueue::new(&options), finish: None, waited_for: false }),
            driver: AtomicWaker::new(),
            room: Arc::default(),
        };
        Self {
            pumps: Some(Pumps::new(duplex)),
            machine: PeerMachine::new(options, info, timer.now()),
            alarm: Alarm::default(),
            timer,
            outbox: LinkSender(Arc::new(outbox)),
            reported: false,
        }
    }

    /// Returns a handle that sends and closes, from any task or thread.
    pub fn sender(&self) -> LinkSender {
        self.outbox.clone()
    }

    /// The clock that keeps its deadlines.
    pub fn timer(&self) -> &Arc<dyn Timer> {
        &self.timer
    }

    /// Queues a message. It is written when the link is polled next: nobody is woken for it.
    ///
    /// # Errors
    /// See [`LinkSender::send`].
    pub fn send(&mut self, message: Message) -> Result<(), LinkSendError> {
        self.outbox.0.push(message)
    }

    /// Returns whether a message would be accepted now.
    pub fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Drives the link, and returns the next message if one is `wanted`. Otherwise reading pauses, which slows the peer
    /// down. `None` after the end.
    ///
    /// # Errors
    /// The reason for the end of the link: the last item.
    pub fn poll_message(&mut self, cx: &mut Context<'_>, wanted: bool) -> Poll<Option<Result<Message, Error>>> {
        if self.reported {
            return Poll::Ready(None);
        }
        // Registered before checking, so that a message queued meanwhile is not missed.
        self.outbox.0.driver.register(cx.waker());
        let now = self.timer.now();
        self.take_finish(now);
        let found = self.read(cx, wanted, now);
        self.write(cx, false, now);
        if self.machine.on_timeout(&mut self.outbox.0.state().queue, now) {
            self.write(cx, true, now);
        }
        if self.alarm.set(self.machine.poll_timeout(), &*self.timer, || cx.waker().clone(), true) {
            cx.waker().wake_by_ref();
        }
        self.outbox.0.tell_room();
        if let Some(message) = found {
            return Poll::Ready(Some(Ok(message)));
        }
        let Some(end) = self.machine.end().cloned() else { return Poll::Pending };
        self.pumps = None;
        self.alarm.clear();
        self.reported = true;
        Poll::Ready(end.err().map(Err))
    }

    /// Drives the link until everything queued was written. Reading pauses meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The reason for the end of the link.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            let polled = self.poll_message(cx, false);
            if self.outbox.0.state().queue.is_empty() && self.machine.end().is_none() {
                return Poll::Ready(Ok(()));
            }
            match polled {
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
                Poll::Ready(_) => Poll::Ready(self.machine.end().cloned().unwrap_or(Ok(()))),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Closes the link once everything queued was written. Nothing more is accepted. The first close frame stands.
    pub fn finish(&mut self, frame: CloseFrame) {
        let now = self.timer.now();
        self.machine.finish(frame, &mut self.outbox.0.state().queue, now);
        self.outbox.0.wake();
    }

    /// Closes the link, and drops what is queued. The first close frame stands.
    pub fn close(&mut self, frame: CloseFrame) {
        let now = self.timer.now();
        self.machine.close(frame, &mut self.outbox.0.state().queue, now);
        self.outbox.0.wake();
    }

    /// Drives the link until its end, and drops what the peer still sends. Without a preceding [`finish`](Self::finish) or
    /// [`close`](Self::close), that is when the peer closes.
    ///
    /// # Errors
    /// The reason for the end of the link.
    pub async fn closed(&mut self) -> Result<(), Error> {
        loop {
            match poll_fn(|cx| self.poll_message(cx, true)).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return self.machine.end().cloned().unwrap_or(Ok(())),
            }
        }
    }

    /// The close frame of the peer, once it was received. Code 1005 stands for a frame without a code.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.machine.peer_close()
    }

    /// How the link ended. `None` until then.
    pub fn end(&self) -> Option<&Result<(), Error>> {
        self.machine.end()
    }

    /// Carries out the requests of senders.
    fn take_finish(&mut self, now: Instant) {
        let mut state = self.outbox.0.state();
        if let Some(frame) = state.finish.take() {
            self.machine.finish(frame, &mut state.queue, now);
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, wanted: bool, now: Instant) -> Option<Message> {
        // While closing, everything is read: the peer's close frame comes last.
        if !wanted && !self.machine.is_closing() {
            return None;
        }
        for _ in 0..MESSAGES_A_TURN {
            let pumps = self.pumps.as_mut().filter(|_| self.machine.end().is_none())?;
            let read = pumps.poll_read(cx);
            let mut state = self.outbox.0.state();
            match read {
                Poll::Pending => {
                    self.machine.on_read_idle();
                    return None;
                }
                Poll::Ready(Some(Ok(message))) => {
                    let message = message.into_message();
                    let data = self.machine.on_message(message, &mut state.queue, now).filter(|_| wanted);
                    if data.is_some() {
                        return data;
                    }
                }
                Poll::Ready(Some(Err(error))) => self.machine.on_read_end(Some(error), &mut state.queue),
                Poll::Ready(None) => self.machine.on_read_end(None, &mut state.queue),
            }
        }
        cx.waker().wake_by_ref();
        None
    }

    fn write(&mut self, cx: &mut Context<'_>, pinging: bool, now: Instant) {
        let Some(pumps) = self.pumps.as_mut().filter(|_| self.machine.end().is_none()) else { return };
        if !self.machine.wants_write(&self.outbox.0.state().queue, pinging, now) {
            return;
        }
        loop {
            // What waits is written at once, so that a burst costs one call of the system.
            let joins = self.machine.joins(&self.outbox.0.state().queue);
            let polled = if joins { pumps.poll_room(cx) } else { pumps.poll_write(cx) };
            let mut state = self.outbox.0.state();
            match polled {
                Poll::Ready(Ok(())) if joins => self.machine.on_taken(&mut state.queue),
                Poll::Ready(Ok(())) => self.machine.on_written(&mut state.queue, now),
                Poll::Ready(Err(error)) => return self.machine.on_write_failed(error, &mut state.queue, now),
                Poll::Pending => return self.machine.on_write_pending(now),
            }
            let Some(message) = self.machine.poll_transmit(&mut state.queue) else { return };
            drop(state);
            if let Err(error) = pumps.start(message) {
                return self.machine.on_write_failed(error, &mut self.outbox.0.state().queue, now);
            }
        }
    }
}

impl Stream for OpenLink {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(cx, true)
    }
}

/// Wakes everything that waits for room, because there will be none.
impl Drop for OpenLink {
    fn drop(&mut self) {
        self.machine.end_with(Ok(()), &mut self.outbox.0.state().queue);
        self.outbox.0.room.wake_all();
    }
}

impl fmt::Debug for OpenLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenLink").field("peer_close", &self.peer_close()).finish_non_exhaustive()
    }
}

/// Sends messages over an [`OpenLink`], and closes it. Clones are the same outbox.
///
/// The messages are written when the link is polled.
#[derive(Clone)]
pub struct LinkSender(Arc<Outbox>);

struct Outbox {
    state: Mutex<OutboxState>,
    /// The waker of the task that polls the link.
    driver: AtomicWaker,
    /// Wakers of the tasks that wait for room.
    room: Arc<Wakers>,
}

struct OutboxState {
    queue: PeerQueue,
    /// The close frame that a sender has asked for.
    finish: Option<CloseFrame>,
    /// Whether a task waits for room.
    waited_for: bool,
}

impl LinkSender {
    /// Queues a message.
    ///
    /// # Errors
    /// [`Full`](SendErrorKind::Full), [`Closed`](SendErrorKind::Closed) or [`TooLarge`](SendErrorKind::TooLarge), with the
    /// message.
    pub fn send(&self, message: Message) -> Result<(), LinkSendError> {
        self.0.push(message)?;
        self.0.wake();
        Ok(())
    }

    /// Returns whether a message would be accepted now.
    pub fn has_room(&self) -> bool {
        let state = self.0.state();
        !state.queue.is_closed() && state.queue.has_room()
    }

    /// Waits until there is room. It does not drive the link.
    ///
    /// # Errors
    /// [`Closed`](SendErrorKind::Closed).
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn ready(&self) -> Result<(), SendErrorKind> {
        let mut slot = None;
        poll_fn(|cx| {
            let slot = slot.get_or_insert_with(|| Slot::new(&self.0.room));
            // The waker that it replaces is dropped outside the lock of the outbox.
            drop(slot.register(cx.waker()));
            let mut state = self.0.state();
            match () {
                () if state.queue.is_closed() => Poll::Ready(Err(SendErrorKind::Closed)),
                () if state.queue.has_room() => Poll::Ready(Ok(())),
                () => {
                    state.waited_for = true;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Closes the link once everything queued was written. Nothing more is accepted. The first close frame stands.
    pub fn finish(&self, frame: CloseFrame) {
        self.0.state().finish.get_or_insert(frame);
        self.0.wake();
    }
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, OutboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: Message) -> Result<(), LinkSendError> {
        let queued = self.state().queue.push(message);
        queued.map_err(|(kind, message)| LinkSendError { kind, message })
    }

    fn wake(&self) {
        self.driver.wake();
    }

    fn tell_room(&self) {
        let mut state = self.state();
        let news = state.waited_for && (state.queue.has_room() || state.queue.is_closed());
        state.waited_for &= !news;
        drop(state);
        if news {
            self.room.wake_all();
        }
    }
}

impl fmt::Debug for LinkSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSender").finish_non_exhaustive()
    }
}

/// A message that was not accepted for sending.
pub struct LinkSendError {
    /// Reason.
    pub kind: SendErrorKind,
    /// The message.
    pub message: Message,
}

impl fmt::Display for LinkSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// Omits the message.
impl fmt::Debug for LinkSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSendError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl error::Error for LinkSendError {}
