use std::{future::Future, io, net::TcpStream, pin::pin, sync::Arc, time::Duration};

use async_io::{Async, Timer};
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt,
    future::{Either, select},
};
use futures_rustls::TlsAcceptor;
use realtime_core::transport::{Duplex, Message, Transport};
use realtime_websocket::ByteStream;

use super::upgrade::{Request, refused};

/// The largest message that is taken, in bytes: audio of 15 MiB is to be answered, and one a little larger too.
const MAX_MESSAGE: usize = 64 << 20;
const READ_BUFFER: usize = 16 << 10;
/// How long a client may take to say what it wants.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to answer a closing frame.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves one client. However it goes wrong, it is over for this client alone.
pub(super) async fn run(stream: Async<TcpStream>, transport: Arc<dyn Transport>, tls: Option<TlsAcceptor>) {
    // Without it a small message waits 40 ms for the acknowledgement of the one before it.
    if stream.get_ref().set_nodelay(true).is_err() {
        return;
    }
    let _ = match tls {
        None => talk(stream, transport, false).await,
        Some(tls) => match within(HANDSHAKE, tls.accept(stream)).await {
            Some(Ok(stream)) => talk(stream, transport, true).await,
            Some(Err(error)) => Err(error),
            None => Ok(()),
        },
    };
}

async fn talk<S>(mut stream: S, transport: Arc<dyn Transport>, secure: bool) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut received = Vec::new();
    let Some(request) = within(HANDSHAKE, request(&mut stream, &mut received, secure)).await else { return Ok(()) };
    let Some(request) = request? else { return Ok(()) };
    let rest = received.split_off(request.length);
    let (handshake, accept) = request.into_parts();
    let realtime = handshake.subprotocols.iter().any(|name| name == "realtime");
    let near = match transport.connect(handshake).await {
        Ok(near) => near,
        Err(error) => match refused(&error) {
            Some(answer) => return finish(&mut stream, &answer).await,
            None => return Err(io::Error::other(error)),
        },
    };
    stream.write_all(&Request::consent(&accept, realtime, &near.headers)).await?;
    stream.flush().await?;
    let config = realtime_websocket::config(MAX_MESSAGE, READ_BUFFER);
    let far = realtime_websocket::serve(ByteStream::new(stream), rest, config).await;
    bridge(near, far).await;
    Ok(())
}

/// Reads the request, or answers that it is none.
async fn request<S>(stream: &mut S, received: &mut Vec<u8>, secure: bool) -> io::Result<Option<Request>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            length => received.extend_from_slice(&piece[..length]),
        }
        match Request::read(received, secure) {
            Ok(None) => {}
            Ok(Some(request)) => return Ok(Some(request)),
            Err(answer) => return finish(stream, &answer).await.map(|()| None),
        }
    }
}

async fn finish<S: AsyncWrite + Unpin>(stream: &mut S, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.close().await
}

/// Carries messages both ways, until one side is gone.
async fn bridge(near: Duplex, far: Duplex) {
    let (mut to_near, mut from_near) = (near.write, near.read);
    let (mut to_far, mut from_far) = (far.write, far.read);
    let up = pin!(async {
        while let Ok(Some(message)) = from_far.receive().await {
            // The socket answers pings by itself.
            if matches!(message, Message::Ping(_) | Message::Pong(_)) {
                continue;
            }
            if to_near.send(message).await.is_err() {
                // It has closed, and says so below. What the client still sends is read, so that its answer is seen.
            }
        }
    });
    let down = pin!(async {
        loop {
            match from_near.receive().await {
                Ok(Some(message)) => {
                    if to_far.send(message).await.is_err() {
                        return false;
                    }
                }
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    });
    // An end in order waits for the client's answer; a broken one breaks the socket.
    if let Either::Right((true, up)) = select(up, down).await {
        within(CLOSING, up).await;
    }
}

async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), Timer::after(time).map(|_| ()).boxed()).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
