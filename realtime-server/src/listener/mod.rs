//! A listener: sockets in, requests out, with TLS, limits and draining.

mod gate;
mod runtimes;
#[cfg(feature = "rustls")]
mod tls;

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt, Stream, StreamExt,
    channel::oneshot,
    future::{BoxFuture, Either, select},
    stream::{BoxStream, FuturesUnordered},
};
use http::{HeaderValue, StatusCode, header};
use realtime_core::transport::{CloseFrame, Instant};
use realtime_websocket::ByteStream;

use crate::{AcceptError, Acceptor, Arrival, Incoming, Refusal, acceptor::late};

use gate::Gate;
pub(crate) use gate::Place;
pub use runtimes::{Accepting, Listen};
#[cfg(feature = "rustls")]
pub use tls::ServerTls;

/// How long accepting pauses after an error: too many open files, mostly, which passes.
const PAUSE: Duration = Duration::from_millis(50);

/// A socket that was accepted, and its peer's address if it has one.
pub type Socket = (ByteStream, Option<SocketAddr>);

/// Accepts clients on a port: TLS if it is set, the request, limits.
///
/// Handshakes run concurrently while [`next`](Self::next) is awaited, and a slow or silent client keeps nobody waiting.
/// Nothing is spawned: serve each client in a task of its own.
///
/// ```no_run
/// # #[cfg(feature = "tokio")] mod on_tokio {
/// use realtime_core::Realtime;
/// use realtime_server::{Acceptor, Listener};
/// use realtime_tokio::Tokio;
///
/// async fn serve() -> std::io::Result<()> {
///     let mut listener = Listener::bind::<Tokio>(([127, 0, 0, 1], 8080).into(), Acceptor::on::<Tokio>()).await?;
///     while let Some(incoming) = listener.next().await {
///         let Ok(incoming) = incoming else { continue }; // One client's failure.
///         tokio::spawn(async move {
///             let mut connection = incoming.accept().await?.open::<Realtime>();
///             while let Some(Ok(received)) = connection.next().await {
///                 println!("{:?}", received.event);
///             }
///             Ok::<(), realtime_server::AcceptError>(())
///         });
///     }
///     Ok(())
/// }
/// # }
/// ```
pub struct Listener {
    accepting: BoxStream<'static, io::Result<Socket>>,
    address: Option<SocketAddr>,
    acceptor: Acceptor,
    #[cfg(feature = "rustls")]
    tls: Option<ServerTls>,
    max_connections: usize,
    max_handshakes: usize,
    gate: Arc<Gate>,
    /// The clients whose request was not read yet, the oldest first, and what makes them give up.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    number: u64,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    pause: Option<BoxFuture<'static, ()>>,
}

/// What came of one client's handshake.
enum Done {
    Arrived(u64, Option<SocketAddr>, Box<Result<Arrival, AcceptError>>),
    /// A refusal was sent, or could not be.
    Refused,
}

impl Listener {
    /// Opens a port.
    ///
    /// # Errors
    /// The port is not available.
    pub async fn bind<R: Listen>(address: SocketAddr, acceptor: Acceptor) -> io::Result<Self> {
        let Accepting { sockets, address } = R::listen(address).await?;
        let mut listener = Self::over(sockets, acceptor);
        listener.address = address;
        Ok(listener)
    }

    /// A listener over sockets that are accepted elsewhere: Unix sockets, sockets that a supervisor has passed on.
    pub fn over(sockets: impl Stream<Item = io::Result<Socket>> + Send + 'static, acceptor: Acceptor) -> Self {
        Self {
            accepting: sockets.boxed(),
            address: None,
            acceptor,
            #[cfg(feature = "rustls")]
            tls: None,
            max_connections: 1000,
            max_handshakes: 64,
            gate: Arc::default(),
            waiting: VecDeque::new(),
            number: 0,
            work: FuturesUnordered::new(),
            pause: None,
        }
    }

