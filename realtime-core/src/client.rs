use std::{env, fmt, sync::Arc};

use crate::{
    auth::{Credential, Credentials},
    connection::{Again, Attempt, Connection, Decision, Dial, Dialer, Options, Phase, Reconnect},
    endpoint::{Endpoint, Extras, Target},
    error::{Error, ErrorKind},
    protocol::{Protocol, Realtime, Translation},
    transport::{CloseFrame, Duplex, Transport},
    wire::Secret,
};

/// Makes connections: a server, a credential, a transport, options.
///
/// A clone shares them. It costs nothing to keep, and opens nothing by itself.
#[derive(Clone)]
pub struct Client(Arc<Settings>);

#[derive(Clone)]
struct Settings {
    transport: Arc<dyn Transport>,
    endpoint: Endpoint,
    credentials: Credentials,
    options: Arc<Options>,
    reconnect: Option<Arc<Reconnect>>,
}

impl Client {
    /// A client of OpenAI's service over this transport.
    pub fn builder(transport: impl Transport) -> ClientBuilder {
        ClientBuilder {
            settings: Settings {
                transport: Arc::new(transport),
                endpoint: Endpoint::openai(),
                credentials: Credential::None.into(),
                options: Arc::default(),
                reconnect: None,
            },
            extras: Extras::new(),
        }
    }

    /// A conversation or a transcription. Say which by [`model`](Connect::model), [`call`](Connect::call) or
    /// [`transcription`](Connect::transcription).
    pub fn realtime(&self) -> Connect<Realtime> {
        self.protocol()
    }

    /// A translation. Its [`model`](Connect::model) must be given.
    pub fn translation(&self) -> Connect<Translation> {
        self.protocol()
    }

    /// A protocol of your own.
    pub fn protocol<P: Protocol>(&self) -> Connect<P> {
        let (options, reconnect) = (self.0.options.clone(), self.0.reconnect.clone());
        let settings = P::Settings::default();
        Connect { client: self.clone(), target: None, extras: Extras::new(), options, reconnect, settings }
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

/// Sets a [`Client`] up.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    settings: Settings,
    extras: Extras,
}

impl ClientBuilder {
    /// The settings of the environment, as the official clients read them: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
    /// `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`. What is not set, or empty, stays as it is.
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

    /// The API key.
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.credentials(Credential::api_key(key))
    }

    /// A credential of any kind, or a callback that is asked for one before every connection.
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.settings.credentials = credentials.into();
        self
    }

    /// The base URL of the API, such as `https://gateway.example/v1`.
    pub fn base_url(self, base: impl Into<String>) -> Self {
        self.endpoint(Endpoint::gateway(base))
    }

    /// The server: OpenAI, a gateway, Azure.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.settings.endpoint = endpoint;
        self
    }

    /// Query parameters and headers of every connection, after those of the [`endpoint`](Self::endpoint), and in place
    /// of those set here before.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Limits and deadlines.
    pub fn options(mut self, options: Options) -> Self {
        self.settings.options = Arc::new(options);
        self
    }

    /// Makes a connection that broke anew. Off unless it is given.
    pub fn reconnect(mut self, policy: impl Into<Option<Reconnect>>) -> Self {
        self.settings.reconnect = policy.into().map(Arc::new);
        self
    }

    /// The client.
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

/// A connection about to be made.
#[must_use = "nothing happens before `connect`, `open` or `run`"]
pub struct Connect<P: Protocol> {
    client: Client,
    target: Option<Target>,
    extras: Extras,
    options: Arc<Options>,
    reconnect: Option<Arc<Reconnect>>,
    settings: P::Settings,
}

