//! The REST API of the Realtime service as values: typed requests and responses for any HTTP client.
//!
//! An [`Operation`] is a typed request. [`request`](Operation::request) converts it to an [`http::Request`], with the same
//! rules for URL, credential and headers as a WebSocket of the same [`Endpoint`]; [`read`](Operation::read) converts the
//! [`http::Response`] to a typed result.
//!
//! | resource | operations |
//! |---|---|
//! | [`client_secrets`] | ephemeral keys for browsers and other clients |
//! | [`calls`] | create WebRTC calls; accept, reject, transfer and hang up SIP calls |
//! | [`live_sessions`] | create, accept, reject, transfer, hang up and fork Live sessions; download recordings |
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use realtime_core::{
//!     auth::Credential,
//!     endpoint::{Endpoint, Extras},
//!     rest::{Operation, client_secrets},
//!     types::RealtimeSessionConfig,
//! };
//!
//! # fn send(_: Request<Bytes>) -> Response<Bytes> {
//! #     Response::new(r#"{"value":"ek_1","expires_at":1796000600,"session":{"type":"realtime"}}"#.into())
//! # }
//! let session = RealtimeSessionConfig::default().model("gpt-realtime").voice("marin");
//! let create = client_secrets::Create::default().session(session).expires_in(600);
//! let request = create.request(&Endpoint::openai(), &Credential::api_key("sk-1"), &Extras::new())?;
//! // `send` is your HTTP client: reqwest and hyper take such a request as it is.
//! let secret = create.read(send(request))?;
//! assert_eq!(secret.value.expose(), "ek_1");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Client::rest`](crate::Client::rest) sends operations by itself, over any [`Http`](crate::transport::Http) client and
//! within a deadline:
//!
//! ```
//! # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::rest::RequestError> {
//! use realtime_core::{rest::calls, types::RealtimeSessionConfig};
//!
//! let session = RealtimeSessionConfig::default().model("gpt-realtime");
//! let secret = client.rest().client_secret(session).await?;
//! client.rest().send(&calls::HangUp::new("rtc_1")).await?;
//! # drop(secret); Ok(()) }
//! ```
//!
//! Nothing is retried. [`RestError::is_retryable`] tells whether a retry may succeed; do not retry a request that places a
//! call automatically, because the first attempt may have rung.

pub mod calls;
mod client;
pub mod client_secrets;
mod error;
pub mod live_sessions;
mod multipart;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    client::{RequestError, Rest},
    error::{RestError, RestErrorKind},
};
pub use crate::answer::BodyKind;
use crate::{
    auth::Credential,
    endpoint::{Endpoint, EndpointError, Extras},
};

/// The default timeout of a request: 60 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The default timeout of a request that rings a telephone, which may take 180 s.
const RINGING_TIMEOUT: Duration = Duration::from_secs(200);

/// A request of the REST API, and how its response is read.
///
/// Implement it for endpoints that this crate does not have.
pub trait Operation {
    /// Type of a successful response.
    type Answer;

    /// The request, independent of the server's address.
    fn parts(&self) -> Parts<'_>;

    /// The default timeout of [`Rest`]: [`DEFAULT_TIMEOUT`], and longer for requests that ring a telephone.
    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT
    }

    /// Builds the HTTP request. Pass its response to [`read`](Self::read).
    ///
    /// `extras` are query parameters and headers of this request, applied after those of the endpoint: an organization, a
    /// project, a safety identifier.
    ///
    /// # Errors
    /// An argument is invalid, such as an empty id. A retry cannot succeed.
    fn request(
        &self,
        endpoint: &Endpoint,
        credential: &Credential,
        extras: &Extras,
    ) -> Result<Request<Bytes>, EndpointError> {
        let Parts { method, path, accept, content_type, body } = self.parts();
        let (mut head, ()) = endpoint.request(method.clone(), &path, credential, extras)?.into_parts();
        head.headers.entry(ACCEPT).or_insert(HeaderValue::from_static(accept));
        if let Some(content_type) = content_type {
            head.headers.insert(CONTENT_TYPE, content_type);
        }
        if method != Method::GET {
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Ok(Request::from_parts(head, body))
    }

    /// Parses the response to this request.
    ///
    /// # Errors
    /// The status is outside 2xx, or the body is not the expected one.
    fn read(&self, answer: Response<Bytes>) -> Result<Self::Answer, RestError>;
}

/// A request, independent of the server's address.
///
/// `Debug` omits the body, which may contain secrets.
#[derive(Clone)]
pub struct Parts<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The path segments below the base URL.
    pub path: Vec<&'a str>,
    /// Acceptable content type of the response: the header `Accept`.
    pub accept: &'static str,
    /// Content type of the body, if there is one.
    pub content_type: Option<HeaderValue>,
    /// The request body.
    pub body: Bytes,
}

impl<'a> Parts<'a> {
    /// A POST with a JSON body.
    fn json(path: Vec<&'a str>, accept: &'static str, body: &impl Serialize) -> Self {
        let content_type = Some(HeaderValue::from_static(JSON));
        Self { method: Method::POST, path, accept, content_type, body: json(body) }
    }

    /// Without a body.
    fn bare(method: Method, path: Vec<&'a str>, accept: &'static str) -> Self {
        Self { method, path, accept, content_type: None, body: Bytes::new() }
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "see the proof beside it")]
fn json(value: &impl Serialize) -> Bytes {
    // Serialising to memory fails only where a type's own `Serialize` does or a map's key is no string: no type of
    // this crate has either.
    serde_json::to_vec(value).expect("requests have a JSON form").into()
}

const ANY: &str = "*/*";
const JSON: &str = "application/json";

/// An answer that has a body to be read.
fn successful(answer: Response<Bytes>) -> Result<Response<Bytes>, RestError> {
    if answer.status().is_success() { Ok(answer) } else { Err(RestError::refused(&answer)) }
}

/// An answer whose body says nothing.
fn acknowledged(answer: Response<Bytes>) -> Result<(), RestError> {
    successful(answer).map(drop)
}

/// An answer whose body is JSON.
fn read_json<T: DeserializeOwned>(answer: Response<Bytes>) -> Result<T, RestError> {
    let answer = successful(answer)?;
    serde_json::from_str(text(&answer)?).map_err(|error| RestError::unreadable(&answer, error.to_string()))
}

fn text(answer: &Response<Bytes>) -> Result<&str, RestError> {
    std::str::from_utf8(answer.body()).map_err(|error| RestError::unreadable(answer, error.to_string()))
}

/// An SDP (RFC 8866, section 5: it begins with its version), byte for byte.
fn read_sdp(answer: &Response<Bytes>) -> Result<String, RestError> {
    let text = text(answer)?;
    match text.starts_with("v=") {
        true => Ok(text.to_owned()),
        false => Err(RestError::unreadable(answer, "the body is no SDP")),
    }
}
