//! A transport, served over real WebSockets on this machine, so that clients in any language can be tested against it.

mod clock;
mod connection;
mod gate;
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

use async_io::{Async, Timer};
use futures::{
    FutureExt, StreamExt, channel::oneshot, future::FusedFuture, pin_mut, select_biased, stream::FuturesUnordered,
};
use futures_rustls::TlsAcceptor;
use realtime_core::transport::Transport;

use crate::{Pace, Simulator};

use gate::{Gate, Limits};

pub use clock::SystemClock;

const LIMITS: Limits = Limits { connections: 1000, handshakes: 64, handshake_timeout: Duration::from_secs(10) };

/// Serves a transport: a [`Simulator`]'s, or any other.
///
/// Every client that connects to it is given a connection of the transport, by a handshake of the same path, query,
/// headers and subprotocols. So what is laid around a transport in a test (faults, a recorder) can be served too. It
/// listens on this machine's own address alone.
///
/// All clients are served by one thread, each in its turn: none waits for another by more than a message. A session
/// that panics, in a closure of the test's, is closed with 1011; the others go on. A client that reads nothing for a
/// minute is cut off.
#[must_use = "nothing listens before `start`"]
pub struct Server {
    transport: Arc<dyn Transport>,
    port: u16,
    tls: bool,
    limits: Limits,
}

impl Server {
    /// Serves this transport, on a port of the system's choice.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), port: 0, tls: false, limits: LIMITS }
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

    /// How many clients may be connected at the same time: 1,000 by default. Others are refused at once, by the status
    /// 503 and `Retry-After`.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// How many clients may be about to connect, which is until their request was read: 64 by default, and at least 1.
    /// One more, and the one that has taken longest is given up, by the status 503 where its request is awaited.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.limits.handshakes = handshakes.max(1);
        self
    }

    /// How long a client may take to connect, until its request was read: 10 seconds by default. A slower one is
    /// refused by the status 408.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.limits.handshake_timeout = time;
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
        let Self { transport, limits, .. } = self;
        let thread = thread::Builder::new()
            .name("realtime-serve".into())
            .spawn(move || async_io::block_on(serve(listener, transport, acceptor, limits, stopped)))?;
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
    limits: Limits,
    stopped: oneshot::Receiver<()>,
) {
    let gate = Gate::new(limits);
    let mut stopped = stopped.fuse();
    let mut connections = FuturesUnordered::new();
    let mut pause = None;
    while !stopped.is_terminated() {
        let accepted = {
            let accept = async {
                if let Some(pause) = &mut pause {
                    pause.await;
                }
                listener.accept().await
            }
            .fuse();
            pin_mut!(accept);
            select_biased! {
                _ = stopped => continue,
                () = connections.select_next_some() => continue,
                accepted = accept => accepted,
            }
        };
        pause = None;
        match accepted {
            Ok((stream, _)) => {
                connections.push(connection::run(stream, transport.clone(), tls.clone(), gate.clone()));
            }
            // Too many open files, mostly: it passes, the sooner the fewer wait for nothing.
            Err(_) => {
                gate.evict();
                pause = Some(Timer::after(Duration::from_millis(50)));
            }
        }
    }
}
