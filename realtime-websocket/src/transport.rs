use std::{
    fmt, io,
    marker::PhantomData,
    mem,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use futures::{TryFutureExt, future::BoxFuture};
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Timer, Transport, TransportError},
};

use crate::{
    convert::{config, unreachable},
    halves::client,
    proxy::{self, Proxies},
    stream::ByteStream,
    tls::{Connector, Tls},
    upgrade::upgrade,
};

/// Default size of the read buffer: 16 KiB together with what the reader keeps beside it.
const READ_BUFFER: usize = (16 << 10) - 512;

/// What a runtime provides: sockets and a timer.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// Name of the transport in `Debug` output.
    const NAME: &'static str;

    /// Creates a timer that starts now.
    fn timer() -> Arc<dyn Timer>;

    /// Connects to a port of a host, given by name or address. Must set `TCP_NODELAY`, so that small messages are sent
    /// at once.
    ///
    /// # Errors
    /// The host cannot be reached.
    async fn dial(host: &str, port: u16) -> io::Result<ByteStream>;
}

/// A transport that opens WebSockets on a runtime. Clones share what was loaded for TLS.
///
/// By default, it uses the proxies of the environment ([`Proxies::env`]) and the default trust ([`Tls`]).
pub struct SocketTransport<R> {
    way: Way,
    tls: Tls,
    connector: Arc<OnceLock<Arc<dyn Connector>>>,
    read_buffer: usize,
    timer: Arc<dyn Timer>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Clone)]
enum Way {
    Dial(Proxies),
    Given { connect: Arc<Connect>, encrypted: bool },
}

type Connect = dyn Fn(&Handshake) -> BoxFuture<'static, io::Result<ByteStream>> + Send + Sync;

impl<R: Runtime> SocketTransport<R> {
    /// A transport with default settings.
    pub fn new() -> Self {
        Self::on(Way::Dial(Proxies::default()))
    }

    /// A transport over streams that the application connects, one per connection: a Unix socket, a tunnel. If the
    /// URL's scheme is `wss`, TLS runs inside the stream. With feature `http` every REST request
    /// has a stream of its own too; the handshake that `connect` gets is then only its URL.
    ///
    /// Set `TCP_NODELAY` on TCP sockets, so that small messages are sent at once.
    pub fn over<F>(connect: impl Fn(&Handshake) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<ByteStream>> + Send + 'static,
    {
        let connect = Arc::new(move |handshake: &Handshake| Box::pin(connect(handshake)) as BoxFuture<'static, _>);
        Self::on(Way::Given { connect, encrypted: false })
    }

    /// A transport over one stream that is already connected. A second connection attempt fails.
    pub fn once(stream: ByteStream) -> Self {
        let stream = Mutex::new(Some(stream));
        Self::over(move |_| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            let used = || io::Error::new(io::ErrorKind::NotConnected, "the one stream of this transport is used up");
            std::future::ready(stream.ok_or_else(used))
        })
    }

    /// Never adds TLS to the streams that the application connects, whatever the URL's scheme: use it only if they lead
    /// to the server and nowhere else. Has no effect on a transport that connects sockets itself.
    #[must_use]
    pub fn already_encrypted(mut self) -> Self {
        if let Way::Given { encrypted, .. } = &mut self.way {
            *encrypted = true;
        }
        self
    }

    /// Sets the proxies: a [`Proxy`](crate::Proxy) or [`Proxies`]. Has no effect on a transport over the application's
    /// own streams.
    #[must_use]
    pub fn proxy(mut self, proxies: impl Into<Proxies>) -> Self {
        if let Way::Dial(current) = &mut self.way {
            *current = proxies.into();
        }
        self
    }

    /// Sets the TLS settings. Files that they name are read when the first secure connection is made.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self.connector = Arc::default();
        self
    }

