use std::{error, fmt, pin::pin, sync::Arc, time::Duration};

use futures::future::{Either, select};

use super::{
    Operation, RestError,
    client_secrets::{self, ClientSecret},
};
use crate::{
    Secret,
    auth::{CredentialError, Credentials},
    endpoint::{Endpoint, EndpointError, Extras},
    transport::{Http, Timer, TransportError, TransportErrorKind, secret_words},
};

/// Sends requests of the REST API: see [`Client::rest`](crate::Client::rest).
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Rest {
    http: Option<Arc<dyn Http>>,
    timer: Arc<dyn Timer>,
    endpoint: Endpoint,
    credentials: Credentials,
    extras: Extras,
    timeout: Option<Duration>,
}

impl Rest {
    pub(crate) fn new(
        http: Option<Arc<dyn Http>>,
        timer: Arc<dyn Timer>,
        endpoint: Endpoint,
        credentials: Credentials,
    ) -> Self {
        Self { http, timer, endpoint, credentials, extras: Extras::new(), timeout: None }
    }

    /// How long an answer is awaited, the credential's callback included, in place of [`Operation::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A query parameter.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.extras = self.extras.query(name, value);
        self
    }

    /// A header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.extras = self.extras.header(name, value);
        self
    }

    /// Query parameters and headers, in place of those set before.
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Sends a request and reads its answer. Nothing is retried and no redirect is followed.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the request, which the server may have received.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn send<O: Operation>(&self, operation: &O) -> Result<O::Answer, RequestError> {
        let timeout = self.timeout.unwrap_or_else(|| operation.timeout());
        let deadline = self.timer.sleep_until(self.timer.now() + timeout);
        match select(pin!(self.exchange(operation)), deadline).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(RequestError::TimedOut(timeout)),
        }
    }

    /// Creates a short-lived key, which a server makes for a browser or another client:
    /// [`client_secrets::Create`], or the configuration of the session that the key opens.
    ///
    /// # Cancel safety
    /// As of [`send`](Self::send).
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn client_secret(&self, create: impl Into<client_secrets::Create>) -> Result<ClientSecret, RequestError> {
        self.send(&create.into()).await
    }

    async fn exchange<O: Operation>(&self, operation: &O) -> Result<O::Answer, RequestError> {
        let http = self.http.as_ref().ok_or(RequestError::NoHttp)?;
        let credential = self.credentials.resolve().await.map_err(RequestError::Credential)?;
        let request = operation.request(&self.endpoint, &credential, &self.extras).map_err(RequestError::Invalid)?;
        let headers = request.headers().clone();
        let answer = http.send(request).await.map_err(RequestError::Http)?;
        operation.read(answer).map_err(|error| {
            let secrets: Vec<_> = secret_words(&headers).collect();
            RequestError::Answer(error.hide(&secrets))
        })
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest")
            .field("http", &self.http)
            .field("endpoint", &self.endpoint)
            .field("credentials", &self.credentials)
            .field("extras", &self.extras)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why a request of the REST API has no usable answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// The client has no HTTP client: turn on the feature `http` of the transport, or give one to
    /// [`ClientBuilder::http`](crate::ClientBuilder::http). Nothing was sent.
    NoHttp,
    /// The callback that was asked for the credential failed. Nothing was sent.
    Credential(CredentialError),
    /// The endpoint or the request is invalid, such as an empty id. Nothing was sent.
    Invalid(EndpointError),
    /// There is no answer. Unless it [was not sent](RequestError::is_unsent), the server may have carried it out.
    Http(TransportError),
    /// There was no answer within this time. The server may have carried the request out.
    TimedOut(Duration),
    /// The server's answer is a refusal, or cannot be read.
    Answer(RestError),
}

impl RequestError {
    /// The server's answer, if there is one.
    pub fn answer(&self) -> Option<&RestError> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether nothing reached the server, so that another attempt does nothing twice.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::NoHttp | Self::Credential(_) | Self::Invalid(_) => true,
            Self::Http(error) => matches!(
                error.kind(),
                TransportErrorKind::Connect | TransportErrorKind::Proxy | TransportErrorKind::Tls
            ),
            Self::TimedOut(_) | Self::Answer(_) => false,
        }
    }

    /// Whether another attempt may succeed. A request that places a call should only be repeated if it
    /// [was not sent](Self::is_unsent): the first may have rung.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoHttp | Self::Invalid(_) => false,
            Self::Credential(_) | Self::TimedOut(_) => true,
            Self::Http(error) => error.is_retryable(),
            Self::Answer(error) => error.is_retryable(),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHttp => f.write_str(
                "there is no HTTP client to send the request with: turn on the feature `http`, or give one to \
                 `ClientBuilder::http`",
            ),
            Self::Credential(_) => f.write_str("could not obtain a credential for the request"),
            Self::Invalid(_) => f.write_str("the request is invalid and was not sent"),
            Self::Http(_) => f.write_str("the request was not answered"),
            Self::TimedOut(time) => write!(f, "the request was not answered within {time:?}"),
            Self::Answer(error) => error.fmt(f),
        }
    }
}

impl error::Error for RequestError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::NoHttp | Self::TimedOut(_) => None,
            Self::Credential(error) => Some(error),
            Self::Invalid(error) => Some(error),
            Self::Http(error) => Some(error),
            // Its own words were written.
            Self::Answer(error) => error.source(),
        }
    }
}
