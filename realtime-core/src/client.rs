use std::{env, fmt, mem, pin::pin, sync::Arc};

use futures::future::{Either, select};

use crate::{
    auth::{Credential, Credentials},
    connection::{Again, Attempt, Config, Connection, Decision, Dial, Dialer, Ids, Options, Phase, Reconnect, Resume},
    endpoint::{Endpoint, Extras, Target},
    error::{Deadline, Error, ErrorKind},
    protocol::{Protocol, state::SnapshotError},
    realtime::{
        Overlap, Playback, Realtime, Retention,
        state::{RealtimeState, Snapshot},
    },
    rest::Rest,
    translation::Translation,
    transport::{CloseFrame, Duplex, Http, Timer, Transport},
    wire::Secret,
};

/// Opens connections: an endpoint, credentials, a transport and options.
///
/// Clones share these settings. A client is cheap to keep and opens nothing by itself.
#[derive(Clone)]
pub struct Client(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    transport: Arc<dyn Transport>,
    http: Option<Arc<dyn Http>>,
    endpoint: Endpoint,
    credentials: Credentials,
    options: Arc<Options>,
    reconnect: Option<Arc<Reconnect>>,
}

impl Client {
    /// Starts to build a client of OpenAI's API over this transport.
    pub fn builder(transport: impl Transport) -> ClientBuilder {
        ClientBuilder {
            settings: Settings {
                http: transport.http(),
                transport: Arc::new(transport),
                endpoint: Endpoint::openai(),
                credentials: Credential::None.into(),
                options: Arc::default(),
                reconnect: None,
            },
            extras: Extras::new(),
        }
    }

    /// Prepares a conversation or transcription session. Choose one with [`model`](Connect::model),
    /// [`call`](Connect::call) or [`transcription`](Connect::transcription).
    pub fn realtime(&self) -> Connect<Realtime> {
        self.protocol()
    }

    /// Prepares a translation session. Its [`model`](Connect::model) is required.
    pub fn translation(&self) -> Connect<Translation> {
        self.protocol()
    }

    /// Requests of the REST API: keys for browsers, calls, Live sessions.
    ///
    /// They are sent by the HTTP client of the transport (feature `http` of the runtimes' transports), or by the one given
    /// to [`ClientBuilder::http`].
    pub fn rest(&self) -> Rest {
        let Settings { transport, http, endpoint, credentials, .. } = &*self.0;
        Rest::new(http.clone(), transport.timer(), endpoint.clone(), credentials.clone())
    }

    /// The clock of the transport.
    pub(crate) fn timer(&self) -> Arc<dyn Timer> {
        self.0.transport.timer()
    }

    /// Prepares a session of a custom protocol.
    pub fn protocol<P: Protocol>(&self) -> Connect<P> {
        let (options, reconnect) = (self.0.options.clone(), self.0.reconnect.clone());
        let settings = P::Settings::default();
        Connect {
            client: self.clone(),
            target: None,
            extras: Extras::new(),
            options,
            reconnect,
            settings,
            resume: Ok(None),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("transport", &self.0.transport)
            .field("endpoint", &self.0.endpoint)
            .field("credentials", &self.0.credentials)
            .finish_non_exhaustive()
    }
}

/// Builder of a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    settings: Settings,
    extras: Extras,
}

impl ClientBuilder {
    /// Reads the environment variables that the official clients read: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
    /// `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`. A variable that is unset or empty changes nothing.
    pub fn env(mut self) -> Self {
        let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(base) = read("OPENAI_BASE_URL") {
            self = self.base_url(base);
        }
        if let Some(key) = read("OPENAI_API_KEY") {
            self = self.api_key(key);
        }
        if let Some(organization) = read("OPENAI_ORG_ID") {
            self.extras = self.extras.organization(organization);
        }
        if let Some(project) = read("OPENAI_PROJECT_ID") {
            self.extras = self.extras.project(project);
        }
        self
    }

