use std::{fmt, pin::pin, sync::Arc};

use futures::future::{self, Either};

use super::{
    Ack, Config, Dialer, Driver, HandlerId, Phase, Resume, SendError, Sender, Updates,
    driver::{Shared, wait::WaitKind, wakers::Slot},
    handlers::Handlers,
};
use crate::{
    error::{Deadline, Error, ErrorKind},
    protocol::{Protocol, event::EventOf},
    transport::{CloseFrame, Text, Timer},
};

/// A connection to the service.
///
/// It is a stream of server events, and sends events through resources named like those of the protocol:
/// `connection.response().create(..)`. It can be shared by reference or in an [`Arc`]: no method requires `&mut`.
///
/// See the [module](super) for driving, delivery, deadlines and the end.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.realtime().model("m").run(async |connection| {
/// use realtime_core::{event::ServerEvent, types::{Item, ResponseConfig}};
///
/// connection.conversation().item().create(Item::user("Good morning!"))?;
/// connection.response().create(ResponseConfig::default())?;
/// while let Some(event) = connection.next().await {
///     match event? {
///         ServerEvent::ResponseOutputAudioTranscriptDelta(text) => print!("{}", text.delta),
///         ServerEvent::ResponseDone(_) => break,
///         _ => {}
///     }
/// }
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct Connection<P: Protocol> {
    pub(super) shared: Arc<Shared<P>>,
    pub(super) slot: Option<Slot>,
    pub(super) handlers: Handlers<P>,
}

impl<P: Protocol> Connection<P> {
    pub(crate) fn new(timer: Arc<dyn Timer>, config: Config<P>, resume: Option<Resume<P>>, dialer: Dialer) -> Self {
        Self { shared: Arc::new(Shared::new(timer, config, resume, dialer)), slot: None, handlers: Handlers::default() }
    }

    /// Waits for the next server event. `None` after the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    ///
    /// # Errors
    /// The reason for the end of the connection: the last item, followed by `None`.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::event::ServerEvent;
    ///
    /// connection.respond("Good morning!").await?;
    /// let mut answer = String::new();
    /// while let Some(event) = connection.next().await {
    ///     match event? {
    ///         ServerEvent::ResponseOutputAudioTranscriptDelta(text) => answer.push_str(&text.delta),
    ///         ServerEvent::Error(error) => eprintln!("{}", error.error),
    ///         ServerEvent::ResponseDone(_) => break,
    ///         _ => {}
    ///     }
    /// }
    /// # assert!(!answer.is_empty());
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub async fn next(&self) -> Option<Result<P::ServerEvent, Error>> {
        let mut slot = None;
        future::poll_fn(|cx| self.poll_event(cx, &mut slot)).await
    }

