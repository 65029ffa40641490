//! Where to connect: the rules of URLs and headers, as one pure function, [`Endpoint::handshake`].
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
//! - `http` becomes `ws` and `https` becomes `wss`; slashes at the end of the path go, and `/realtime` or
//!   `/realtime/translations` comes. Host, port and the rest stay as they are written.
//! - A base that already ends in `/realtime`, the whole address as a portal shows it, is understood as what comes
//!   before that. An [exact](Endpoint::exact) URL is not changed.
//! - The query has four layers: the endpoint's [`Extras`], the base URL's query, the target, this connection's
//!   `Extras`. A later layer replaces every earlier value of the same name. What a base URL brings keeps its spelling;
//!   what is added is form-encoded, so a space is `+`.
//! - The first two layers never choose the target: a `model`, `call_id` or `intent` in them is replaced or dropped,
//!   except where the target is [`Target::Unnamed`].
//! - This connection's `model` replaces the target's, for a server that knows the model by another name. Its
//!   `call_id`, `intent`, `deployment` and `api-version` do not replace those of the target or the endpoint.
//! - A second target in this connection's query is [`EndpointError::TwoTargets`], but `model` and
//!   `intent=transcription` may stand together, for gateways that choose the server of a transcription by its model.
//!
//! # The headers
//! Three layers: the credential, the endpoint's `Extras`, this connection's `Extras`. Names are compared without case,
//! a later one replaces, [`Extras::without_header`] removes. A redirect must not be followed with them.

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
    /// A new conversation with a model; at an Azure endpoint the name of a deployment.
    Model(String),
    /// A call that is under way, by its id: to watch and to steer it beside the one who talks.
    Call(String),
    /// Transcription alone. The model is set later, in the session.
    ///
    /// The preview form of Azure asks for a deployment too: give it as a query parameter of that name.
    Transcription,
    /// Translation, with this model.
    Translation(String),
    /// A new session whose model is not named in the URL: for servers that take none there, and for
    /// [exact](Endpoint::exact) URLs. What the base URL itself names stays.
    Unnamed,
    /// The WebSocket at this path beneath the base URL, by its segments: `live`, `sessions` for `/live/sessions`. Each is
    /// escaped as needed. No parameter is added.
    Path(Vec<String>),
}

impl Target {
    /// The WebSocket at this path beneath the base URL.
    pub fn path<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::Path(segments.into_iter().map(Into::into).collect())
    }
}

/// A server of the Realtime API: where it is, how its URLs are made, what every connection to it carries.
///
/// Nothing is checked before a [`handshake`](Self::handshake) is made.
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
    /// OpenAI's own: `https://api.openai.com/v1`.
    pub fn openai() -> Self {
        Self::gateway(OPENAI)
    }

    /// Any server that speaks the protocol, by the base URL of its API, such as `https://gateway.example/v1`: also
    /// `http`, `wss` or `ws`, with a port, a path and a query. The whole address, with `/realtime` at its end, is
    /// understood as well; that of an Azure deployment is refused, since Azure has rules of its own.
    pub fn gateway(base: impl Into<String>) -> Self {
        Self::at(Place::Base(base.into()))
    }

    /// The URL of the WebSocket itself, which is not changed: no path and no parameter is added, whatever the
    /// [`Target`], but for the query parameters of [`Extras`]. `http` and `https` are understood as `ws` and `wss`.
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

    /// Azure, in the form that is generally available: `wss://<resource>/openai/v1/realtime?model=<deployment>`.
    ///
    /// `resource` is the resource's URL, such as `https://name.openai.azure.com`; with `/openai`, `/openai/v1` or
    /// `/openai/deployments/..` at its end, also before a `/realtime`, it is understood as well. Azure is always spoken to by `wss`, so `http` becomes
    /// that too; `ws`, if it is written, stays. An `api-version` or a `deployment` in the URL, as Azure's portal shows
    /// it, or in the endpoint's own query is dropped; one that a connection asks for is sent.
    pub fn azure(resource: impl Into<String>) -> Self {
        Self::at(Place::Azure { resource: resource.into() })
    }

    /// Azure, in the older form of the previews:
    /// `wss://<resource>/openai/realtime?api-version=<api_version>&deployment=<deployment>`. The resource is read as by
    /// [`azure`](Self::azure). It has no translation, and takes the [flat](Dialect::Flat) form of the protocol.
    pub fn azure_preview(resource: impl Into<String>, api_version: impl Into<String>) -> Self {
        Self::at(Place::AzurePreview { resource: resource.into(), api_version: api_version.into() })
    }

    fn at(place: Place) -> Self {
        Self { place, websocket_base: None, extras: Extras::new(), browser: false, beta: false, dialect: None }
    }

    /// A base URL for WebSockets alone, in place of the other one with all of its path and query: what comes before
    /// `/realtime`, also at Azure. `http` and `https` are understood as `ws` and `wss`.
    pub fn websocket_base(mut self, base: impl Into<String>) -> Self {
        self.websocket_base = Some(base.into());
        self
    }

    /// What every connection carries, in place of what was set before.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Adds to what every connection carries.
    pub(crate) fn and(mut self, more: Extras) -> Self {
        self.extras = self.extras.and(more);
        self
    }

    /// Sends the credential, the organisation and the project as subprotocols and nothing as a header, for a transport
    /// that cannot set headers, as a browser's socket. Off by default.
    ///
    /// A page shows its key to whoever reads it: give an [ephemeral](Credential::Ephemeral) one. The user agent is left
    /// to the browser; any other header is an error. Azure does not know this form.
    pub fn browser(mut self, browser: bool) -> Self {
        self.browser = browser;
        self
    }

    /// Sends `OpenAI-Beta: realtime=v1` (in the browser form the subprotocol `openai-beta.realtime-v1`), for servers of
    /// the beta's time. Off by default: the service closes such connections with code 4000.
    pub fn beta(mut self, beta: bool) -> Self {
        self.beta = beta;
        self
    }

    /// The form of the protocol that the server takes: what is sent to it is put into its words. By default the current
    /// form, and at [`azure_preview`](Self::azure_preview) the flat one. What arrives is read in either form.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// The dialect that was chosen, or the one that comes with the place.
    pub(crate) fn spoken(&self) -> Dialect {
        self.dialect.unwrap_or(match self.place {
            Place::AzurePreview { .. } => Dialect::Flat,
            Place::Base(_) | Place::Exact(_) | Place::Azure { .. } => Dialect::Current,
        })
    }

    /// What to connect with: the same for the same arguments, whatever the time and the environment.
    ///
    /// # Errors
    /// Something that was given cannot be used. Another attempt fares no better.
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

    /// A request of the REST API at the same server, without a body: the path beneath the base URL, of which each segment
    /// is escaped as needed, and by the rules of URLs and headers that a WebSocket has. `ws` and `wss` are understood as
    /// `http` and `https`.
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
    /// Something that was given cannot be used, or the endpoint is one of WebSockets alone: an
    /// [exact](Self::exact) URL, or Azure's [preview](Self::azure_preview).
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

    fn is_azure(&self) -> bool {
        matches!(self.place, Place::Azure { .. } | Place::AzurePreview { .. })
    }
}

/// [`Endpoint::openai`].
impl Default for Endpoint {
    fn default() -> Self {
        Self::openai()
    }
}

/// Without what may be secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is no URL may be anything: also a key in the wrong place.
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
