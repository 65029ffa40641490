use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use async_io::Timer;
use futures::{
    FutureExt,
    future::{Either, select},
};
use http::Method;
use realtime_core::{
    connection::{LinkOptions, OpenLink},
    transport::{CloseFrame, Duplex, Message, Transport, TransportError, TransportErrorKind},
};
use realtime_server::{AcceptError, Arrival, Incoming, PlainRequest, Refusal, relay_links};

use super::rest;

/// How long a client may take to answer a closing frame.
const CLOSING: Duration = Duration::from_secs(5);
/// How long a client may take to read anything of what it is sent.
const STALLED: Duration = Duration::from_secs(60);

/// How messages are carried between a client and its session.
#[derive(Clone, Copy)]
pub(super) enum Carry {
    /// One by one, and nothing is added: so that faults of the session reach the client as they are.
    Bare,
    /// By a relay: with bounded queues and keepalive, and closed when the listener drains.
    Relayed,
}

/// Serves one client. However it goes wrong, it is over for this client alone.
pub(super) async fn run(arrival: Arrival, transport: Arc<dyn Transport>, carry: Carry) {
    let served = async {
        match arrival {
            Arrival::Upgrade(incoming) => upgrade(incoming, transport, carry).await,
            Arrival::Http(request) => plain(request, transport).await,
            _ => Ok(()),
        }
    };
    // What a closure of the test panicked with was printed where it did.
    let _ = AssertUnwindSafe(served).catch_unwind().await;
}

/// Connects to the transport as the client asks, and carries messages.
async fn upgrade(mut incoming: Incoming, transport: Arc<dyn Transport>, carry: Carry) -> Result<(), AcceptError> {
    let near = match transport.connect(incoming.request().handshake().clone()).await {
        Ok(near) => near,
        Err(error) => {
            return match refused(&error) {
                Some(refusal) => incoming.refuse_with(refusal).await,
                // Any other failure is no answer: the connection breaks.
                None => Ok(()),
            };
        }
    };
    *incoming.request_mut().response_headers_mut() = near.headers.clone();
    let accepted = incoming.accept().await?;
    match carry {
        Carry::Bare => {
            let (far, _place) = accepted.into_duplex();
            bridge(near, far).await;
        }
        Carry::Relayed => {
            let (far, _, _place) = accepted.into_parts();
            // The session is in this process: it is neither gone nor too slow without the client's doing.
            let options = LinkOptions::default().keepalive(None);
            drop(relay_links(far, OpenLink::new(near, transport.timer(), options), ()).await);
        }
    }
    Ok(())
}

/// Answers a request of the REST API: all of it is posted, but for recordings.
async fn plain(request: PlainRequest, transport: Arc<dyn Transport>) -> Result<(), AcceptError> {
    let head = request.head();
    let is_rest = head.method() != Method::GET || head.uri().path().ends_with("/content");
    match transport.http().filter(|_| is_rest) {
        Some(http) => {
            let (stream, received, _place) = request.into_parts();
            within(STALLED, rest::serve(stream, received, http)).await;
            Ok(())
        }
        None => request.refuse_as_no_upgrade().await,
    }
}

/// The answer of a server that gives no connection.
fn refused(error: &TransportError) -> Option<Refusal> {
    let TransportErrorKind::Rejected { status } = error.kind() else { return None };
    let body = error.body().unwrap_or_default().to_vec();
    let mut response = http::Response::new(body.into());
    *response.status_mut() = status;
    error.headers().iter().for_each(|headers| response.headers_mut().clone_from(headers));
    Some(response.into())
}

/// Carries messages both ways, until one side is gone. A session that panics is closed with 1011.
async fn bridge(near: Duplex, far: Duplex) {
    let (mut to_near, mut from_near) = (near.write, near.read);
    let (mut to_far, mut from_far) = (far.write, far.read);
    let carried = {
        let up = pin!(async {
            while let Ok(Some(message)) = from_far.receive().await {
                // The socket answers pings by itself.
                if matches!(message, Message::Ping(_) | Message::Pong(_)) {
                    continue;
                }
                if to_near.send(message).await.is_err() {
                    // It has closed, and says so below. What the client still sends is read, so that its answer is seen.
                }
                others_first().await;
            }
        });
        let down = pin!(async {
            loop {
                match from_near.receive().await {
                    Ok(Some(message)) => {
                        if !matches!(within(STALLED, to_far.send(message)).await, Some(Ok(()))) {
                            return false;
                        }
                    }
                    Ok(None) => return true,
                    Err(_) => return false,
                }
                others_first().await;
            }
        });
        let carry = async {
            // An end in order waits for the client's answer; a broken one breaks the socket.
            if let Either::Right((true, up)) = select(up, down).await {
                within(CLOSING, up).await;
            }
        };
        AssertUnwindSafe(carry).catch_unwind().await
    };
    if carried.is_err() {
        let close = CloseFrame::new(1011, "the session panicked");
        let goodbye = async {
            if to_far.send(Message::Close(Some(close))).await.is_ok() {
                while let Ok(Some(_)) = from_far.receive().await {}
            }
        };
        within(CLOSING, goodbye).await;
    }
}

/// Lets the other clients have their turn: a message is as long as one client may keep them waiting.
async fn others_first() {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(Timer::after(time))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