    /// The stream of server events and of the connection's notices, in order.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use futures::TryStreamExt;
    /// use realtime_core::{connection::{Notice, Update}, event::ServerEvent};
    ///
    /// connection.respond("Good morning!").await?;
    /// let mut updates = connection.updates();
    /// while let Some(update) = updates.try_next().await? {
    ///     match update {
    ///         Update::Notice(Notice::Reconnected(how)) => println!("reconnected: {how:?}"),
    ///         Update::Event(ServerEvent::ResponseDone(_)) => break,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn updates(&self) -> Updates<'_, P> {
        Updates { connection: self, slot: None }
    }

    /// Waits until everything sent so far has been written. Events received meanwhile are kept.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection ended first, or the inbox is full: read events, then flush again.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::types::Item;
    ///
    /// connection.conversation().item().create(Item::system("The shop is closed today."))?;
    /// connection.flush().await?; // written, not answered yet
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
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

    /// Waits until the outbox has room.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection ended, or the inbox is full.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// # let recording = vec![0; 96_000];
    /// for chunk in recording.chunks(1_920) {
    ///     connection.ready().await?;
    ///     connection.input_audio_buffer().append(chunk)?;
    /// }
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }

    /// Drives the connection until its end. Events wait in the inbox to be read; while it is full, reading pauses.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The reason for the end of the connection.
    pub async fn drive(&self) -> Result<(), Error> {
        self.driver().await
    }

    /// Returns a future like [`drive`](Self::drive) for a separate task, so that a pause of the application never
    /// delays writes, pings and deadlines. It does not keep the connection alive.
    ///
    /// # Examples
    /// ```
    /// # use futures::future::BoxFuture;
    /// # async fn example(
    /// #     connection: realtime_core::Connection<realtime_core::Realtime>,
    /// #     spawn: impl Fn(BoxFuture<'static, ()>), // A runtime's function to start a task.
    /// # ) {
    /// let driver = connection.driver();
    /// spawn(Box::pin(async move {
    ///     if let Err(end) = driver.await {
    ///         eprintln!("the connection ended: {end}");
    ///     }
    /// }));
    /// # }
    /// ```
    pub fn driver(&self) -> Driver<P> {
        Driver { shared: self.shared.clone(), slot: None }
    }

    /// Calls the handlers with every event until the end. For applications that only use [`on`](Self::on).
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    ///
    /// # Errors
    /// The reason for the end of the connection.
    pub async fn dispatch(&self) -> Result<(), Error> {
        while let Some(event) = self.next().await {
            event?;
        }
        Ok(())
    }

    /// Queues an event.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`].
    pub fn send(&self, event: impl Into<P::ClientEvent>) -> Result<(), SendError<P>> {
        self.shared.send(event.into(), None)
    }

    /// Queues input audio, encoded directly from these bytes.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::append`].
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<P>> {
        self.shared.append(audio)
    }

    /// Queues an event that the server answers with an `E`. Await the [`Ack`], or drop it.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`].
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::event::{ConversationItemCreate, ConversationItemAdded};
    /// use realtime_core::types::Item;
    ///
    /// let create = ConversationItemCreate::new(Item::user("Good morning!"));
    /// let added = connection.request::<ConversationItemAdded>(create)?.await?;
    /// println!("{:?}", added.item.id());
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn request<E: EventOf<P::ServerEvent>>(
        &self,
        event: impl Into<P::ClientEvent>,
    ) -> Result<Ack<P, E>, SendError<P>> {
        Ack::send(&self.shared, event)
    }

    /// A handle to send from any task or thread.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// let sender = connection.sender();
    /// let microphone = std::thread::spawn(move || sender.append(&[0; 960]));
    /// microphone.join().expect("it does not panic")?;
    /// connection.flush().await?;
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn sender(&self) -> Sender<P> {
        Sender::new(&self.shared)
    }

    /// Adds a handler that is called with every event `E` delivered by [`next`](Self::next), by the stream, by
    /// [`updates`](Self::updates) or by [`dispatch`](Self::dispatch), before it is returned.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::event::{ResponseDone, ResponseOutputAudioTranscriptDelta};
    ///
    /// connection.on(|text: &ResponseOutputAudioTranscriptDelta| print!("{}", text.delta));
    /// let done = connection.on(|done: &ResponseDone| println!("{:?}", done.response.usage));
    /// connection.respond("Good morning!").await?;
    /// // The handlers are called from here.
    /// # for _ in 0..8 {
    /// connection.next().await;
    /// # }
    /// connection.off(done);
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn on<E: EventOf<P::ServerEvent>>(&self, handler: impl Fn(&E) + Send + Sync + 'static) -> HandlerId {
        self.handlers.on(false, handler)
    }

    /// Like [`on`](Self::on), for the first such event only.
    pub fn once<E: EventOf<P::ServerEvent>>(&self, handler: impl Fn(&E) + Send + Sync + 'static) -> HandlerId {
        self.handlers.on(true, handler)
    }

    /// Removes a handler. Returns whether it was present.
    pub fn off(&self, handler: HandlerId) -> bool {
        self.handlers.off(handler)
    }

    /// Adds a function that is called with every delivered event and its original text, so that members unknown to this
    /// crate are available. Set it before the first event is read: it is not called for events that arrived or were
    /// read ahead earlier, because their text is gone.
    ///
    /// While a tap is set, events in the inbox keep their text.
    pub fn tap(&self, tap: impl Fn(&P::ServerEvent, &Text) + Send + Sync + 'static) -> HandlerId {
        self.shared.core().machine.inbox.tapped = true;
        self.handlers.tap(tap)
    }

    /// The session state as of the last event read. Events that arrive together are read together, so it may be ahead
    /// of the event last returned by [`next`](Self::next).
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// connection.respond("Good morning!").await?.await?;
    /// let state = connection.state();
    /// for item in state.conversation.items() {
    ///     println!("{}: {}", item.id, item.transcript());
    /// }
    /// println!("{:?}", state.totals.responses);
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn state(&self) -> Arc<P::State> {
        self.shared.state()
    }

    /// The phase of the connection, as of the last event read.
    pub fn phase(&self) -> Phase {
        self.shared.core().machine.phase()
    }

    /// Writes the outbox, ends the session gracefully, and closes with code 1000. Takes at most
    /// [`Options::finish_timeout`](super::Options::finish_timeout) plus
    /// [`Options::close_timeout`](super::Options::close_timeout).
    ///
    /// Events received meanwhile can be read afterwards. On a connection that has ended already, it returns how.
    ///
    /// # Cancel safety
    /// Can be called again, and continues where it was.
    ///
    /// # Errors
    /// The connection failed first; the timeout passed, and the connection was closed anyway; or the inbox is full:
    /// read events, then call this again.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(async {
    /// let connection = client.realtime().model("gpt-realtime").connect().await?;
    /// connection.respond("Good morning!").await?.await?;
    /// connection.finish().await?; // an error says why it did not end in order
    /// # Ok::<_, realtime_core::Error>(())
    /// # })?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub async fn finish(&self) -> Result<(), Error> {
        let timer = &self.shared.timer;
        let until = timer.sleep_until(timer.now() + self.shared.config.options.finish_timeout);
        let written = match future::select(pin!(self.write_out()), until).await {
            // It has ended meanwhile, or before: the end itself says how.
            Either::Left((Err(error), _)) => return self.shared.core().machine.end().cloned().unwrap_or(Err(error)),
            Either::Left((Ok(()), _)) => Ok(()),
            Either::Right(_) => Err(ErrorKind::Timeout(Deadline::Finish).into()),
        };
        self.close(CloseFrame::new(1000, "")).await;
        written.and(self.shared.core().machine.end().cloned().unwrap_or(Ok(())))
    }

    /// Finishes a connection that is no longer read. It is closed in any case.
    pub(crate) async fn finish_unread(&self) -> Result<(), Error> {
        let unread = self.shared.core().machine.inbox.abandon();
        drop(unread);
        let finished = self.finish().await;
        self.close(CloseFrame::new(1000, "")).await;
        finished
    }

    /// Writes the outbox, and ends the session gracefully.
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

    /// Closes immediately: the current write is completed, then the close frame is sent, ahead of the outbox.
    ///
    /// Takes at most [`Options::close_timeout`](super::Options::close_timeout), whatever the peer does, and wakes everything
    /// that waits. Returns the events that were not sent, in order; after the end, it still returns them once.
    ///
    /// # Cancel safety
    /// Can be called again. The frame of the first call is used.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(async {
    /// use realtime_core::transport::CloseFrame;
    ///
    /// let connection = client.realtime().model("gpt-realtime").connect().await?;
    /// let unsent = connection.close(CloseFrame::new(1000, "")).await;
    /// assert!(unsent.is_empty());
    /// # Ok::<_, realtime_core::Error>(())
    /// # })?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub async fn close(&self, frame: CloseFrame) -> Vec<P::ClientEvent> {
        self.shared.begin_close(frame);
        // Driving cannot fail here: a full inbox only pauses reading, and the deadline ends that.
        let _ = self.shared.wait(WaitKind::Drive, |machine, _| machine.end().is_some().then_some(())).await;
        self.shared.take_unsent()
    }

    /// Waits until the connection reaches this phase.
    pub(crate) async fn reached(&self, phase: Phase) -> Result<(), Error> {
        self.shared
            .wait(WaitKind::Drive, move |machine, _| match machine.end() {
                Some(end) => Some(end.clone().and(Err(ErrorKind::Closed(None).into()))),
                None => (machine.phase() == Phase::Open || machine.phase() == phase).then_some(Ok(())),
            })
            .await?
    }
}

/// Closes the socket without a close handshake, and notifies everything that waits.
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
