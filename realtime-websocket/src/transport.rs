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
use tungstenite::protocol::WebSocketConfig;

use crate::{
    convert::{config, unreachable},
    proxy::{self, Proxies},
    stream::ByteStream,
    tls::{Connector, Tls},
    upgrade::{Upgraded, upgrade},
};

/// What a runtime has of its own: how it dials, how it waits, and its name for a WebSocket.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// The name of its transport, to be printed.
    const NAME: &'static str;

    /// A clock that starts now.
    fn timer() -> Arc<dyn Timer>;

    /// Connects to a port of a host, given by name or address. Small messages must leave at once: `TCP_NODELAY`.
    ///
    /// # Errors
    /// The host cannot be reached.
    async fn dial(host: &str, port: u16) -> io::Result<ByteStream>;

    /// Speaks WebSocket over a stream. A library for this runtime does it, and [`duplex`](crate::duplex) makes the two
    /// halves of what it gives; for the `futures` traits, [`client`](crate::client) does both.
    async fn speak(upgraded: Upgraded, config: WebSocketConfig) -> Duplex;
}

/// Opens WebSockets on a runtime. A clone shares what it has read for TLS.
///
/// By default the proxies of the environment are used ([`Proxies::env`]), and the trust is left open ([`Tls`]).
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
    /// With the defaults.
    pub fn new() -> Self {
        Self::on(Way::Dial(Proxies::default()))
    }

    /// Over streams that the application connects, for every connection a new one: a Unix socket, a tunnel. Where the
    /// URL says `wss`, TLS is spoken inside.
    ///
    /// A small message should leave at once: set `TCP_NODELAY` on a TCP socket.
    pub fn over<F>(connect: impl Fn(&Handshake) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<ByteStream>> + Send + 'static,
    {
        let connect = Arc::new(move |handshake: &Handshake| Box::pin(connect(handshake)) as BoxFuture<'static, _>);
        Self::on(Way::Given { connect, encrypted: false })
    }

    /// Over one stream that is already connected. A second connection fails.
    pub fn once(stream: ByteStream) -> Self {
        let stream = Mutex::new(Some(stream));
        Self::over(move |_| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            let used = || io::Error::new(io::ErrorKind::NotConnected, "the one stream of this transport is used up");
            std::future::ready(stream.ok_or_else(used))
        })
    }

    /// Leaves the streams that the application connects as they are, whatever the URL says: they lead to the server,
    /// and to nobody else. It changes nothing for a transport that dials.
    #[must_use]
    pub fn already_encrypted(mut self) -> Self {
        if let Way::Given { encrypted, .. } = &mut self.way {
            *encrypted = true;
        }
        self
    }

    /// Goes through a proxy, or through none: a [`Proxy`](crate::Proxy) or [`Proxies`]. It changes nothing for a transport over
    /// streams of the application.
    #[must_use]
    pub fn proxy(mut self, proxies: impl Into<Proxies>) -> Self {
        if let Way::Dial(current) = &mut self.way {
            *current = proxies.into();
        }
        self
    }

    /// Whom to trust, and how to show who we are. The files that it names are read at the first secure connection.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self.connector = Arc::default();
        self
    }

    /// Bytes of the buffer that the socket is read into, one for each connection. 16 KiB by default: enough for audio
    /// at its own pace. A larger one is faster for bursts and costs its size in memory.
    #[must_use]
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.max(1);
        self
    }

    /// A read buffer of 4 KiB, for a process with very many connections.
    #[must_use]
    pub fn small_buffers(self) -> Self {
        self.read_buffer(4 << 10)
    }

    fn on(way: Way) -> Self {
        Self {
            way,
            tls: Tls::new(),
            connector: Arc::default(),
            read_buffer: 16 << 10,
            timer: R::timer(),
            runtime: PhantomData,
        }
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

/// Where a handshake leads to.
struct Server<'a> {
    secure: bool,
    host: &'a str,
    port: u16,
}

#[async_trait]
impl<R: Runtime> Transport for SocketTransport<R> {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let secure = handshake.uri.scheme_str() == Some("wss");
        let host = handshake.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = handshake.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let server = Server { secure, host, port };
        let (mut stream, encrypted) = match &self.way {
            Way::Dial(proxies) => (self.dial(proxies, &server).await?, false),
            Way::Given { connect, encrypted } => (connect(&handshake).await.map_err(unreachable)?, *encrypted),
        };
        if secure && !encrypted {
            stream = self.encrypt(host, stream).await?;
        }
        let mut upgraded = upgrade(stream, &handshake, &*self.timer).await?;
        let headers = mem::take(&mut upgraded.headers);
        let mut duplex = R::speak(upgraded, config(handshake.max_message_size, self.read_buffer)).await;
        duplex.headers = headers;
        Ok(duplex)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.timer.clone()
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
