//! The upgrade from HTTP to WebSocket (RFC 6455, section 4), as bytes to send and bytes to look at.
//!
//! It is done here and not by tungstenite because that logs the request, with its credentials, at trace level.

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
    close::ReceivedClose,
    convert::{io, link},
    head::{Head, Progress},
    stream::ByteStream,
};

/// How long a server that has refused may take to say why.
const REFUSAL_WAIT: Duration = Duration::from_secs(2);

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
    /// Tells the close frame as it was sent: for [`duplex`](crate::duplex).
    pub close: ReceivedClose,
}

/// Asks the server at the other end of a stream to speak WebSocket.
///
/// A status other than 101 decides as soon as it is read. For its headers and its body two seconds of the timer are
/// waited, and what came until then is told; informational answers (1xx) are passed over.
///
/// # Errors
/// The server refuses, or what it says is no answer.
pub async fn upgrade(
    mut stream: ByteStream,
    handshake: &Handshake,
    timer: &dyn Timer,
) -> Result<Upgraded, TransportError> {
    let upgrade = Upgrade::new(handshake)?;
    // Who refuses at once may have hung up before all of it was written: what it says is read all the same.
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
                    // Once the server speaks, it is no longer a question of trust.
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
    let close = stream.follow(&rest);
    Ok(Upgraded { stream, rest, headers: accepted.headers, close })
}

/// One attempt to upgrade a stream.
struct Upgrade {
    request: String,
    accept: String,
    offered: Vec<String>,
}

/// What the server has answered so far.
enum UpgradeAnswer {
    Open,
    Refused(Refusal),
    Accepted(Accepted),
}

/// The server's refusal, as far as it was read.
struct Refusal {
    error: TransportError,
    /// Whether there is nothing more to wait for.
    is_whole: bool,
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
            let value = value.to_str().map_err(|_| protocol("a header value that is no visible text"))?;
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request.push_str("\r\n");
        let offered = handshake.subprotocols.clone();
        Ok(Self { request, accept: derive_accept_key(key.as_bytes()), offered })
    }

    /// Looks at all that was received so far.
    ///
    /// # Errors
    /// What the server says is no answer to this request.
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
        // The body says why, often in a segment of its own.
        let Body { bytes, is_whole } = Body::read(status, &headers, received.get(length..).unwrap_or_default());
        Ok(UpgradeAnswer::Refused(Refusal { error: TransportError::rejected(status, headers, bytes.into()), is_whole }))
    }

    /// Reads on, for what else the server says of its refusal: as long as it goes on, and no longer than is waited.
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
                // What was a refusal stays one.
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

/// What the `Host` header says: the port only where it is not the scheme's own, as browsers write it.
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
