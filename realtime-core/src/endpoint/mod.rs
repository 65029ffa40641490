//! Endpoints: the rules of URLs and headers, as one pure function, [`Endpoint::handshake`].
//!
//! ```
//! use realtime_core::auth::Credential;
//! use realtime_core::endpoint::{Endpoint, Extras, Target};
//!
//! let endpoint = Endpoint::gateway("https://gateway.example/a/v1?tenant=7");
//! let target = Target::Model("gpt-realtime".into());
//! let handshake = endpoint.handshake(&target, &Credential::api_key("sk-1"), &Extras::new())?;
//! assert_eq!(handshake.uri, "wss://gateway.example/a/v1/realtime?tenant=7&model=gpt-realtime");
//! assert_eq!(handshake.url().to_string(), "wss://gateway.example/a/v1/realtime?tenant=***&model=gpt-realtime");
//! # Ok::<_, realtime_core::endpoint::EndpointError>(())
//! ```
//!
//! # The URL
//! - `http` becomes `ws` and `https` becomes `wss`. Trailing slashes of the path are removed, and `/realtime` or
//!   `/realtime/translations` is appended. Host, port and the rest are not changed.
//! - `/realtime` at the end of a base URL is removed first, so that the full address shown by a portal works too. An
//!   [exact](Endpoint::exact) URL is not changed.
//! - The query has four layers: the endpoint's [`Extras`], the base URL's query, the target, and this connection's
//!   `Extras`. A later layer replaces all earlier values of the same name. The query of a base URL keeps its encoding;
//!   added parameters are form-encoded, so a space becomes `+`.
//! - The first two layers never choose the target: a `model`, `call_id` or `intent` in them is replaced or removed,
//!   unless the target is [`Target::Unnamed`].
//! - This connection's `model` replaces the target's, for servers that use another name for the model. Its `call_id`,
//!   `intent`, `deployment` and `api-version` do not replace those of the target or the endpoint.
//! - A second target in this connection's query is [`EndpointError::TwoTargets`]. Only `model` and
//!   `intent=transcription` can be combined, for gateways that choose the transcription server by model.
//!
//! # The headers
//! Three layers: the credential, the endpoint's `Extras`, this connection's `Extras`. Names are case-insensitive, later
//! values replace earlier ones, and [`Extras::without_header`] removes a header. A redirect must not be followed with
//! these headers.

mod base;
mod error;
mod extras;
mod headers;
mod query;
mod resolve;

use std::fmt;

use http::{Method, Request};

pub use crate::transport::{DEFAULT_MAX_MESSAGE_SIZE, DisplayUrl, Handshake};
pub use error::EndpointError;
pub use extras::Extras;

use crate::{auth::Credential, dialect::Dialect};
use base::Base;

const OPENAI: &str = "https://api.openai.com/v1";

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A new conversation with this model; at an Azure endpoint, with this deployment.
    Model(String),
    /// A call in progress, by id, to observe and control it next to its participants.
    Call(String),
    /// A transcription session. The model is set later, in the session.
    ///
    /// Azure's preview form additionally requires a deployment: set it as a query parameter of that name.
    Transcription,
    /// Translation with this model.
    Translation(String),
    /// A new session without a model in the URL: for servers that take none there, and for [exact](Endpoint::exact)
    /// URLs. The query of the base URL is not changed.
    Unnamed,
    /// A WebSocket at this path under the base URL, by segments: `live`, `sessions` for `/live/sessions`. Segments are
    /// escaped as needed. No parameters are added.
    Path(Vec<String>),
}

impl Target {
    /// Creates a target from the segments of a path under the base URL.
    pub fn path<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::Path(segments.into_iter().map(Into::into).collect())
    }
}

/// A server of the Realtime API: its address, its URL rules, and what every connection to it carries.
///
/// Validated when a [`handshake`](Self::handshake) is created, not before.
///
/// # Examples
/// ```
/// use realtime_core::{auth::Credential, endpoint::{Endpoint, Extras, Target}};
///
/// let endpoint = Endpoint::azure("https://my-resource.openai.azure.com");
/// let target = Target::Model("my-deployment".into());
/// let handshake = endpoint.handshake(&target, &Credential::azure_key("key"), &Extras::new())?;
/// assert_eq!(handshake.uri.host(), Some("my-resource.openai.azure.com"));
/// assert!(handshake.headers.contains_key("api-key"));
/// # Ok::<_, realtime_core::endpoint::EndpointError>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    place: Place,
    websocket_base: Option<String>,
    extras: Extras,
    browser: bool,
    beta: bool,
    dialect: Option<Dialect>,
}