    /// Enables TLS.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets the maximum number of clients that are served. 1,000 by default. Others are refused with status 503 and
    /// `Retry-After`.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets the maximum number of clients whose request was not read yet. 64 by default, at least 1. If there is one more,
    /// the oldest of them is refused with status 503.
    #[must_use]
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.max_handshakes = handshakes.max(1);
        self
    }

    /// Its address, where there is one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// A handle to drain it.
    pub fn handle(&self) -> ListenerHandle {
        ListenerHandle { gate: self.gate.clone(), acceptor: self.acceptor.clone() }
    }

    /// The next client that asks to upgrade. `None` once the listener is [drained](ListenerHandle::drain), or there are no
    /// more sockets.
    ///
    /// # Cancel safety
    /// Dropping the future loses no client.
    ///
    /// # Errors
    /// One client's failure, or a failure to accept one. Continue with the next one.
    pub async fn next(&mut self) -> Option<Result<Incoming, AcceptError>> {
        loop {
            match self.next_arrival().await? {
                Ok(Arrival::Upgrade(incoming)) => return Some(Ok(incoming)),
                Ok(Arrival::Http(request)) => {
                    self.work.push(request.refuse_as_no_upgrade().map(|_| Done::Refused).boxed());
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The next client with any request, for servers that have HTTP and WebSocket on one port.
    ///
    /// # Cancel safety
    /// Dropping the future loses no client.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub async fn next_arrival(&mut self) -> Option<Result<Arrival, AcceptError>> {
        poll_fn(|cx| self.poll_arrival(cx)).await
    }

    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Arrival, AcceptError>>> {
        if self.gate.poll(cx, |_, draining| draining).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            while let Poll::Ready(Some(done)) = self.work.poll_next_unpin(cx) {
                let Done::Arrived(number, address, arrival) = done else { continue };
                // The numbers grow: what is sought is found by halving.
                if let Ok(at) = self.waiting.binary_search_by_key(&number, |(number, _)| *number) {
                    self.waiting.remove(at);
                }
                if let Some(arrival) = self.admit(*arrival, address) {
                    return Poll::Ready(Some(arrival));
                }
            }
            if let Some(pause) = &mut self.pause {
                match pause.poll_unpin(cx) {
                    Poll::Ready(()) => self.pause = None,
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.accepting.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok((stream, address)))) => self.greet(stream, address),
                Poll::Ready(Some(Err(error))) => {
                    // The sooner the fewer wait for nothing.
                    self.evict();
                    let timer = self.acceptor.timer();
                    self.pause = Some(timer.sleep_until(timer.now() + PAUSE));
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) if self.work.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Begins a client's handshake.
    fn greet(&mut self, stream: ByteStream, address: Option<SocketAddr>) {
        if self.waiting.len() >= self.max_handshakes {
            self.evict();
        }
        let number = self.number;
        self.number += 1;
        let (evict, evicted) = oneshot::channel();
        self.waiting.push_back((number, evict));
        let acceptor = self.acceptor.clone();
        let deadline = acceptor.deadline();
        #[cfg(feature = "rustls")]
        let tls = self.tls.clone();
        self.work.push(
            async move {
                #[cfg(feature = "rustls")]
                let (stream, secure, evicted) = match tls {
                    None => (stream, false, evicted),
                    Some(tls) => match encrypt(&acceptor, tls, stream, deadline, evicted).await {
                        Ok((stream, evicted)) => (stream, true, evicted),
                        Err(error) => return Done::Arrived(number, address, Box::new(Err(error))),
                    },
                };
                #[cfg(not(feature = "rustls"))]
                let secure = false;
                let stop = stop(&acceptor, deadline, evicted);
                Done::Arrived(number, address, Box::new(acceptor.arrival_before(stream, secure, stop).await))
            }
            .boxed(),
        );
    }

    /// Gives up the oldest client whose request was not read yet.
    fn evict(&mut self) {
        if let Some((_, evict)) = self.waiting.pop_front() {
            // It may be gone by now.
            let _ = evict.send(());
        }
    }

    /// Gives a client its place, or refuses it.
    fn admit(
        &mut self,
        arrival: Result<Arrival, AcceptError>,
        address: Option<SocketAddr>,
    ) -> Option<Result<Arrival, AcceptError>> {
        let mut arrival = match arrival {
            Ok(arrival) => arrival,
            Err(error) => return Some(Err(error)),
        };
        let place = self.gate.enter(self.max_connections);
        if place.is_none() {
            let refusal = busy("too_many_connections", "This server has as many clients as it takes.");
            let refused = match arrival {
                Arrival::Upgrade(incoming) => incoming.refuse_with(refusal).map(|_| Done::Refused).boxed(),
                Arrival::Http(request) => request.refuse_with(refusal).map(|_| Done::Refused).boxed(),
            };
            self.work.push(refused);
            return None;
        }
        match &mut arrival {
            Arrival::Upgrade(incoming) => (incoming.place, incoming.address) = (place, address),
            Arrival::Http(request) => request.place = place,
        }
        Some(Ok(arrival))
    }
}

/// What ends the wait for a request: its deadline, or another client that needs the place.
fn stop(
    acceptor: &Acceptor,
    deadline: Instant,
    evicted: oneshot::Receiver<()>,
) -> impl Future<Output = Refusal> + Unpin + use<> {
    select(acceptor.timer().sleep_until(deadline), evicted).map(|stopped| match stopped {
        Either::Left(_) => late(),
        Either::Right(_) => busy("too_many_handshakes", "Too many clients have connected and not sent a request yet."),
    })
}

/// Performs TLS, unless the wait for it ends first: nothing can be said to a client that does not speak TLS yet.
#[cfg(feature = "rustls")]
async fn encrypt(
    acceptor: &Acceptor,
    tls: ServerTls,
    stream: ByteStream,
    deadline: Instant,
    mut evicted: oneshot::Receiver<()>,
) -> Result<(ByteStream, oneshot::Receiver<()>), AcceptError> {
    let stop = select(acceptor.timer().sleep_until(deadline), &mut evicted);
    let encrypted = match select(pin!(tls.accept(stream)), stop).await {
        Either::Left((encrypted, _)) => encrypted?,
        Either::Right(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    };
    Ok((encrypted, evicted))
}

/// The response of a server that has no place for this client now.
fn busy(code: &str, message: &str) -> Refusal {
    Refusal::error(StatusCode::SERVICE_UNAVAILABLE, code, message)
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Drains a [`Listener`], from any task. Clones drain the same one.
#[derive(Clone)]
pub struct ListenerHandle {
    gate: Arc<Gate>,
    acceptor: Acceptor,
}

impl ListenerHandle {
    /// Number of clients that are served.
    pub fn connections(&self) -> usize {
        self.gate.len()
    }

    /// Whether it is being drained.
    pub fn is_draining(&self) -> bool {
        self.gate.is_draining()
    }

    /// Accepts no more clients: [`Listener::next`] returns `None`. Waits until the sessions of all others have ended, for
    /// at most `grace`; then closes them with code 1001 and waits for the close handshakes, with the timeouts of the
    /// acceptor's options. Returns how many are left: those that were turned into halves, or whose tasks are stuck.
    ///
    /// Drop the listener when it returns `None`, so that its port is free.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the listener drained, and its clients as they are.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.gate.drain();
        if !self.empty_within(grace).await {
            self.gate.close_all(&CloseFrame::new(1001, "the server is shutting down"));
            let options = &self.acceptor.options;
            self.empty_within(options.finish_timeout + options.close_timeout).await;
        }
        self.connections()
    }

    async fn empty_within(&self, time: Duration) -> bool {
        let empty = pin!(poll_fn(|cx| self.gate.poll(cx, |clients, _| clients == 0)));
        let timer = self.acceptor.timer();
        matches!(select(empty, timer.sleep_until(timer.now() + time)).await, Either::Left(_))
    }
}

impl fmt::Debug for ListenerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerHandle").field("connections", &self.connections()).finish_non_exhaustive()
    }
}
