//! Opening a connection: target, settings, and the ways to open it.

use std::{fmt, mem, pin::pin, sync::Arc};

use futures::future::{Either, select};

use super::{Client, Settings, dial::Place};
use crate::{
    auth::{Credential, Credentials},
    connection::{Config, Connection, Dial, Dialer, Ids, Options, Phase, Reconnect, Resume},
    endpoint::{Endpoint, Extras, Target},
    error::{Deadline, Error, ErrorKind},
    protocol::{Protocol, state::SnapshotError},
    realtime::{Overlap, Playback, Realtime, Retention, state::Snapshot},
    translation::{Translation, TranslationSnapshot},
    transport::{CloseFrame, Duplex, Timer},
    wire::Secret,
};

/// Builder of a connection.
///
/// # Examples
/// ```
/// use realtime_core::{Options, connection::Reconnect, session::Playback};
///
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(async {
/// let connect = client
///     .realtime()
///     .model("gpt-realtime")
///     .header("X-Trace", "7f3a")
///     .options(Options::default().request_timeout(std::time::Duration::from_secs(5)))
///     .reconnect(Reconnect::default())
///     .playback(Playback::queued());
/// let connection = connect.connect().await?;
/// # connection.finish().await?;
/// # Ok::<_, realtime_core::Error>(())
/// # })?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
#[must_use = "nothing happens before `connect`, `open` or `run`"]
pub struct Connect<P: Protocol> {
    pub(super) client: Client,
    pub(super) target: Option<Target>,
    pub(super) extras: Extras,
    pub(super) options: Arc<Options>,
    pub(super) reconnect: Option<Arc<Reconnect>>,
    pub(super) settings: P::Settings,
    pub(super) resume: Result<Option<Resume<P>>, SnapshotError>,
}

impl<P: Protocol> Connect<P> {
    /// Sets what to connect to, replacing an earlier choice.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Adds a query parameter to this connection.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.extras = self.extras.query(name, value);
        self
    }

    /// Adds a header to this connection.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.extras = self.extras.header(name, value);
        self
    }

    /// Sets the query parameters and headers of this connection, replacing earlier ones.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Sets limits and timeouts of this connection.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Sets the reconnect policy of this connection, or removes it with `None`.
    pub fn reconnect(mut self, policy: impl Into<Option<Reconnect>>) -> Self {
        self.reconnect = policy.into().map(Arc::new);
        self
    }

    /// Sets the protocol's settings, replacing earlier ones.
    pub fn settings(mut self, settings: P::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Continues a session that a snapshot describes, if it is valid.
    pub(crate) fn resume_with(
        mut self,
        checked: Result<(), SnapshotError>,
        queued: Vec<P::ClientEvent>,
        fill: impl FnOnce(&mut P::State) + Send + 'static,
    ) -> Self {
        self.resume = checked.map(|()| Some(Resume { fill: Box::new(fill), queued }));
        self
    }

    /// The protocol's settings.
    pub(crate) fn settings_mut(&mut self) -> &mut P::Settings {
        &mut self.settings
    }

    /// Returns a connection immediately; connecting happens while the connection is driven. Events can be sent at once:
    /// they are queued and written right after the upgrade. A failure is reported by whatever waits on the connection.
    ///
    /// # Errors
    /// The endpoint configuration is invalid. Nothing was sent.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(async {
    /// use realtime_core::connection::Phase;
    ///
    /// let connection = client.realtime().model("gpt-realtime").open()?;
    /// assert_ne!(connection.phase(), Phase::Open);
    /// // Queued, and written once the link is there.
    /// let mut response = connection.respond("Good morning!").await?;
    /// response.next().await;
    /// assert_eq!(connection.phase(), Phase::Open);
    /// # Ok::<_, realtime_core::Error>(())
    /// # })?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn open(mut self) -> Result<Connection<P>, Error> {
        // First, because an invalid snapshot names no target.
        let resume = mem::replace(&mut self.resume, Ok(None))?;
        let place = self.place()?;
        let Settings { transport, endpoint, .. } = &*self.client.0;
        let timer = transport.timer();
        let (target, joins) = (place.target.clone(), joins::<P>(&place.target));
        let dialer: Dialer = Arc::new(move |again| -> Dial { Box::pin(place.clone().dial(again)) });
        let config = Config {
            options: self.options,
            reconnect: self.reconnect,
            target,
            joins,
            settings: self.settings,
            dialect: endpoint.spoken(),
            ids: Ids::new(timer.seed(), timer.unix()),
            azure: endpoint.is_azure(),
        };
        Ok(Connection::new(timer, config, resume, dialer))
    }

    /// Checks and collects what is needed to connect.
    fn place(&self) -> Result<Arc<Place>, Error> {
        let Settings { endpoint, credentials, .. } = &*self.client.0;
        // An exact URL includes the target.
        let exact = endpoint.exact_url().map(|_| Target::Unnamed);
        let target = self.target.clone().or(exact).ok_or(ErrorKind::NoTarget)?;
        // Checked immediately. Only a credential obtained by a callback can still be wrong later.
        let check = |endpoint: &Endpoint, credentials: &Credentials, target: &Target, extras: &Extras| {
            endpoint.handshake(target, credentials.fixed().unwrap_or(&Credential::None), extras).map(drop)
        };
        check(endpoint, credentials, &target, &self.extras)?;
        let joins = joins::<P>(&target);
        for fallback in self.reconnect.iter().filter(|_| !joins).flat_map(|policy| policy.fallbacks()) {
            let (endpoint, credentials, target, extras) = fallback.place(endpoint, credentials, &target, &self.extras);
            check(endpoint, &credentials, target, &extras)?;
        }
        Ok(Arc::new(Place {
            client: self.client.clone(),
            target,
            extras: self.extras.clone(),
            max_message_size: self.options.max_inbound,
            reconnect: self.reconnect.clone(),
        }))
    }

    /// Opens the link alone: the socket, TLS and the upgrade, with the client's endpoint and credential, within
    /// [`Options::connect_timeout`]. There is no session, no reconnect and no keepalive; the messages are the caller's. A
    /// relay is made of such a link and of another one.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection attempt.
    ///
    /// # Errors
    /// The endpoint configuration is invalid, the transport cannot connect, or the server refuses with a status other than
    /// 101.
    pub async fn link(self) -> Result<Duplex, Error> {
        let dial = pin!(self.place()?.dial(None));
        let timer = self.timer();
        match select(dial, timer.sleep_until(timer.now() + self.options.connect_timeout)).await {
            Either::Left((duplex, _)) => duplex,
            Either::Right(_) => Err(ErrorKind::Timeout(Deadline::Connect).into()),
        }
    }

    /// The clock of the transport.
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.client.0.transport.timer()
    }

    /// Connects, and waits until the server has opened the session.
    ///
    /// If a call is joined, the upgrade is enough, because its session is already open.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection attempt.
    ///
    /// # Errors
    /// The endpoint configuration is invalid, the transport cannot connect, or the server refuses: with a status other
    /// than 101, or with an `error` event followed by close code 3000 or 4000.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(async {
    /// let connection = client.realtime().model("gpt-realtime").connect().await?;
    /// connection.respond("Good morning!").await?.await?;
    /// connection.finish().await?;
    /// # Ok::<_, realtime_core::Error>(())
    /// # })?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub async fn connect(self) -> Result<Connection<P>, Error> {
        let connection = self.open()?;
        connection.reached(Phase::Open).await?;
        Ok(connection)
    }

    /// Connects, calls `application` with the connection, and closes the connection: gracefully if `application`
    /// succeeds, at once if it fails. Its value is returned whatever the outcome of closing; use
    /// [`run_to_end`](Self::run_to_end) to learn that outcome.
    ///
    /// ```
    /// # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::Error> {
    /// let first = client.realtime().model("gpt-realtime").run(async |connection| connection.next().await.transpose());
    /// println!("{:?}", first.await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection, which closes the socket without a close handshake.
    ///
    /// # Errors
    /// Connecting failed, or `application` failed.
    pub async fn run<T, E, F>(self, application: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&Connection<P>) -> Result<T, E>,
        E: From<Error>,
    {
        self.run_to_end(application).await.map(|ran| ran.value)
    }

    /// Like [`run`](Self::run), but also returns how the connection ended: whether everything that was sent was also
    /// written, and the session was closed gracefully. Closing takes at most [`Options::finish_timeout`] plus
    /// [`Options::close_timeout`]. If the link is lost and a reconnect policy is set, that time is also the bound for
    /// reconnecting.
    ///
    /// # Cancel safety
    /// See [`run`](Self::run).
    ///
    /// # Errors
    /// See [`run`](Self::run). A connection that did not end gracefully is not an error of this method: see
    /// [`Ran::end`].
    pub async fn run_to_end<T, E, F>(self, application: F) -> Result<Ran<T>, E>
    where
        F: AsyncFnOnce(&Connection<P>) -> Result<T, E>,
        E: From<Error>,
    {
        let connection = self.connect().await?;
        match application(&connection).await {
            Ok(value) => Ok(Ran { value, end: connection.finish_unread().await }),
            Err(error) => {
                connection.close(CloseFrame::new(1000, "")).await;
                Err(error)
            }
        }
    }
}

