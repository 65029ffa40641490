use std::{error, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::answer;

type Source = Box<dyn error::Error + Send + Sync>;

/// A failure to connect, or of an open connection.
pub struct TransportError(Box<Inner>);

struct Inner {
    kind: TransportErrorKind,
    source: Option<Source>,
    response: Option<Response>,
}

struct Response {
    headers: HeaderMap,
    body: Bytes,
}

/// The kind of a [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The server could not be reached: unknown host, refused, unreachable.
    Connect,
    /// The server answered the handshake with a status other than 101.
    Rejected {
        /// The response status.
        status: StatusCode,
    },
    /// A proxy refused the connection.
    Proxy,
    /// Timeout.
    Timeout,
    /// TLS failed: untrusted or expired certificate, name mismatch, or no common protocol version.
    Tls,
    /// A violation of the WebSocket or HTTP protocol.
    Protocol,
    /// A message exceeded the size limit.
    TooLarge,
    /// The connection was lost.
    Io,
}

impl TransportError {
    /// Creates an error with its cause.
    pub fn new(kind: TransportErrorKind, source: impl Into<Source>) -> Self {
        Self(Box::new(Inner { kind, source: Some(source.into()), response: None }))
    }

    /// Creates an error for a refused handshake, with as much of the response as was received. Keeps at most 4 KiB of
    /// the body.
    pub fn rejected(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let body = Bytes::copy_from_slice(&body[..body.len().min(4096)]);
        let kind = TransportErrorKind::Rejected { status };
        Self(Box::new(Inner { kind, source: None, response: Some(Response { headers, body }) }))
    }

    /// The kind of the error.
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// Headers of the response that refused the handshake.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.response.as_ref().map(|response| &response.headers)
    }

    /// Beginning of the body of that response.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.response.as_ref().map(|response| &*response.body)
    }

    /// Delay that the server asks for before a retry, from `retry-after-ms` or `Retry-After`, as seconds or a date. A
    /// date requires the time since the Unix epoch, as returned by [`Timer::unix`](super::Timer::unix).
    pub fn retry_after(&self, unix: Option<Duration>) -> Option<Duration> {
        answer::retry_after(self.headers()?, unix)
    }

    /// Whether a retry may succeed. Not after a TLS failure, a protocol violation or a refusal, except for the statuses
    /// of an overloaded server (408, 425, 429, 5xx). If the server sends `x-should-retry: true` or `false`, as OpenAI
    /// does, that takes precedence.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            TransportErrorKind::Rejected { status } => {
                answer::is_retryable(status, self.headers().unwrap_or(&HeaderMap::new()))
            }
            TransportErrorKind::Connect | TransportErrorKind::Timeout | TransportErrorKind::Io => true,
            TransportErrorKind::Proxy
            | TransportErrorKind::Tls
            | TransportErrorKind::Protocol
            | TransportErrorKind::TooLarge => false,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            TransportErrorKind::Connect => f.write_str("the server could not be reached"),
            TransportErrorKind::Rejected { status } => write!(f, "the server refused the handshake: {status}"),
            TransportErrorKind::Proxy => f.write_str("the proxy refused the connection"),
            TransportErrorKind::Timeout => f.write_str("the transport timed out"),
            TransportErrorKind::Tls => f.write_str("TLS failed: no trusted connection"),
            TransportErrorKind::Protocol => f.write_str("the WebSocket protocol was violated"),
            TransportErrorKind::TooLarge => f.write_str("a message exceeds the size limit"),
            TransportErrorKind::Io => f.write_str("the connection was lost"),
        }
    }
}

/// Omits the headers and body of a refusal, which may contain anything.
impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError").field("kind", &self.0.kind).field("source", &self.0.source).finish()
    }
}

impl error::Error for TransportError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