    /// Sets the size in bytes of the buffer that the socket is read into, one per connection. The default, just below
    /// 16 KiB, suits audio in real time.
    ///
    /// In a burst it grows to eight times that, 128 KiB at most, and beyond only for a single larger message. It shrinks once
    /// it has waited for more without having needed the room since the wait before: when little arrives, or when the
    /// [keepalive](realtime_core::connection::Keepalive) next looks, after 15 s by default.
    #[must_use]
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.max(1);
        self
    }

    /// Sets a read buffer of 4 KiB, for processes with very many connections.
    #[must_use]
    pub fn small_buffers(self) -> Self {
        self.read_buffer(4 << 10)
    }

    fn on(way: Way) -> Self {
        Self {
            way,
            tls: Tls::new(),
            connector: Arc::default(),
            read_buffer: READ_BUFFER,
            timer: R::timer(),
            runtime: PhantomData,
        }
    }

    /// A stream to the server of a URL, encrypted where the URL says so.
    async fn open(&self, handshake: &Handshake) -> Result<ByteStream, TransportError> {
        let secure = matches!(handshake.uri.scheme_str(), Some("wss" | "https"));
        let host = handshake.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = handshake.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let server = Server { secure, host, port };
        let (stream, encrypted) = match &self.way {
            Way::Dial(proxies) => (self.dial(proxies, &server).await?, false),
            Way::Given { connect, encrypted } => (connect(handshake).await.map_err(unreachable)?, *encrypted),
        };
        if secure && !encrypted { self.encrypt(host, stream).await } else { Ok(stream) }
    }

    /// A stream for a request of HTTP to this URL.
    #[cfg(feature = "http")]
    pub(crate) async fn stream(&self, uri: &http::Uri) -> Result<ByteStream, TransportError> {
        self.open(&Handshake::new(uri.clone())).await
    }

    async fn dial(&self, proxies: &Proxies, server: &Server<'_>) -> Result<ByteStream, TransportError> {
        let Some(proxy) = proxies.on_the_way(server.secure, server.host, server.port)? else {
            return R::dial(server.host, server.port).map_err(unreachable).await;
        };
        let unreached = |error: io::Error| {
            let text = format!("the proxy at {proxy} could not be reached: {error}");
            unreachable(io::Error::new(error.kind(), text))
        };
        let mut stream = R::dial(proxy.host(), proxy.port()).map_err(unreached).await?;
        if proxy.is_encrypted() {
            stream = self.encrypt(proxy.host(), stream).map_err(|error| proxy.named(error)).await?;
        }
        proxy::through(proxy, &mut stream, server.host, server.port).map_err(|error| proxy.named(error)).await?;
        Ok(stream)
    }

    async fn encrypt(&self, host: &str, stream: ByteStream) -> Result<ByteStream, TransportError> {
        let connector = match self.connector.get() {
            Some(connector) => connector.clone(),
            None => {
                let connector = self.tls.connector()?;
                self.connector.get_or_init(|| connector).clone()
            }
        };
        connector.connect(host, stream).await
    }
}

/// The server that a handshake leads to.
struct Server<'a> {
    secure: bool,
    host: &'a str,
    port: u16,
}

#[async_trait]
impl<R: Runtime> Transport for SocketTransport<R> {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let stream = self.open(&handshake).await?;
        let mut upgraded = upgrade(stream, &handshake, &*self.timer).await?;
        let headers = mem::take(&mut upgraded.headers);
        let mut duplex = client(upgraded, config(handshake.max_message_size, self.read_buffer));
        duplex.headers = headers;
        Ok(duplex)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.timer.clone()
    }

    #[cfg(feature = "http")]
    fn http(&self) -> Option<Arc<dyn realtime_core::transport::Http>> {
        Some(Arc::new(self.clone()))
    }
}

impl<R: Runtime> Default for SocketTransport<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for SocketTransport<R> {
    fn clone(&self) -> Self {
        Self {
            way: self.way.clone(),
            tls: self.tls.clone(),
            connector: self.connector.clone(),
            read_buffer: self.read_buffer,
            timer: self.timer.clone(),
            runtime: PhantomData,
        }
    }
}

impl<R: Runtime> fmt::Debug for SocketTransport<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(R::NAME);
        if let Way::Dial(proxies) = &self.way {
            debug.field("proxies", proxies);
        }
        debug.field("read_buffer", &self.read_buffer).finish_non_exhaustive()
    }
}
