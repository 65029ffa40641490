use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::{StatusCode, Uri};
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Transport},
};

use super::RawServer;

/// What the suite needs to know of a transport, and of what it connects to. One is made for every case.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The transport under test. It is called within [`run`](Self::run).
    fn transport(&self) -> Arc<dyn Transport>;

    /// What to connect with.
    fn handshake(&self) -> Handshake {
        Handshake::new(Uri::from_static("ws://peer.test/v1/realtime?model=conformance"))
    }

    /// Waits for the next connection of the transport, and takes its other end. Nothing was sent on it yet.
    ///
    /// That end answers pings and close frames while it is read, as a server's library does. Dropping it ends the
    /// connection without a close frame.
    async fn accept(&self) -> Duplex;

    /// Refuses the next attempt to connect with this status.
    async fn refuse(&self, status: StatusCode) {
        let _ = status;
    }

    /// What the transport is not capable of. Those cases are reported as not applicable.
    fn lacks(&self) -> &[Ability] {
        &[]
    }

    /// The server, where the transport opens WebSockets and [`handshake`](Self::handshake) and
    /// [`accept`](Self::accept) are the server's. Without it the cases about frames do not apply.
    fn websocket(&self) -> Option<&RawServer> {
        None
    }

    /// Runs a case to its end, on the runtime that the transport needs. By default none is needed.
    fn run(&self, case: BoxFuture<'static, ()>) {
        futures::executor::block_on(case);
    }

    /// The most time for one case. A minute.
    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// Something that not every transport can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// Carries binary messages.
    Binary,
    /// Sends pings that the peer answers, and says so by `can_ping`; answers the peer's.
    Pings,
    /// Carries the code and the reason of a close.
    CloseFrames,
    /// Can be refused with a status.
    Refusals,
    /// Ends a connection on a message over the limit of its handshake.
    Limits,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary messages",
            Self::Pings => "pings",
            Self::CloseFrames => "close frames",
            Self::Refusals => "refusals with a status",
            Self::Limits => "a limit for messages",
        })
    }
}

/// The harness of a transport that opens WebSockets: on loopback, to a server that the suite brings.
///
/// ```no_run
/// # use realtime_mock::{MockTransport, conformance::{self, WebSocket}};
/// # fn transport() -> MockTransport { MockTransport::new().0 }
/// let runtime = || futures::executor::block_on;
/// conformance::check(move || WebSocket::new(transport, runtime())).assert();
/// ```
pub struct WebSocket {
    server: RawServer,
    transport: Box<dyn Fn() -> Arc<dyn Transport> + Send + Sync>,
    run: Box<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>,
}

impl WebSocket {
    /// Makes transports by `transport`, and runs them by `run`.
    ///
    /// # Panics
    /// No port of this machine can be listened to.
    pub fn new<T: Transport>(
        transport: impl Fn() -> T + Send + Sync + 'static,
        run: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            server: RawServer::new().unwrap_or_else(|error: io::Error| panic!("no port to listen to: {error}")),
            transport: Box::new(move || Arc::new(transport())),
            run: Box::new(run),
        }
    }
}

#[async_trait]
impl Harness for WebSocket {
    fn transport(&self) -> Arc<dyn Transport> {
        (self.transport)()
    }

    fn handshake(&self) -> Handshake {
        self.server.handshake()
    }

    async fn accept(&self) -> Duplex {
        self.server.accept().await
    }

    async fn refuse(&self, status: StatusCode) {
        self.server.refuse(status).await;
    }

    fn websocket(&self) -> Option<&RawServer> {
        Some(&self.server)
    }

    fn run(&self, case: BoxFuture<'static, ()>) {
        (self.run)(case);
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("server", &self.server).finish_non_exhaustive()
    }
}