#[derive(Clone)]
enum Place {
    Base(String),
    Exact(String),
    Azure { resource: String },
    AzurePreview { resource: String, api_version: String },
}

impl Endpoint {
    /// OpenAI's API: `https://api.openai.com/v1`.
    pub fn openai() -> Self {
        Self::gateway(OPENAI)
    }

    /// Any server that speaks the protocol, by the base URL of its API, such as `https://gateway.example/v1`. `http`,
    /// `wss` and `ws`, a port, a path and a query are accepted, and so is a trailing `/realtime`. The address of an
    /// Azure deployment is rejected, because Azure has rules of its own.
    pub fn gateway(base: impl Into<String>) -> Self {
        Self::at(Place::Base(base.into()))
    }

    /// The exact URL of the WebSocket. No path and no parameter is added for any [`Target`], except the query
    /// parameters of [`Extras`]. `http` and `https` are converted to `ws` and `wss`.
    ///
    /// ```
    /// use realtime_core::{auth::Credential, endpoint::{Endpoint, Extras, Target}};
    ///
    /// let url = "wss://name.services.ai.azure.com/voice-live/realtime?api-version=2025-10-01&agent_id=a";
    /// let handshake = Endpoint::exact(url).handshake(&Target::Unnamed, &Credential::None, &Extras::new())?;
    /// assert_eq!(handshake.uri, url);
    /// # Ok::<_, realtime_core::endpoint::EndpointError>(())
    /// ```
    pub fn exact(url: impl Into<String>) -> Self {
        Self::at(Place::Exact(url.into()))
    }

    /// Azure, generally available form: `wss://<resource>/openai/v1/realtime?model=<deployment>`.
    ///
    /// `resource` is the resource's URL, such as `https://name.openai.azure.com`. A trailing `/openai`, `/openai/v1` or
    /// `/openai/deployments/..` is accepted, also in front of `/realtime`. `http` becomes `wss`, because Azure requires
    /// TLS; an explicit `ws` is not changed. An `api-version` or `deployment` in the URL, as shown by Azure's portal,
    /// or in the endpoint's own query is dropped; one set for a connection is sent.
    pub fn azure(resource: impl Into<String>) -> Self {
        Self::at(Place::Azure { resource: resource.into() })
    }

    /// Azure, older preview form: `wss://<resource>/openai/realtime?api-version=<api_version>&deployment=<deployment>`.
    /// `resource` is interpreted as by [`azure`](Self::azure). This form has no translation and uses the
    /// [flat](Dialect::Flat) dialect.
    pub fn azure_preview(resource: impl Into<String>, api_version: impl Into<String>) -> Self {
        Self::at(Place::AzurePreview { resource: resource.into(), api_version: api_version.into() })
    }

    fn at(place: Place) -> Self {
        Self { place, websocket_base: None, extras: Extras::new(), browser: false, beta: false, dialect: None }
    }

    /// Sets a separate base URL for WebSockets, including its path and query: the part before `/realtime`, also for
    /// Azure. `http` and `https` are converted to `ws` and `wss`.
    pub fn websocket_base(mut self, base: impl Into<String>) -> Self {
        self.websocket_base = Some(base.into());
        self
    }

    /// Sets the query parameters and headers of every connection, replacing earlier ones.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Adds query parameters and headers to every connection.
    pub(crate) fn and(mut self, more: Extras) -> Self {
        self.extras = self.extras.and(more);
        self
    }

    /// Sends credential, organization and project as subprotocols instead of headers, for transports that cannot set
    /// headers, such as a browser's WebSocket. Off by default.
    ///
    /// A web page exposes its key, so use an [ephemeral](Credential::Ephemeral) one. The browser sets the user agent;
    /// any other header is an error. Not supported by Azure.
    pub fn browser(mut self, browser: bool) -> Self {
        self.browser = browser;
        self
    }

