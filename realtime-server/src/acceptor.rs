use std::{fmt, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt,
    future::{Either, select},
};
use http::{Request, StatusCode};
use realtime_core::{
    connection::LinkOptions,
    transport::{Instant, Timer},
};
use realtime_websocket::{ByteStream, Runtime};

use crate::{
    AcceptError, Accepted, Refusal, RequestLimits, UpgradeRequest,
    head::{NoHead, read_head},
    listener::Place,
    request::{mentions_websocket, upgrade_required},
};

/// Time for a client to take a response, and then to close.
const ANSWER: Duration = Duration::from_secs(5);
/// What is read of a client that was refused, so that it sees why: closing with unread bytes discards the response.
const LINGER_BYTES: usize = 64 << 10;
/// And for how long.
const LINGER: Duration = Duration::from_secs(2);

/// Accepts upgrades on streams of any kind.
///
/// It needs no runtime: the streams bring theirs, and the timer is given. Clones have the same settings.
///
/// ```
/// use futures::{AsyncRead, AsyncWrite};
/// use http::StatusCode;
/// use realtime_core::{Realtime, event::SessionUpdated};
/// use realtime_server::{AcceptError, Acceptor};
///
/// async fn serve(
///     acceptor: &Acceptor,
///     stream: impl AsyncRead + AsyncWrite + Send + 'static,
/// ) -> Result<(), AcceptError> {
///     let incoming = acceptor.accept(stream).await?;
///     if incoming.request().path() != "/v1/realtime" {
///         return incoming.refuse(StatusCode::NOT_FOUND, r#"{"error":{"message":"Invalid URL"}}"#).await;
///     }
///     let mut connection = incoming.accept().await?.open::<Realtime>();
///     while let Some(Ok(received)) = connection.next().await {
///         // Decide, and answer: `connection.send(..)`.
///         println!("{:?}", received.event);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Acceptor {
    timer: Arc<dyn Timer>,
    limits: RequestLimits,
    pub(crate) options: LinkOptions,
    read_buffer: usize,
}

/// What a client wants.
#[derive(Debug)]
#[non_exhaustive]
pub enum Arrival {
    /// To upgrade to WebSocket.
    Upgrade(Incoming),
    /// Something else, by HTTP.
    Http(PlainRequest),
}

impl Acceptor {
    /// An acceptor whose deadlines are kept by this timer.
    pub fn new(timer: Arc<dyn Timer>) -> Self {
        Self { timer, limits: RequestLimits::default(), options: LinkOptions::default(), read_buffer: 8 << 10 }
    }

    /// An acceptor on the timer of a runtime: `Acceptor::on::<Tokio>()`.
    pub fn on<R: Runtime>() -> Self {
        Self::new(R::timer())
    }

