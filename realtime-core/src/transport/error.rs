use std::{error, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::answer;

type Source = Box<dyn error::Error + Send + Sync>;

/// Why a connection could not be opened, or broke.
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

/// What went wrong, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The server could not be reached: no such name, refused, unreachable.
    Connect,
    /// The server answered the handshake with this status in place of 101.
    Rejected {
        /// The answer's status.
        status: StatusCode,
    },
    /// A proxy on the way refused.
    Proxy,
    /// Too slow.
    Timeout,
    /// No trust: the certificate, its name, its dates, the versions.
    Tls,
    /// One side broke the rules of WebSocket or of HTTP.
    Protocol,
    /// A message over the limit.
    TooLarge,
    /// The connection broke.
    Io,
}

impl TransportError {
    /// An error of a kind, with what caused it.
    pub fn new(kind: TransportErrorKind, source: impl Into<Source>) -> Self {
        Self(Box::new(Inner { kind, source: Some(source.into()), response: None }))
    }

    /// The server's refusal of the handshake, with as much of its answer as there is. At most 4 KiB of the body are
    /// kept.
    pub fn rejected(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let body = Bytes::copy_from_slice(&body[..body.len().min(4096)]);
        let kind = TransportErrorKind::Rejected { status };
        Self(Box::new(Inner { kind, source: None, response: Some(Response { headers, body }) }))
    }

    /// What went wrong, in a word.
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// The headers of a refusal.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.response.as_ref().map(|response| &response.headers)
    }

    /// The start of a refusal's body.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.response.as_ref().map(|response| &*response.body)
    }

    /// How long the server asks to wait before another attempt: what a refusal's `retry-after-ms` or `Retry-After`
    /// says, in seconds or as a date. A date needs the time since the Unix epoch, as
    /// [`Timer::unix`](super::Timer::unix) gives it.
    pub fn retry_after(&self, unix: Option<Duration>) -> Option<Duration> {
        answer::retry_after(self.headers()?, unix)
    }

    /// Whether another attempt may fare better: not after a failed trust, a broken rule or a refusal, but for
    /// "too many requests" and the errors of an overloaded server (408, 425, 429, 5xx). Where the server answers
    /// `x-should-retry: true` or `false`, as OpenAI does, that decides.
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
            TransportErrorKind::Timeout => f.write_str("the transport took too long"),
            TransportErrorKind::Tls => f.write_str("no trusted connection: TLS failed"),
            TransportErrorKind::Protocol => f.write_str("the WebSocket protocol was broken"),
            TransportErrorKind::TooLarge => f.write_str("a message is over the limit"),
            TransportErrorKind::Io => f.write_str("the connection broke"),
        }
    }
}

/// Without the headers and the body of a refusal: they may hold anything.
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
