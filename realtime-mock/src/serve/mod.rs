//! A transport, served over real WebSockets on this machine, so that clients in any language can be tested against it.

mod clock;
mod connection;
mod tls;
mod upgrade;

#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use async_io::Async;
use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{Either, FusedFuture, pending},
    select_biased,
    stream::FuturesUnordered,
};
use futures_rustls::TlsAcceptor;
use realtime_core::transport::Transport;

use crate::{Pace, Simulator};

pub use clock::SystemClock;

/// Serves a transport: a [`Simulator`]'s, or any other.
///
/// Every client that connects to it is given a connection of the transport, by a handshake of the same path, query,
/// headers and subprotocols. So what is laid around a transport in a test (faults, a recorder) can be served too. It
/// listens on this machine's own address alone.
#[must_use = "nothing listens before `start`"]
pub struct Server {
    transport: Arc<dyn Transport>,
    port: u16,
    tls: bool,
    connections: usize,
}

impl Server {
    /// Serves this transport, on a port of the system's choice.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), port: 0, tls: false, connections: 256 }
    }

    /// The port. 0, the default, lets the system choose one that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Encrypts, with a certificate that is made on the spot. Its authority is [`Served::ca_pem`].
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// How many clients may be connected at the same time: 256 by default. Others wait.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Begins to listen, in a thread of its own.
    ///
    /// # Errors
    /// The port cannot be had, or the thread or the certificate cannot be made.
    pub fn start(self) -> io::Result<Served> {
        let tls = self.tls.then(tls::identity).transpose()?;
        let (acceptor, ca) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let address = listener.local_addr()?;
        let listener = Async::new(listener)?;
        let (stop, stopped) = oneshot::channel();
        let Self { transport, connections, .. } = self;
        let thread = thread::Builder::new()
            .name("realtime-serve".into())
            .spawn(move || async_io::block_on(serve(listener, transport, acceptor, connections, stopped)))?;
        Ok(Served { address, ca, stop: Some(stop), thread: Some(thread) })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("transport", &self.transport).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A server that listens. Dropping it stops it and cuts its connections.
pub struct Served {
    address: SocketAddr,
    ca: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL as a WebSocket client takes it: `ws://127.0.0.1:49152/v1`.
    pub fn url(&self) -> String {
        self.written(if self.ca.is_some() { "wss" } else { "ws" })
    }

    /// Its URL as an API client takes it: `http://127.0.0.1:49152/v1`.
    pub fn base_url(&self) -> String {
        self.written(if self.ca.is_some() { "https" } else { "http" })
    }

    /// The certificate of the authority that a client has to trust, as PEM. None without TLS.
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

/// Served over real WebSockets (feature `serve`).
impl Simulator {
    /// A server of it on the system's clock, to be set up.
    pub fn server(&self) -> Server {
        Server::new(self.paced(Pace::LIVE, Arc::new(SystemClock::new())))
    }

    /// Serves it on a port of the system's choice.
    ///
    /// # Errors
    /// See [`Server::start`].
    pub fn serve(&self) -> io::Result<Served> {
        self.server().start()
    }

    /// Serves it on a port of the system's choice, encrypted.
    ///
    /// # Errors
    /// See [`Server::start`].
    pub fn serve_tls(&self) -> io::Result<Served> {
        self.server().tls().start()
    }
}

/// Accepts connections until it is told to stop.
async fn serve(
    listener: Async<TcpListener>,
    transport: Arc<dyn Transport>,
    tls: Option<TlsAcceptor>,
    most: usize,
    stopped: oneshot::Receiver<()>,
) {
    let mut stopped = stopped.fuse();
    let mut connections = FuturesUnordered::new();
    while !stopped.is_terminated() {
        let accept = if connections.len() < most { Either::Left(listener.accept()) } else { Either::Right(pending()) };
        select_biased! {
            _ = stopped => {}
            () = connections.select_next_some() => {}
            accepted = accept.fuse() => match accepted {
                Ok((stream, _)) => connections.push(connection::run(stream, transport.clone(), tls.clone())),
                // Too many open files, mostly: it passes.
                Err(_) => { async_io::Timer::after(Duration::from_millis(50)).await; }
            },
        }
    }
}