    /// Sends `OpenAI-Beta: realtime=v1` (in the browser form, the subprotocol `openai-beta.realtime-v1`) for servers of
    /// the beta. Off by default: OpenAI closes such connections with code 4000.
    pub fn beta(mut self, beta: bool) -> Self {
        self.beta = beta;
        self
    }

    /// Sets the dialect in which events are sent. Defaults to the current form, and to the flat form for
    /// [`azure_preview`](Self::azure_preview). Incoming events are accepted in both forms.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// The dialect set, or the default of this endpoint.
    pub(crate) fn spoken(&self) -> Dialect {
        self.dialect.unwrap_or(match self.place {
            Place::AzurePreview { .. } => Dialect::Flat,
            Place::Base(_) | Place::Exact(_) | Place::Azure { .. } => Dialect::Current,
        })
    }

    /// Creates the handshake. Deterministic: depends on the arguments only.
    ///
    /// # Errors
    /// The configuration is invalid. A retry cannot succeed.
    pub fn handshake(
        &self,
        target: &Target,
        credential: &Credential,
        extras: &Extras,
    ) -> Result<Handshake, EndpointError> {
        let mut resolved = self.resolve(target, extras)?;
        match self.browser {
            true => resolved.subprotocols = headers::subprotocols(self, credential, extras)?,
            false => resolved.headers = headers::headers(self, credential, extras)?,
        }
        resolved.websocket()
    }

    /// Creates a request of the REST API at the same server, without a body. The path is appended to the base URL, each
    /// segment escaped as needed, with the same URL and header rules as for a WebSocket. `ws` and `wss` are converted
    /// to `http` and `https`.
    ///
    /// ```
    /// use http::Method;
    /// use realtime_core::{auth::Credential, endpoint::{Endpoint, Extras}};
    ///
    /// let endpoint = Endpoint::gateway("https://gateway.example/v1?tenant=7");
    /// let path = ["realtime", "calls", "rtc/1", "hangup"];
    /// let request = endpoint.request(Method::POST, &path, &Credential::None, &Extras::new())?;
    /// assert_eq!(*request.uri(), "https://gateway.example/v1/realtime/calls/rtc%2F1/hangup?tenant=7");
    /// # Ok::<_, realtime_core::endpoint::EndpointError>(())
    /// ```
    ///
    /// # Errors
    /// The configuration is invalid, or the endpoint supports WebSockets only: an [exact](Self::exact) URL, or Azure's
    /// [preview](Self::azure_preview).
    pub fn request(
        &self,
        method: Method,
        path: &[&str],
        credential: &Credential,
        extras: &Extras,
    ) -> Result<Request<()>, EndpointError> {
        let mut resolved = self.resolve_path(path, extras)?;
        resolved.headers = headers::headers(self, credential, extras)?;
        resolved.http(method)
    }

    pub(crate) fn is_azure(&self) -> bool {
        matches!(self.place, Place::Azure { .. } | Place::AzurePreview { .. })
    }
}

/// Returns [`Endpoint::openai`].
impl Default for Endpoint {
    fn default() -> Self {
        Self::openai()
    }
}

/// Hides what may be secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Text that is not a URL may be anything, such as a misplaced key.
        let url = |text: &str| Base::parse(text).map_or_else(|_| "***".into(), |base| base.to_string());
        let mut f = f.debug_struct("Endpoint");
        match &self.place {
            Place::Base(base) => f.field("base", &format_args!("{}", url(base))),
            Place::Exact(exact) => f.field("exact", &format_args!("{}", url(exact))),
            Place::Azure { resource } => f.field("azure", &format_args!("{}", url(resource))),
            Place::AzurePreview { resource, api_version } => {
                f.field("azure", &format_args!("{}", url(resource))).field("api_version", api_version)
            }
        };
        if let Some(base) = &self.websocket_base {
            f.field("websocket_base", &format_args!("{}", url(base)));
        }
        f.field("extras", &self.extras).field("browser", &self.browser).field("beta", &self.beta);
        f.field("dialect", &self.spoken()).finish()
    }
}
