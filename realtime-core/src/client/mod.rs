//! The client: what connections are opened with.

mod connect;
mod dial;

use std::{env, fmt, sync::Arc};

pub use self::connect::{Connect, Ran};
use crate::{
    auth::{Credential, Credentials},
    connection::{Options, Reconnect},
    endpoint::{Endpoint, Extras},
    protocol::Protocol,
    realtime::Realtime,
    rest::Rest,
    translation::Translation,
    transport::{Http, Timer, Transport},
    wire::Secret,
};

/// Opens connections: an endpoint, credentials, a transport and options.
///
/// Clones share these settings. A client is cheap to keep and opens nothing by itself.
///
/// # Examples
/// ```
/// use realtime_core::{Client, connection::Reconnect};
/// use realtime_mock::{Simulator, VirtualClock};
///
/// # let clock = VirtualClock::new();
/// # let transport = Simulator::new().transport(&clock);
/// // In an application, the transport is that of a runtime, such as `TokioTransport`.
/// let client = Client::builder(transport).env().reconnect(Reconnect::default()).build();
/// let tokens = client.realtime().model("gpt-realtime").run(async |connection| {
///     let response = connection.respond("Good morning!").await?.await?;
///     Ok::<_, realtime_core::Error>(response.usage.and_then(|usage| usage.total_tokens))
/// });
/// # assert!(clock.block_on(tokens)?.is_some());
/// # Ok::<_, realtime_core::Error>(())
/// ```
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
    ///
    /// # Examples
    /// ```
    /// use realtime_core::{Client, Options, auth::Credential, endpoint::Endpoint};
    ///
    /// # fn example(transport: impl realtime_core::transport::Transport, key: String) {
    /// let client = Client::builder(transport)
    ///     .endpoint(Endpoint::azure("https://my-resource.openai.azure.com"))
    ///     .credentials(Credential::azure_key(key))
    ///     .options(Options::default().kept_errors(16))
    ///     .build();
    /// # drop(client);
    /// # }
    /// ```
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
