use std::{
    future::{Future, poll_fn},
    io,
    net::TcpStream,
    panic::AssertUnwindSafe,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use async_io::{Async, Timer};
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt,
    future::{Either, select},
};
use futures_rustls::TlsAcceptor;
use http::StatusCode;
use realtime_core::transport::{CloseFrame, Duplex, Message, Transport};
use realtime_websocket::ByteStream;

use super::{
    gate::{Gate, Late, Waiting},
    rest,
    upgrade::{Asked, Request, refused, unavailable},
};

/// The largest message that is taken, in bytes: audio of 15 MiB is to be answered, and one a little larger too.
const MAX_MESSAGE: usize = 64 << 20;
const READ_BUFFER: usize = 16 << 10;
/// How long a client may take to read an answer, or to answer a closing frame.
const CLOSING: Duration = Duration::from_secs(5);
/// How long a client may take to read anything of what it is sent.
const STALLED: Duration = Duration::from_secs(60);

/// Serves one client. However it goes wrong, it is over for this client alone.
pub(super) async fn run(
    stream: Async<TcpStream>,
    transport: Arc<dyn Transport>,
    tls: Option<TlsAcceptor>,
    gate: Rc<Gate>,
) {
    // Without it a small message waits 40 ms for the acknowledgement of the one before it.
    if stream.get_ref().set_nodelay(true).is_err() {
        return;
    }
    let mut waiting = gate.enter();
    let served = async {
        match tls {
            None => talk(stream, transport, false, waiting).await,
            Some(tls) => match waiting.bound(tls.accept(stream)).await {
                Ok(Ok(stream)) => talk(stream, transport, true, waiting).await,
                Ok(Err(error)) => Err(error),
                // Nothing can be said to who speaks no TLS yet.
                Err(_) => Ok(()),
            },
        }
    };
    // What a closure of the test panicked with was printed where it did.
    let _ = AssertUnwindSafe(served).catch_unwind().await;
}

async fn talk<S>(mut stream: S, transport: Arc<dyn Transport>, secure: bool, mut waiting: Waiting) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut received = Vec::new();
    let http = transport.http();
    let asked = match waiting.bound(request(&mut stream, &mut received, secure, http.is_some())).await {
        Ok(Ok(Some(asked))) => asked,
        Ok(Ok(None)) => return Ok(()),
        Ok(Err(error)) => return Err(error),
        Err(Late::TimedOut) => {
            let answer = unavailable(StatusCode::REQUEST_TIMEOUT, "request_timeout", "No request came in time.");
            return finish(&mut stream, &answer).await;
        }
        Err(Late::Evicted) => {
            let message = "Too many clients have connected and not sent a request yet.";
            let answer = unavailable(StatusCode::SERVICE_UNAVAILABLE, "too_many_handshakes", message);
            return finish(&mut stream, &answer).await;
        }
    };
    let Some(_place) = waiting.into_place() else {
        let message = "This server has as many clients as it takes.";
        let answer = unavailable(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message);
        return finish(&mut stream, &answer).await;
    };
    let request = match (asked, http) {
        (Asked::Upgrade(request), _) => request,
        (Asked::Rest, Some(http)) => {
            within(STALLED, rest::serve(ByteStream::new(stream), received, http)).await;
            return Ok(());
        }
        (Asked::Rest, None) => return Ok(()),
    };
    let rest = received.split_off(request.length.min(received.len()));
    let (handshake, accept) = request.into_parts();
    let realtime = handshake.subprotocols.iter().any(|name| name == "realtime");
    let near = match transport.connect(handshake).await {
        Ok(near) => near,
        Err(error) => match refused(&error) {
            Some(answer) => return finish(&mut stream, &answer).await,
            None => return Err(io::Error::other(error)),
        },
    };
    let consent = Request::consent(&accept, realtime, &near.headers);
    let consented = within(CLOSING, async {
        stream.write_all(&consent).await?;
        stream.flush().await
    });
    match consented.await {
        Some(consented) => consented?,
        None => return Ok(()),
    }
    let config = realtime_websocket::config(MAX_MESSAGE, READ_BUFFER);
    let far = realtime_websocket::serve(ByteStream::new(stream), rest, config).await;
    bridge(near, far).await;
    Ok(())
}

/// Reads the request, or answers that it is none.
async fn request<S>(stream: &mut S, received: &mut Vec<u8>, secure: bool, rest: bool) -> io::Result<Option<Asked>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            length => received.extend_from_slice(piece.get(..length).unwrap_or_default()),
        }
        match Request::read(received, secure, rest) {
            Ok(None) => {}
            Ok(Some(asked)) => return Ok(Some(asked)),
            Err(answer) => return finish(stream, &answer).await.map(|()| None),
        }
    }
}

/// Answers, and hangs up.
async fn finish<S: AsyncWrite + Unpin>(stream: &mut S, answer: &[u8]) -> io::Result<()> {
    let answered = within(CLOSING, async {
        stream.write_all(answer).await?;
        stream.close().await
    });
    answered.await.unwrap_or(Ok(()))
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
