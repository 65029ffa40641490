//! The REST API of the Realtime service, as values: what to send and what an answer says, for any HTTP client.
//!
//! An [`Operation`] is a typed request. [`request`](Operation::request) makes an [`http::Request`] of it, by the rules
//! that a WebSocket of the same [`Endpoint`] has for its URL, its credential and its headers;
//! [`read`](Operation::read) makes a typed answer or a typed error of the [`http::Response`].
//!
//! | resource | operations |
//! |---|---|
//! | [`client_secrets`] | a short-lived key for a browser or another client: to converse, to transcribe, to translate |
//! | [`calls`] | a WebRTC call from its SDP offer; a SIP call accepted, rejected, referred, hung up |
//! | [`live_sessions`] | a Live session created, accepted, rejected, referred, hung up, forked; its recording |
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
//! Nothing here repeats a request. [`RestError::is_retryable`] says whether another attempt may fare better; a request
//! that places a call is better not repeated without asking, for the first may have rung.

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

/// How long an answer is awaited, unless set otherwise: 60 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the answer to a request that rings somebody is awaited: it may ring for 180 s.
const RINGING_TIMEOUT: Duration = Duration::from_secs(200);

/// One request of the REST API: what is sent, and how its answer is read.
///
/// The structs of this module's resources implement it; a request of another path is another implementation.
pub trait Operation {
    /// Type of a successful response.
    type Answer;

    /// The request, independent of the server's address.
    fn parts(&self) -> Parts<'_>;

    /// How long [`Rest`] waits for the answer, unless set otherwise: [`DEFAULT_TIMEOUT`] for all but a call that is
    /// placed, which may ring for three minutes.
    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT
    }

    /// The request: URL, headers and body. The answer to give to [`read`](Self::read) is this one's.
    ///
    /// `extras` are the query parameters and headers of this request, after those of the endpoint: an organization, a
    /// project, a safety identifier.
    ///
    /// # Errors
    /// Something that was given cannot be used, such as an empty id. Another attempt fares no better.
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
    /// The status is none of success (2xx), or the answer is not what this operation is answered with.
    fn read(&self, answer: Response<Bytes>) -> Result<Self::Answer, RestError>;
}

/// A request, independent of the server's address.
///
/// `Debug` leaves the body out: it may hold anything.
#[derive(Clone)]
pub struct Parts<'a> {
    /// The method.
    pub method: Method,
    /// The path beneath the base URL, by its segments.
    pub path: Vec<&'a str>,
    /// Acceptable content type of the response: the header `Accept`.
    pub accept: &'static str,
    /// Content type of the body, if there is one.
    pub content_type: Option<HeaderValue>,
    /// The body.
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
    serde_json::from_slice(answer.body()).map_err(|error| RestError::unreadable(&answer, error.to_string()))
}

/// An SDP (RFC 8866, section 5: it begins with its version), byte for byte.
fn read_sdp(answer: &Response<Bytes>) -> Result<String, RestError> {
    let text = std::str::from_utf8(answer.body());
    let text = text.map_err(|error| RestError::unreadable(answer, error.to_string()))?;
    match text.starts_with("v=") {
        true => Ok(text.to_owned()),
        false => Err(RestError::unreadable(answer, "the body is no SDP")),
    }
}