    /// Sets the API key.
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.credentials(Credential::api_key(key))
    }

    /// Sets the credentials: fixed, or a callback that is called before every connection.
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.settings.credentials = credentials.into();
        self
    }

    /// The HTTP client for [`Client::rest`], in place of the transport's own.
    pub fn http(mut self, http: impl Http) -> Self {
        self.settings.http = Some(Arc::new(http));
        self
    }

    /// Sets the base URL of the API, such as `https://gateway.example/v1`.
    pub fn base_url(self, base: impl Into<String>) -> Self {
        self.endpoint(Endpoint::gateway(base))
    }

    /// Sets the endpoint: OpenAI, a gateway, Azure.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.settings.endpoint = endpoint;
        self
    }

    /// Sets query parameters and headers for every connection, sent after those of the [`endpoint`](Self::endpoint).
    /// Replaces earlier ones.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Sets limits and timeouts.
    pub fn options(mut self, options: Options) -> Self {
        self.settings.options = Arc::new(options);
        self
    }

    /// Sets the reconnect policy. Without one, a lost connection is not re-established.
    pub fn reconnect(mut self, policy: impl Into<Option<Reconnect>>) -> Self {
        self.settings.reconnect = policy.into().map(Arc::new);
        self
    }

    /// Builds the client.
    pub fn build(mut self) -> Client {
        self.settings.endpoint = self.settings.endpoint.and(self.extras);
        Client(Arc::new(self.settings))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("endpoint", &self.settings.endpoint).finish_non_exhaustive()
    }
}

/// Builder of a connection.
#[must_use = "nothing happens before `connect`, `open` or `run`"]
pub struct Connect<P: Protocol> {
    client: Client,
    target: Option<Target>,
    extras: Extras,
    options: Arc<Options>,
    reconnect: Option<Arc<Reconnect>>,
    settings: P::Settings,
    resume: Result<Option<Resume<P>>, SnapshotError>,
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

    /// The protocol's settings.
    pub(crate) fn settings_mut(&mut self) -> &mut P::Settings {
        &mut self.settings
    }

    /// Returns a connection immediately; connecting happens while the connection is driven. Events can be sent at once:
    /// they are queued and written right after the upgrade. A failure is reported by whatever waits on the connection.
    ///
    /// # Errors
    /// The endpoint configuration is invalid. Nothing was sent.
    pub fn open(mut self) -> Result<Connection<P>, Error> {
        // First, because an invalid snapshot names no target.
        let resume = mem::replace(&mut self.resume, Ok(None))?;
        let place = self.place()?;
        let Settings { transport, endpoint, .. } = &*self.client.0;
        let timer = transport.timer();
        let target = place.target.clone();
        let joins = P::joins() || matches!(target, Target::Call(_));
        let dialer: Dialer = Arc::new(move |again| -> Dial { Box::pin(place.clone().dial(again)) });
        let config = Config {
            options: self.options,
            reconnect: self.reconnect,
            target,
            joins,
            settings: self.settings,
            dialect: endpoint.spoken(),
            ids: Ids::new(timer.seed(), timer.unix()),
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
        endpoint.handshake(&target, credentials.fixed().unwrap_or(&Credential::None), &self.extras)?;
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
    pub fn resume(mut self, mut snapshot: Snapshot) -> Self {
        self.resume = snapshot.check().map(|()| {
            let queued = mem::take(&mut snapshot.queued);
            let target = snapshot.target();
            self.target = self.target.take().or(Some(target));
            let snapshot = Arc::new(snapshot);
            Some(Resume { fill: Box::new(move |state: &mut RealtimeState| state.inherit(snapshot)), queued })
        });
        self
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
}

impl<P: Protocol> fmt::Debug for Connect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("target", &self.target).field("extras", &self.extras).finish_non_exhaustive()
    }
}

/// Everything needed to connect, for any number of attempts.
struct Place {
    client: Client,
    target: Target,
    extras: Extras,
    max_message_size: usize,
    reconnect: Option<Arc<Reconnect>>,
}

impl Place {
    async fn dial(self: Arc<Self>, again: Option<Again>) -> Result<Duplex, Error> {
        let Settings { transport, endpoint, credentials, .. } = &*self.client.0;
        let mut extras = self.extras.clone();
        let elsewhere = again.as_ref().and_then(|again| again.target.as_ref());
        let target = elsewhere.unwrap_or(&self.target);
        if let (Some(again), Some(policy)) = (&again, &self.reconnect) {
            let attempt = Attempt { number: again.number, after: again.after, reason: &again.reason };
            match policy.decide(&attempt) {
                Decision::Go => {}
                Decision::With(more) => extras = extras.and(more),
                Decision::Abort => return Err(Error::aborted(&again.reason)),
            }
        }
        let credential = credentials.resolve().await?;
        let mut handshake = endpoint.handshake(target, &credential, &extras)?;
        handshake.max_message_size = self.max_message_size;
        let secrets = handshake.secrets();
        transport.connect(handshake).await.map_err(|error| Error::connecting(error, &secrets))
    }
}