    /// Sets the limits on requests.
    #[must_use]
    pub fn limits(mut self, limits: RequestLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the limits and timeouts of accepted connections.
    #[must_use]
    pub fn options(mut self, options: LinkOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the size in bytes of the buffer that a socket is read into, one per connection. 8 KiB by default.
    #[must_use]
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.max(1);
        self
    }

    /// The timer.
    pub fn timer(&self) -> &Arc<dyn Timer> {
        &self.timer
    }

    /// Reads a request to upgrade. Any other request is refused.
    ///
    /// Set `TCP_NODELAY` on TCP sockets, so that small messages are sent at once.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    /// The request was refused, did not arrive in time, or the stream failed.
    pub async fn accept(&self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Result<Incoming, AcceptError> {
        match self.arrival(stream).await? {
            Arrival::Upgrade(incoming) => Ok(incoming),
            Arrival::Http(request) => Err(self.answer_no(request.stream, no_upgrade()).await),
        }
    }

    /// Reads a request, and distinguishes an upgrade from a plain request of HTTP, for servers that have both on one port.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    /// The request was refused, did not arrive in time, or the stream failed.
    pub async fn arrival(&self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Result<Arrival, AcceptError> {
        let late = self.timer.sleep_until(self.deadline()).map(|()| late());
        self.arrival_before(ByteStream::new(stream), false, late).await
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.timer.now() + self.limits.timeout
    }

    /// Reads a request, unless `stop` comes first, with the response to it.
    pub(crate) async fn arrival_before(
        &self,
        mut stream: ByteStream,
        secure: bool,
        stop: impl Future<Output = Refusal> + Unpin,
    ) -> Result<Arrival, AcceptError> {
        let mut received = Vec::new();
        let read = {
            let head = pin!(read_head(&mut stream, &mut received, &self.limits));
            match select(head, stop).await {
                Either::Left((read, _)) => read,
                Either::Right((refusal, _)) => Err(NoHead::Refused(refusal)),
            }
        };
        let (head, length) = match read {
            Ok(head) => head,
            Err(NoHead::Refused(refusal)) => return Err(self.answer_no(stream, refusal).await),
            Err(NoHead::Gone(error)) => return Err(AcceptError::gone(error)),
        };
        if !mentions_websocket(head.headers()) {
            return Ok(Arrival::Http(PlainRequest { head, stream, received, acceptor: self.clone(), place: None }));
        }
        match UpgradeRequest::check(head.method(), head.uri(), head.version(), head.headers(), secure) {
            Ok(request) => {
                let rest = received.split_off(length);
                let acceptor = self.clone();
                Ok(Arrival::Upgrade(Incoming { request, stream, rest, acceptor, place: None, address: None }))
            }
            Err(refusal) => Err(self.answer_no(stream, refusal).await),
        }
    }

    /// A connection on a stream that somebody else has upgraded, such as hyper or axum, after
    /// [`UpgradeRequest::response`] was sent.
    pub async fn upgraded(
        &self,
        request: UpgradeRequest,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ) -> Accepted {
        self.open(request, ByteStream::new(stream), Vec::new(), None, None).await
    }

    async fn open(
        &self,
        request: UpgradeRequest,
        stream: ByteStream,
        rest: Vec<u8>,
        place: Option<Place>,
        address: Option<SocketAddr>,
    ) -> Accepted {
        let config = realtime_websocket::config(self.options.max_inbound, self.read_buffer);
        let duplex = realtime_websocket::serve(stream, rest, config);
        Accepted::new(duplex, request.into_handshake(), self.clone(), place, address)
    }

    /// Refuses, and says so.
    async fn answer_no(&self, stream: ByteStream, refusal: Refusal) -> AcceptError {
        // Whether the client takes the response changes nothing.
        let _ = self.answer(stream, &refusal).await;
        AcceptError::refused(refusal)
    }

    /// Sends a response that ends the connection.
    pub(crate) async fn answer(&self, mut stream: ByteStream, refusal: &Refusal) -> Result<(), AcceptError> {
        let bytes = refusal.encode();
        self.within(ANSWER, async {
            stream.write_all(&bytes).await?;
            stream.close().await
        })
        .await?;
        let linger = async {
            let (mut piece, mut seen) = ([0; 1024], 0);
            while seen < LINGER_BYTES {
                match stream.read(&mut piece).await {
                    Ok(length) if length > 0 => seen += length,
                    _ => break,
                }
            }
            Ok(())
        };
        let _ = self.within(LINGER, linger).await;
        Ok(())
    }

    async fn within<T>(
        &self,
        time: Duration,
        action: impl Future<Output = std::io::Result<T>>,
    ) -> Result<T, AcceptError> {
        match select(pin!(action), self.timer.sleep_until(self.timer.now() + time)).await {
            Either::Left((done, _)) => Ok(done?),
            Either::Right(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}

fn no_upgrade() -> Refusal {
    upgrade_required("upgrade", "This is a WebSocket server: the request must ask for an upgrade.")
}

/// The response to a client that takes too long.
pub(crate) fn late() -> Refusal {
    Refusal::error(StatusCode::REQUEST_TIMEOUT, "request_timeout", "No complete request came in time.")
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("limits", &self.limits).field("options", &self.options).finish_non_exhaustive()
    }
}

/// A client that asks to upgrade, and waits for the answer. Dropping it ends its stream without one.
pub struct Incoming {
    request: UpgradeRequest,
    stream: ByteStream,
    /// What the client has sent after its request.
    rest: Vec<u8>,
    acceptor: Acceptor,
    pub(crate) place: Option<Place>,
    pub(crate) address: Option<SocketAddr>,
}

impl Incoming {
    /// The request: path, query, headers, subprotocols, credential.
    pub fn request(&self) -> &UpgradeRequest {
        &self.request
    }

    /// The request, to choose a subprotocol or add headers to the response.
    pub fn request_mut(&mut self) -> &mut UpgradeRequest {
        &mut self.request
    }

    /// The address of the client, if a [`Listener`](crate::Listener) has accepted it. Behind a proxy, it is the proxy's.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    pub(crate) fn options(&self) -> &LinkOptions {
        &self.acceptor.options
    }

    /// Refuses by an HTTP response with this status and body.
    ///
    /// # Errors
    /// The client did not take the response in time, or its stream failed.
    pub async fn refuse(self, status: StatusCode, body: impl Into<Bytes>) -> Result<(), AcceptError> {
        self.refuse_with(Refusal::new(status, body)).await
    }

    /// Refuses by this HTTP response.
    ///
    /// # Errors
    /// The client did not take the response in time, or its stream failed.
    pub async fn refuse_with(self, refusal: impl Into<Refusal>) -> Result<(), AcceptError> {
        self.acceptor.answer(self.stream, &refusal.into()).await
    }

    /// Accepts the upgrade.
    ///
    /// # Errors
    /// The client did not take the response in time, or its stream failed.
    pub async fn accept(mut self) -> Result<Accepted, AcceptError> {
        let bytes = self.request.encode_response();
        let stream = &mut self.stream;
        let sent = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        self.acceptor.within(ANSWER, sent).await?;
        let Self { request, stream, rest, acceptor, place, address } = self;
        Ok(acceptor.open(request, stream, rest, place, address).await)
    }

    /// The request, the stream, and what the client has sent after its request, for a server that writes its frames itself.
    /// Nothing was answered yet: [`UpgradeRequest::encode_response`] is the answer that accepts. The guard is this client's
    /// place in the listener, and must live as long as the stream is served.
    pub fn into_parts(self) -> (UpgradeRequest, ByteStream, Vec<u8>, impl Send + 'static) {
        (self.request, self.stream, self.rest, self.place)
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("request", &self.request)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A request of HTTP that does not ask for WebSocket. Its body, if it has one, was not read.
pub struct PlainRequest {
    head: Request<()>,
    stream: ByteStream,
    received: Vec<u8>,
    acceptor: Acceptor,
    pub(crate) place: Option<Place>,
}

impl PlainRequest {
    /// The request line and the headers.
    pub fn head(&self) -> &Request<()> {
        &self.head
    }

    /// Refuses by this HTTP response.
    ///
    /// # Errors
    /// The client did not take the response in time, or its stream failed.
    pub async fn refuse_with(self, refusal: impl Into<Refusal>) -> Result<(), AcceptError> {
        self.acceptor.answer(self.stream, &refusal.into()).await
    }

    /// The stream, and what was read of it: the request from its first byte. Give both to an HTTP server. The guard is
    /// this client's place in the listener, and must live as long as the stream is served.
    pub fn into_parts(self) -> (ByteStream, Vec<u8>, impl Send + 'static) {
        (self.stream, self.received, self.place)
    }

    /// Refuses with status 426, which says that this is a WebSocket server.
    ///
    /// # Errors
    /// The client did not take the response in time, or its stream failed.
    pub async fn refuse_as_no_upgrade(self) -> Result<(), AcceptError> {
        self.refuse_with(no_upgrade()).await
    }
}

impl fmt::Debug for PlainRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainRequest").field("method", self.head.method()).finish_non_exhaustive()
    }
}
