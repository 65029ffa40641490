//! A server that makes a transport available as real WebSockets on loopback, to test clients in any language.

mod connection;
mod rest;
mod tls;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    task::Poll,
    thread,
    time::Duration,
};

use async_io::Async;
use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    stream::{self, FuturesUnordered},
};
use realtime_core::{connection::LinkOptions, transport::Transport};
use realtime_server::{Acceptor, Arrival, Listener, RequestLimits};
use realtime_websocket::ByteStream;

use crate::{Pace, Simulator, SystemClock};
use connection::Carry;

/// The largest message that is taken, in bytes: audio of 15 MiB is to be answered, and one a little larger too.
const MAX_MESSAGE: usize = 64 << 20;
const READ_BUFFER: usize = 16 << 10;

/// How many clients a server takes, and for how long it waits for a request.
#[derive(Clone, Copy, Debug)]
struct Limits {
    connections: usize,
    handshakes: usize,
    handshake_timeout: Duration,
}

const LIMITS: Limits = Limits { connections: 1000, handshakes: 64, handshake_timeout: Duration::from_secs(10) };

/// A server for a transport: a [`Simulator`]'s, or any other.
///
/// Every client gets its own connection of the transport, with a handshake of the same path, query, headers and
/// subprotocols. Wrappers around a transport (faults, a recorder) can therefore be served too. REST requests are
/// answered if the transport has an HTTP client ([`Transport::http`]), as the simulator's has. The server listens on
/// loopback only.
///
/// One thread serves all clients round-robin: no client waits for more than one message of another. If a closure of the
/// test panics, its session is closed with 1011, and the others continue. A client that reads nothing for a minute is
/// disconnected.
#[must_use = "nothing listens before `start`"]
pub struct Server {
    transport: Arc<dyn Transport>,
    port: u16,
    tls: bool,
    limits: Limits,
}

impl Server {
    /// Serves this transport, on a free port.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), port: 0, tls: false, limits: LIMITS }
    }

    /// Sets the port. 0, the default, selects a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Enables TLS with a new self-signed certificate. Its authority is [`Served::ca_pem`].
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Sets the maximum number of connected clients: 1,000 by default. Others are refused immediately with status 503
    /// and `Retry-After`.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// Sets the maximum number of clients whose request was not read yet: 64 by default, at least 1. If there is one
    /// more, the slowest is refused, with status 503 if it has not sent its request.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.limits.handshakes = handshakes.max(1);
        self
    }

    /// Sets the timeout until a client's request was read: 10 seconds by default. A slower client is refused with
    /// status 408.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.limits.handshake_timeout = time;
        self
    }

    /// Starts to listen, on a new thread.
    ///
    /// # Errors
    /// The port is not available, or the thread or certificate cannot be created.
    pub fn start(self) -> io::Result<Served> {
        let tls = self.tls.then(tls::identity).transpose()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let address = listener.local_addr()?;
        let mut listener = listener_over(Async::new(listener)?, self.limits);
        let mut ca = None;
        if let Some(tls::Identity { server, ca_pem }) = tls {
            listener = listener.tls(server);
            ca = Some(ca_pem);
        }
        let (stop, stopped) = oneshot::channel();
        let transport = self.transport;
        let thread = thread::Builder::new()
            .name("realtime-serve".into())
            .spawn(move || async_io::block_on(serve(listener, transport, stopped)))?;
        Ok(Served { address, ca, stop: Some(stop), thread: Some(thread) })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("transport", &self.transport).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running server. Dropping it stops it and breaks its connections.
pub struct Served {
    address: SocketAddr,
    ca: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for WebSocket clients: `ws://127.0.0.1:49152/v1`.
    pub fn url(&self) -> String {
        self.written(if self.ca.is_some() { "wss" } else { "ws" })
    }

    /// Its URL for API clients: `http://127.0.0.1:49152/v1`.
    pub fn base_url(&self) -> String {
        self.written(if self.ca.is_some() { "https" } else { "http" })
    }

    /// The certificate of the authority that clients must trust, in PEM. `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    fn written(&self, scheme: &str) -> String {
        format!("{scheme}://{}/v1", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Whatever a closure of the test made it panic with was printed there.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// Serving over real WebSockets (feature `serve`).
impl Simulator {
    /// Creates a server for it on the system's clock.
    pub fn server(&self) -> Server {
        Server::new(self.paced(Pace::LIVE, Arc::new(SystemClock::new())))
    }

    /// Serves it on a free port.
    ///
    /// # Errors
    /// See [`Server::start`].
    pub fn serve(&self) -> io::Result<Served> {
        self.server().start()
    }

    /// Serves one client that a [`Listener`] of the application's own has accepted, until its session has ended: any
    /// address, any runtime, with the limits of its [`Acceptor`], TLS and draining. Requests of the REST API are answered
    /// too. Spawn it; it ends when the client does.
    ///
    /// ```
    /// use futures::future::BoxFuture;
    /// use realtime_mock::Simulator;
    /// use realtime_server::Listener;
    ///
    /// /// `spawn` is the runtime's, such as `tokio::spawn`.
    /// async fn serve(simulator: Simulator, mut listener: Listener, spawn: impl Fn(BoxFuture<'static, ()>)) {
    ///     while let Some(arrival) = listener.next_arrival().await {
    ///         if let Ok(arrival) = arrival {
    ///             let simulator = simulator.clone();
    ///             spawn(Box::pin(async move { simulator.serve_client(arrival).await }));
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future breaks the connection.
    pub async fn serve_client(&self, arrival: Arrival) {
        let transport = self.paced(Pace::LIVE, Arc::new(SystemClock::new()));
        connection::run(arrival, Arc::new(transport), Carry::Relayed).await;
    }

    /// Serves it on a free port with TLS.
    ///
    /// # Errors
    /// See [`Server::start`].
    pub fn serve_tls(&self) -> io::Result<Served> {
        self.server().tls().start()
    }
}

fn listener_over(listener: Async<TcpListener>, limits: Limits) -> Listener {
    let sockets = stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.and_then(|(stream, peer)| {
            // Without it a small message waits 40 ms for the acknowledgement of the one before it.
            stream.get_ref().set_nodelay(true)?;
            Ok((ByteStream::new(stream), Some(peer)))
        });
        Some((accepted, listener))
    });
    let acceptor = Acceptor::new(Arc::new(SystemClock::new()))
        .limits(RequestLimits::default().timeout(limits.handshake_timeout))
        .options(LinkOptions::default().max_inbound(MAX_MESSAGE))
        .read_buffer(READ_BUFFER);
    Listener::over(sockets, acceptor).max_connections(limits.connections).max_handshakes(limits.handshakes)
}

/// Serves clients until it is told to stop.
async fn serve(mut listener: Listener, transport: Arc<dyn Transport>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = FuturesUnordered::new();
    loop {
        let mut arrival = pin!(listener.next_arrival());
        let arrival = poll_fn(|cx| {
            if stopped.poll_unpin(cx).is_ready() {
                return Poll::Ready(None);
            }
            while let Poll::Ready(Some(())) = connections.poll_next_unpin(cx) {}
            arrival.as_mut().poll(cx)
        });
        match arrival.await {
            Some(Ok(arrival)) => connections.push(connection::run(arrival, transport.clone(), Carry::Bare)),
            // One client's failure, or too many open files.
            Some(Err(_)) => {}
            None => break,
        }
    }
}
