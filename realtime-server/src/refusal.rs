use std::{fmt, io::Write};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// An HTTP response that refuses a request, before any upgrade.
#[derive(Clone)]
pub struct Refusal(Box<Response<Bytes>>);

impl Refusal {
    /// Refuses with this status and body. The body is sent as JSON if it begins with `{`, and otherwise as text.
    pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let kind = if body.starts_with(b"{") { "application/json" } else { "text/plain; charset=utf-8" };
        let is_empty = body.is_empty();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        if !is_empty {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Self(Box::new(response))
    }

    /// Refuses with an error in the form of OpenAI's: `{"error": {"message": .., "type": .., "code": ..}}`. The type is
    /// `invalid_request_error` for a status below 500, and otherwise `server_error`.
    pub fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let error = serde_json::json!({ "message": message, "type": kind, "code": code, "param": null });
        Self::new(status, serde_json::json!({ "error": error }).to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().append(name, value);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers, without those of the connection.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        self.0.body()
    }

    /// The bytes of the response. The connection ends after it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = status_line(self.status());
        bytes.extend_from_slice(b"Connection: close\r\n");
        // Writing to a vector does not fail.
        let _ = write!(bytes, "Content-Length: {}\r\n", self.body().len());
        write_headers(&mut bytes, self.headers());
        bytes.extend_from_slice(self.body());
        bytes
    }
}

impl From<Refusal> for Response<Bytes> {
    fn from(refusal: Refusal) -> Self {
        *refusal.0
    }
}

impl From<Response<Bytes>> for Refusal {
    fn from(response: Response<Bytes>) -> Self {
        Self(Box::new(response))
    }
}

/// Omits the body.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("status", &self.status()).finish_non_exhaustive()
    }
}

pub(crate) fn status_line(status: StatusCode) -> Vec<u8> {
    format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default()).into_bytes()
}

/// Writes the headers and the empty line. Those of the connection itself are left out.
pub(crate) fn write_headers(bytes: &mut Vec<u8>, headers: &HeaderMap) {
    let own = [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    for (name, value) in headers.iter().filter(|(name, _)| !own.contains(name)) {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(piece);
        }
    }
    bytes.extend_from_slice(b"\r\n");
}
