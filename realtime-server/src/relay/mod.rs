//! Relaying sessions between clients and a service.

mod head;
mod pump;
mod tap;

use http::{StatusCode, header};
use realtime_core::{
    Connect, Error, ErrorKind, Protocol,
    connection::{LinkOptions, OpenLink},
    transport::{CloseFrame, TransportErrorKind},
};

use crate::{AcceptError, Incoming, Refusal};

pub use head::Head;
pub use tap::{Direction, Injector, Tap, Verdict};

/// Relays a session: connects to the service, accepts the client, and passes events both ways until both sides have
/// closed.
///
/// The decision whom to let in comes before: look at the `incoming` request, and refuse it or pass it here. Where to connect, and
/// with which key, is `upstream`, which the application makes: nothing of the client's request is passed on, not its key,
/// not its headers, not its model. What may be said is decided by the `tap`, and `()` passes everything.
///
/// ```
/// use http::StatusCode;
/// use realtime_core::Client;
/// use realtime_server::{AcceptError, Incoming, RelayEnd, relay};
///
/// async fn serve(client: &Client, incoming: Incoming) -> Result<Option<RelayEnd>, AcceptError> {
///     let known = incoming.request().credential().is_some_and(|key| key.expose() == "gw-secret");
///     if !known {
///         incoming.refuse(StatusCode::UNAUTHORIZED, r#"{"error":{"message":"unknown key"}}"#).await?;
///         return Ok(None);
///     }
///     let upstream = client.realtime().model("gpt-realtime"); // With the client's own key.
///     relay(incoming, upstream, ()).await.map(Some)
/// }
/// ```
///
/// # What it keeps
/// Events go on as the text that they came as, including what this crate does not know, in order, without loss. Each
/// direction has a bounded outbox, and what a slow peer does not take is not read from the other side. Both sides are
/// pinged. The close code and reason of one side are passed to the other; a lost service is 1011 for the client, and a lost
/// client 1001 for the service.
///
/// # Cancel safety
/// Dropping the future breaks both links.
///
/// # Errors
/// There is no session: the service could not be reached, and the client was refused with status 429, 502, 503 or 504,
/// without the service's words; or the client did not take the response.
pub async fn relay<P: Protocol>(
    incoming: Incoming,
    upstream: Connect<P>,
    tap: impl Tap,
) -> Result<RelayEnd, AcceptError> {
    let timer = upstream.timer();
    // Before the upgrade, so that a refusal can still be one of HTTP.
    let service = match upstream.link().await {
        Ok(service) => service,
        Err(error) => {
            let refusal = unreached(&error);
            // Whether the client takes the response changes nothing.
            let _ = incoming.refuse_with(refusal.clone()).await;
            return Err(AcceptError::upstream(refusal, error));
        }
    };
    let options = symmetric(incoming.options());
    let (client, _, _place) = incoming.accept().await?.into_link();
    let service = OpenLink::new(service, timer, options);
    Ok(relay_links(client, service, tap).await)
}

/// Relays between two open links: what [`relay`] does once both are open.
///
/// # Cancel safety
/// Dropping the future breaks both links.
pub async fn relay_links(client: OpenLink, upstream: OpenLink, tap: impl Tap) -> RelayEnd {
    pump::pump(client, upstream, tap).await
}

/// How a relayed session ended. Contains no payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RelayEnd {
    /// How the client's link ended.
    pub client: Result<(), Error>,
    /// How the service's link ended.
    pub upstream: Result<(), Error>,
    /// The close frame that the client sent.
    pub client_close: Option<CloseFrame>,
    /// The close frame that the service sent.
    pub upstream_close: Option<CloseFrame>,
    /// Whether the tap ended the session.
    pub closed_by_tap: bool,
    /// Number of events received from the client.
    pub events_up: u64,
    /// Number of events received from the service.
    pub events_down: u64,
    /// Bytes of the events received from the client.
    pub bytes_up: u64,
    /// Bytes of the events received from the service.
    pub bytes_down: u64,
}

/// What the client is told if the service cannot be reached. The service's own words may be about the gateway's key.
fn unreached(error: &Error) -> Refusal {
    let rejected = match error.kind() {
        ErrorKind::Transport(error) => match error.kind() {
            TransportErrorKind::Rejected { status } => Some((status, error.headers())),
            _ => None,
        },
        _ => None,
    };
    let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    match rejected {
        Some((status, headers)) if busy.contains(&status) => {
            let refusal = Refusal::error(status, "upstream_busy", "The service is busy. Try again later.");
            match headers.and_then(|headers| headers.get(header::RETRY_AFTER)) {
                Some(wait) => refusal.header(header::RETRY_AFTER, wait.clone()),
                None => refusal,
            }
        }
        None if is_timeout(error) => {
            Refusal::error(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "The service did not answer in time.")
        }
        _ => Refusal::error(StatusCode::BAD_GATEWAY, "upstream_failed", "The service could not be reached."),
    }
}

fn is_timeout(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout(_) => true,
        ErrorKind::Transport(error) => error.kind() == TransportErrorKind::Timeout,
        _ => false,
    }
}

/// The limits of the service's link: what one side may send, the other must take.
fn symmetric(options: &LinkOptions) -> LinkOptions {
    let most = options.max_inbound.max(options.max_outbound);
    options.clone().max_inbound(most).max_outbound(most)
}