impl<P: Protocol> Connect<P> {
    /// What to connect to, in place of what was chosen before.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// A query parameter for this connection.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.extras = self.extras.query(name, value);
        self
    }

    /// A header for this connection.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.extras = self.extras.header(name, value);
        self
    }

    /// Query parameters and headers of this connection, in place of those set before.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Limits and deadlines of this connection.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Makes this connection anew if it breaks, or does not.
    pub fn reconnect(mut self, policy: impl Into<Option<Reconnect>>) -> Self {
        self.reconnect = policy.into().map(Arc::new);
        self
    }

    /// What the protocol needs to know before it begins, in place of what was said before.
    pub fn settings(mut self, settings: P::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// What the protocol needs to know, to be changed.
    pub(crate) fn settings_mut(&mut self) -> &mut P::Settings {
        &mut self.settings
    }

    /// Connects in the background of whoever drives: returns at once. What is sent is queued, and written right after
    /// the upgrade. Whether the server takes it all is told by what waits on the connection.
    ///
    /// # Errors
    /// The settings make no handshake. Nothing was sent.
    pub fn open(self) -> Result<Connection<P>, Error> {
        let Settings { transport, endpoint, credentials, .. } = &*self.client.0;
        // An exact URL names its target by itself.
        let exact = endpoint.exact_url().map(|_| Target::Unnamed);
        let target = self.target.or(exact).ok_or(ErrorKind::NoTarget)?;
        // Checked at once. Only a credential that must be asked for can still be wrong later.
        endpoint.handshake(&target, credentials.fixed().unwrap_or(&Credential::None), &self.extras)?;
        let timer = transport.timer();
        let joins = P::joins() || matches!(target, Target::Call(_));
        let place = Arc::new(Place {
            client: self.client.clone(),
            target,
            extras: self.extras,
            max_message_size: self.options.max_inbound,
            reconnect: self.reconnect.clone(),
        });
        let dialer: Dialer = Arc::new(move |again| -> Dial { Box::pin(place.clone().dial(again)) });
        Ok(Connection::new(timer, self.options, self.reconnect, dialer, joins, self.settings, endpoint.spoken()))
    }

    /// Connects, and waits until the server has opened the session.
    ///
    /// With a call the server's consent to the upgrade is enough: its session is already under way.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    ///
    /// # Errors
    /// The settings make no handshake, the transport cannot connect, or the server refuses: with another status than
    /// 101, or by an `error` event and close code 3000 or 4000 after it.
    pub async fn connect(self) -> Result<Connection<P>, Error> {
        let connection = self.open()?;
        connection.reached(Phase::Open).await?;
        Ok(connection)
    }

    /// Connects, calls the function with the connection, and closes it: in order if the function succeeds, at once if
    /// it fails. What the function gives comes back, whatever becomes of the closing: see
    /// [`run_to_end`](Self::run_to_end) to be told.
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
    /// Dropping the future drops the connection, which closes the socket without a handshake.
    ///
    /// # Errors
    /// The connection could not be made, or the function failed.
    pub async fn run<T, E, F>(self, application: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&Connection<P>) -> Result<T, E>,
        E: From<Error>,
    {
        self.run_to_end(application).await.map(|ran| ran.value)
    }

    /// As [`run`](Self::run), and tells beside the function's value how the connection ended: whether everything that
    /// was sent has left, and the session was closed in order. Closing takes no longer than
    /// [`Options::finish_timeout`] and [`Options::close_timeout`] together; while the link is gone it waits so long for
    /// another one, where there is a policy to reconnect.
    ///
    /// # Cancel safety
    /// As of [`run`](Self::run).
    ///
    /// # Errors
    /// As of [`run`](Self::run). That the connection did not end in order is no error here: [`Ran::end`] has it.
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

/// What a function gave, and how the connection that it was called with ended: see [`Connect::run_to_end`].
#[derive(Clone, Debug)]
#[must_use = "the end of the connection may be an error"]
#[non_exhaustive]
pub struct Ran<T> {
    /// What the function gave.
    pub value: T,
    /// How the connection ended: everything that was sent has left, and the session was closed in order, or not.
    pub end: Result<(), Error>,
}

impl Connect<Realtime> {
    /// Converses with this model; at an Azure endpoint, with this deployment.
    pub fn model(self, model: impl Into<String>) -> Self {
        self.target(Target::Model(model.into()))
    }

    /// Joins a call that is under way, to watch and to steer it.
    pub fn call(self, id: impl Into<String>) -> Self {
        self.target(Target::Call(id.into()))
    }

    /// Only transcribes.
    pub fn transcription(self) -> Self {
        self.target(Target::Transcription)
    }

    /// Converses with whatever the server serves: for servers that take no model in the URL.
    pub fn without_model(self) -> Self {
        self.target(Target::Unnamed)
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

/// Where a connection leads, for as many attempts as it takes.
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
            let timer = transport.timer();
            timer.sleep_until(timer.now() + again.after).await;
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
