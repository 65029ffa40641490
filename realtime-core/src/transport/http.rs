use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use super::TransportError;

/// An HTTP client, for the REST API: see [`Client::rest`](crate::Client::rest).
///
/// A transport that can carry HTTP as well offers it by [`Transport::http`](super::Transport::http). Any other client is
/// given to [`ClientBuilder::http`](crate::ClientBuilder::http); an adapter is a few lines, see
/// `examples/rest_reqwest.rs`.
#[async_trait]
pub trait Http: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and reads the whole answer, whatever its status. The deadline is the caller's: the future is
    /// dropped when it passes.
    ///
    /// Redirects must not be followed, because the request carries credentials. Nothing may be retried, because the
    /// request may place a call. The body of an answer must be limited.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the request, which the server may have received.
    ///
    /// # Errors
    /// There is no answer. [`TransportErrorKind`](super::TransportErrorKind) `Connect`, `Proxy` and `Tls` mean that
    /// nothing was sent.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}