/// Whether the session exists already, in one place.
fn joins<P: Protocol>(target: &Target) -> bool {
    P::joins() || matches!(target, Target::Call(_))
}

/// The value of an application function, and how its connection ended. Returned by [`Connect::run_to_end`].
#[derive(Clone, Debug)]
#[must_use = "the end of the connection may be an error"]
#[non_exhaustive]
pub struct Ran<T> {
    /// The function's value.
    pub value: T,
    /// How the connection ended. `Ok` if everything was written and the session was closed gracefully.
    pub end: Result<(), Error>,
}

impl Connect<Realtime> {
    /// Starts a conversation with this model; at an Azure endpoint, with this deployment.
    pub fn model(self, model: impl Into<String>) -> Self {
        self.target(Target::Model(model.into()))
    }

    /// Joins a call in progress, to observe and control it.
    pub fn call(self, id: impl Into<String>) -> Self {
        self.target(Target::Call(id.into()))
    }

    /// Continues the conversation of a [`Snapshot`] in another session, as a reconnect does: configuration and items are
    /// replayed, then follows what was accepted and not sent. [`Notice::Reconnected`](crate::connection::Notice::Reconnected)
    /// among the [`updates`](Connection::updates) reports what was replayed, lost, unsent and ambiguous. Unanswered calls are
    /// given to the handlers once [`use_tools`](Connection::use_tools) has set them.
    ///
    /// The target is the snapshot's: its model, the call that was joined, or transcription. Another one can be chosen before or
    /// after this. A call is joined again and nothing is replayed, because its session outlives the connection.
    ///
    /// An invalid snapshot is an error of [`open`](Self::open) and [`connect`](Self::connect).
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(async {
    /// let connection = client.realtime().model("gpt-realtime").connect().await?;
    /// connection.respond("My name is Ada.").await?.await?;
    /// let snapshot = connection.drain(std::time::Duration::from_secs(5)).await.snapshot;
    ///
    /// let connection = client.realtime().resume(snapshot).connect().await?;
    /// assert_eq!(connection.state().conversation.len(), 2);
    /// # Ok::<_, realtime_core::Error>(())
    /// # })?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub fn resume(mut self, mut snapshot: Snapshot) -> Self {
        let checked = snapshot.check();
        self.target = self.target.take().or(Some(snapshot.target()));
        let queued = mem::take(&mut snapshot.queued);
        self.resume_with(checked, queued, move |state| state.inherit(Arc::new(snapshot)))
    }

    /// Starts a session that only transcribes.
    pub fn transcription(self) -> Self {
        self.target(Target::Transcription)
    }

    /// Starts a conversation with a server that takes no model in its URL.
    pub fn without_model(self) -> Self {
        self.target(Target::Unnamed)
    }

    /// Turns playback tracking on, so that a barge-in truncates what was not heard, or off with `None`.
    #[doc(alias("barge-in", "interruption"))]
    pub fn playback(mut self, playback: impl Into<Option<Playback>>) -> Self {
        self.settings.playback = playback.into();
        self
    }

    /// Sets what happens to a request for a response while another one is active.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.settings.overlap = overlap;
        self
    }

    /// Sets limits on how much of the session is kept.
    pub fn memory(mut self, memory: Retention) -> Self {
        self.settings.memory = memory;
        self
    }
}

impl Connect<Translation> {
    /// Translates with this model.
    pub fn model(self, model: impl Into<String>) -> Self {
        self.target(Target::Translation(model.into()))
    }

    /// Continues the session of a [snapshot](TranslationSnapshot) in another one, as a reconnect does: its configuration is
    /// set again, then follows what was accepted and not sent.
    /// [`Notice::Reconnected`](crate::connection::Notice::Reconnected) among the [`updates`](Connection::updates) reports what
    /// is ambiguous. The model is the snapshot's, unless another was chosen.
    ///
    /// An invalid snapshot is an error of [`open`](Self::open) and [`connect`](Self::connect).
    pub fn resume(mut self, mut snapshot: TranslationSnapshot) -> Self {
        let checked = snapshot.check();
        self.target = self.target.take().or(snapshot.target());
        let queued = mem::take(&mut snapshot.queued);
        self.resume_with(checked, queued, move |state| state.inherit(snapshot))
    }
}

impl<P: Protocol> fmt::Debug for Connect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("target", &self.target).field("extras", &self.extras).finish_non_exhaustive()
    }
}
