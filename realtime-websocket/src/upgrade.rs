//! The upgrade from HTTP to WebSocket (RFC 6455, section 4), as bytes to send and bytes to look at.
//!
//! It is done here and not by tungstenite because that logs the request, with its credentials, at trace level.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use realtime_core::{
    endpoint::Handshake,
    transport::{TransportError, TransportErrorKind},
};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

/// The largest answer that is looked at before the end of its headers, in bytes.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// One attempt to upgrade a stream.
pub struct Upgrade {
    request: String,
    accept: String,
    offered: Vec<String>,
}

/// The server's consent.
#[derive(Debug)]
pub struct Accepted {
    /// The headers of its answer.
    pub headers: HeaderMap,
    /// How many of the received bytes the answer takes. What follows is the first of the WebSocket.
    pub length: usize,
}

impl Upgrade {
    /// Prepares the request.
    ///
    /// # Errors
    /// The handshake has no host.
    pub fn new(handshake: &Handshake) -> Result<Self, TransportError> {
        let uri = &handshake.uri;
        let host = uri.authority().ok_or_else(|| protocol("the URL has no host"))?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let key = generate_key();
        let mut request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        );
        if !handshake.subprotocols.is_empty() {
            let _ = write!(request, "Sec-WebSocket-Protocol: {}\r\n", handshake.subprotocols.join(", "));
        }
        for (name, value) in &handshake.headers {
            let value = value.to_str().map_err(|_| protocol("a header value that is no visible text"))?;
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request.push_str("\r\n");
        let offered = handshake.subprotocols.clone();
        Ok(Self { request, accept: derive_accept_key(key.as_bytes()), offered })
    }

    /// The bytes to send.
    pub fn request(&self) -> &[u8] {
        self.request.as_bytes()
    }

    /// Looks at all that was received so far. None: read more.
    ///
    /// # Errors
    /// The server refuses, or what it says is no answer to this request.
    pub fn answer(&self, received: &[u8]) -> Result<Option<Accepted>, TransportError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(received) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if received.len() < MAX_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(protocol("the answer's headers have no end")),
            Err(error) => return Err(TransportError::new(TransportErrorKind::Protocol, error)),
        };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| protocol("the answer has no status"))?;
        let mut headers = HeaderMap::new();
        for field in response.headers {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
                headers.append(name, value);
            }
        }
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let body = Bytes::copy_from_slice(&received[length..]);
            return Err(TransportError::rejected(status, headers, body));
        }
        self.check(&headers)?;
        Ok(Some(Accepted { headers, length }))
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), TransportError> {
        let is = |name, expected: &str| {
            headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(expected)))
        };
        if !is(header::UPGRADE, "websocket") || !is(header::CONNECTION, "upgrade") {
            return Err(protocol("the server switched to another protocol"));
        }
        if headers.get(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|accept| accept != self.accept.as_str()) {
            return Err(protocol("the server answered another handshake"));
        }
        let chosen = headers.get(header::SEC_WEBSOCKET_PROTOCOL);
        if chosen.is_some_and(|chosen| !self.offered.iter().any(|offered| chosen == offered.as_str())) {
            return Err(protocol("the server chose a subprotocol that was not offered"));
        }
        if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            return Err(protocol("the server chose an extension that was not offered"));
        }
        Ok(())
    }
}

/// Without the request: it holds credentials.
impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgrade").finish_non_exhaustive()
    }
}

fn protocol(what: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Protocol, what)
}
