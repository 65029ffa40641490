//! The upgrade from HTTP to WebSocket (RFC 6455, section 4), as bytes to send and bytes to parse.
//!
//! Implemented here because tungstenite logs the request, including the credentials, at trace level.

use std::{fmt::Write, io::ErrorKind, time::Duration};

use futures::future::{Either, select};
use http::{HeaderMap, StatusCode, Uri, header};
use realtime_core::{
    endpoint::Handshake,
    transport::{Timer, TransportError, TransportErrorKind},
};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::{
    body::Body,
    convert::{io, link},
    head::{Head, Progress},
    stream::ByteStream,
};

/// Time allowed for the rest of a refusal after its status was read.
const REFUSAL_WAIT: Duration = Duration::from_secs(2);

/// A stream whose server has accepted the upgrade to WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Upgraded {
    /// The stream.
    pub stream: ByteStream,
    /// Bytes received after the response: the first bytes of the WebSocket.
    pub rest: Vec<u8>,
    /// Headers of the response.
    pub headers: HeaderMap,
}

/// Performs the WebSocket upgrade over a stream.
///
/// A status other than 101 is decisive as soon as it is read. Its headers and body are then awaited for up to two
/// seconds on `timer`, and whatever has arrived by then is reported. Informational responses (1xx) are skipped.
///
/// # Errors
/// The server refuses, or its response is invalid.
pub async fn upgrade(
    mut stream: ByteStream,
    handshake: &Handshake,
    timer: &dyn Timer,
) -> Result<Upgraded, TransportError> {
    let upgrade = Upgrade::new(handshake)?;
    // A server that refuses immediately may have closed the connection before the request was fully written. Its
    // response is read nevertheless.
    let written = stream.say(upgrade.request.as_bytes()).await;
    let mut received = Vec::with_capacity(1024);
    let accepted = loop {
        let read = stream.read_more(&mut received).await;
        match upgrade.answer(&received)? {
            UpgradeAnswer::Accepted(accepted) => break accepted,
            UpgradeAnswer::Refused(refusal) if refusal.is_whole => return Err(refusal.error),
            UpgradeAnswer::Refused(refusal) => return Err(upgrade.refusal(refusal, stream, received, timer).await),
            UpgradeAnswer::Open => {
                let failure = match read {
                    Ok(true) => continue,
                    Ok(false) => link(ErrorKind::UnexpectedEof.into()),
                    // Once the server has responded, a failure can no longer be a matter of trust.
                    Err(error) if received.is_empty() => io(error),
                    Err(error) => link(error),
                };
                return Err(match written {
                    Err(error) if failure.kind() != TransportErrorKind::Tls => error,
                    _ => failure,
                });
            }
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

/// The server's response so far.
enum UpgradeAnswer {
    Open,
    Refused(Refusal),
    Accepted(Accepted),
}

/// A refusal, as far as it was read.
struct Refusal {
    error: TransportError,
    /// Whether the refusal is complete.
    is_whole: bool,
}

/// An accepted upgrade.
struct Accepted {
    /// Headers of the response.
    headers: HeaderMap,
    /// Length of the response in bytes. Everything after it belongs to the WebSocket.
    length: usize,
}

impl Upgrade {
    /// Prepares the request.
    ///
    /// # Errors
    /// The handshake has no host.
    fn new(handshake: &Handshake) -> Result<Self, TransportError> {
        let uri = &handshake.uri;
        let host = host(uri).ok_or_else(|| protocol("the URL has no host"))?;
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
            let value = value.to_str().map_err(|_| protocol("a header value is not visible text"))?;
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request.push_str("\r\n");
        let offered = handshake.subprotocols.clone();
        Ok(Self { request, accept: derive_accept_key(key.as_bytes()), offered })
    }

    /// Parses everything received so far.
    ///
    /// # Errors
    /// The response is invalid.
    fn answer(&self, received: &[u8]) -> Result<UpgradeAnswer, TransportError> {
        let Head { status, is_old, headers, length } = match Head::read(received)? {
            Progress::Open => return Ok(UpgradeAnswer::Open),
            Progress::Status(status) => {
                let error = TransportError::rejected(status, HeaderMap::new(), Vec::new().into());
                return Ok(UpgradeAnswer::Refused(Refusal { error, is_whole: false }));
            }
            Progress::Head(head) => head,
        };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            if is_old {
                return Err(protocol("the server answered in HTTP/1.0, which has no WebSocket"));
            }
            self.check(&headers)?;
            return Ok(UpgradeAnswer::Accepted(Accepted { headers, length }));
        }
        // The body carries the reason, often in a segment of its own.
        let Body { bytes, is_whole } = Body::read(status, &headers, received.get(length..).unwrap_or_default());
        Ok(UpgradeAnswer::Refused(Refusal { error: TransportError::rejected(status, headers, bytes.into()), is_whole }))
    }

    /// Reads the rest of a refusal until it is complete, the peer stops, or the deadline expires.
    async fn refusal(
        &self,
        mut refusal: Refusal,
        mut stream: ByteStream,
        mut received: Vec<u8>,
        timer: &dyn Timer,
    ) -> TransportError {
        let mut wait = timer.sleep_until(timer.now() + REFUSAL_WAIT);
        while !refusal.is_whole {
            let goes_on = match select(Box::pin(stream.read_more(&mut received)), &mut wait).await {
                Either::Left((read, _)) => read.unwrap_or(false),
                Either::Right(_) => false,
            };
            match self.answer(&received) {
                Ok(UpgradeAnswer::Refused(more)) => refusal = more,
                // A refusal stays a refusal.
                Ok(UpgradeAnswer::Open | UpgradeAnswer::Accepted(_)) | Err(_) => break,
            }
            if !goes_on {
                break;
            }
        }
        refusal.error
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

/// Value of the `Host` header. Like a browser, it omits the scheme's default port.
fn host(uri: &Uri) -> Option<String> {
    let authority = uri.authority()?;
    let default = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    Some(match authority.port_u16() {
        Some(port) if port != default => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    })
}

fn protocol(what: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Protocol, what)
}

#[cfg(test)]
mod tests;
