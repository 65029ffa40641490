//! The upgrade from HTTP to WebSocket (RFC 6455, section 4), as bytes to send and bytes to look at.
//!
//! It is done here and not by tungstenite because that logs the request, with its credentials, at trace level.

use std::{fmt::Write, io::ErrorKind};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use realtime_core::{
    endpoint::Handshake,
    transport::{TransportError, TransportErrorKind},
};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::{convert::io, head::Head, stream::ByteStream};

/// As much of a refusal's body as is waited for, in bytes.
const MAX_BODY: usize = 4096;

/// A stream whose server has agreed to speak WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upgraded {
    /// The stream.
    pub stream: ByteStream,
    /// What came behind the server's answer: the first bytes of the WebSocket.
    pub rest: Vec<u8>,
    /// The headers of the answer.
    pub headers: HeaderMap,
}

/// Asks the server at the other end of a stream to speak WebSocket.
///
/// # Errors
/// The server refuses, or what it says is no answer.
pub async fn upgrade(mut stream: ByteStream, handshake: &Handshake) -> Result<Upgraded, TransportError> {
    let upgrade = Upgrade::new(handshake)?;
    stream.say(upgrade.request.as_bytes()).await?;
    let mut received = Vec::with_capacity(1024);
    let accepted = loop {
        let ended = !stream.read_more(&mut received).await?;
        if let Some(accepted) = upgrade.answer(&received, ended)? {
            break accepted;
        }
    };
    let rest = received.split_off(accepted.length);
    Ok(Upgraded { stream, rest, headers: accepted.headers })
}

/// One attempt to upgrade a stream.
struct Upgrade {
    request: String,
    accept: String,
    offered: Vec<String>,
}

/// The server's consent.
struct Accepted {
    /// The headers of its answer.
    headers: HeaderMap,
    /// How many of the received bytes the answer takes. What follows is the first of the WebSocket.
    length: usize,
}

impl Upgrade {
    /// Prepares the request.
    ///
    /// # Errors
    /// The handshake has no host.
    fn new(handshake: &Handshake) -> Result<Self, TransportError> {
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

    /// Looks at all that was received so far. None: read more.
    ///
    /// # Errors
    /// The server refuses, or what it says is no answer to this request.
    fn answer(&self, received: &[u8], ended: bool) -> Result<Option<Accepted>, TransportError> {
        let Some(Head { status, headers, length }) = Head::read(received)? else {
            return if ended { Err(io(ErrorKind::UnexpectedEof.into())) } else { Ok(None) };
        };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            self.check(&headers)?;
            return Ok(Some(Accepted { headers, length }));
        }
        // The body says why, often in a segment of its own.
        let body = &received[length..];
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if !ended && body.len() < MAX_BODY.min(announced.unwrap_or(0)) {
            return Ok(None);
        }
        Err(TransportError::rejected(status, headers, Bytes::copy_from_slice(body)))
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

fn protocol(what: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Protocol, what)
}
