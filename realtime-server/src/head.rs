//! The head of a request, read with limits.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};

use crate::Refusal;

/// Limits on a request for an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Maximum size of the request line and the headers in bytes. 32 KiB by default.
    pub head_bytes: usize,
    /// Maximum number of headers. 100 by default.
    pub headers: usize,
    /// Timeout for the whole request, however slowly it arrives; within a listener, for TLS too. 10 s by default.
    pub timeout: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { head_bytes: 32 << 10, headers: 100, timeout: Duration::from_secs(10) }
    }
}

impl RequestLimits {
    /// Sets the maximum size of the head in bytes.
    #[must_use]
    pub fn head_bytes(mut self, bytes: usize) -> Self {
        self.head_bytes = bytes;
        self
    }

    /// Sets the maximum number of headers.
    #[must_use]
    pub fn headers(mut self, count: usize) -> Self {
        self.headers = count;
        self
    }

    /// Sets the timeout for the whole request.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }
}

/// Why there is no head.
pub(crate) enum NoHead {
    /// It is not one, or breaks a limit.
    Refused(Refusal),
    /// The client went away, before it had sent anything if `None`.
    Gone(Option<io::Error>),
}

/// Reads a head. What follows it stays in `received`, which begins with the head until then.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    received: &mut Vec<u8>,
    limits: &RequestLimits,
) -> Result<(Request<()>, usize), NoHead> {
    let mut parsed_at = 0;
    let mut piece = [0; 2048];
    loop {
        let length = stream.read(&mut piece).await.map_err(|error| NoHead::Gone(Some(error)))?;
        if length == 0 {
            let cut = (!received.is_empty()).then(|| io::ErrorKind::UnexpectedEof.into());
            return Err(NoHead::Gone(cut));
        }
        let before = received.len();
        received.extend_from_slice(piece.get(..length).unwrap_or_default());
        // Parsed when it may be complete, and now and then in between: a client that sends byte by byte costs no more.
        if ends(received, before) || received.len() >= 2 * parsed_at || received.len() >= limits.head_bytes {
            parsed_at = received.len();
            if let Some(head) = parse(received, limits).map_err(NoHead::Refused)? {
                return Ok(head);
            }
        }
    }
}

/// Whether an empty line is among the bytes from `before` on.
fn ends(received: &[u8], before: usize) -> bool {
    let tail = received.get(before.saturating_sub(3)..).unwrap_or_default();
    tail.windows(2).any(|pair| pair == b"\n\n") || tail.windows(3).any(|three| three == b"\n\r\n")
}

/// Parses all that was received so far. `None` if there must be more.
fn parse(received: &[u8], limits: &RequestLimits) -> Result<Option<(Request<()>, usize)>, Refusal> {
    let bad = |message: &str| Refusal::error(StatusCode::BAD_REQUEST, "bad_request", message);
    let too_large = |message: &str| {
        Refusal::error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "request_header_fields_too_large", message)
    };
    let mut fields = vec![httparse::EMPTY_HEADER; limits.headers];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(received) {
        Ok(httparse::Status::Complete(length)) if length <= limits.head_bytes => length,
        Ok(httparse::Status::Partial) if received.len() < limits.head_bytes => return Ok(None),
        Ok(_) => return Err(too_large("The headers are too large.")),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large("There are too many headers.")),
        Err(httparse::Error::Version) => {
            let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
            return Err(Refusal::error(status, "http_version", "This server speaks HTTP/1.1."));
        }
        Err(_) => return Err(bad("The request is not HTTP.")),
    };
    let method = request.method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let target = request.path.and_then(|path| path.parse::<Uri>().ok());
    let (Some(method), Some(uri)) = (method, target) else {
        return Err(bad("The method or the target of the request is invalid."));
    };
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for field in &*request.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) else {
            return Err(bad("A header is invalid."));
        };
        headers.append(name, value);
    }
    let version = if request.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let mut head = Request::new(());
    (*head.method_mut(), *head.uri_mut(), *head.version_mut()) = (method, uri, version);
    *head.headers_mut() = headers;
    Ok(Some((head, length)))
}
