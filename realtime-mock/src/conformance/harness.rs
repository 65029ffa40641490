use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::{StatusCode, Uri};
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Transport},
};

use super::RawServer;

/// What the suite needs to know about a transport and its peer. A new harness is created for every case.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The transport under test. Called within [`run`](Self::run).
    fn transport(&self) -> Arc<dyn Transport>;

    /// The handshake to connect with.
    fn handshake(&self) -> Handshake {
        Handshake::new(Uri::from_static("ws://peer.test/v1/realtime?model=conformance"))
    }

    /// Waits for the transport's next connection and returns its other end. Nothing has been sent on it yet.
    ///
    /// The other end must answer pings and close frames while it is read, as a server's library does. Dropping it must
    /// end the connection without a close frame.
    async fn accept(&self) -> Duplex;

    /// Refuses the next connection attempt with this status.
    async fn refuse(&self, status: StatusCode) {
        let _ = status;
    }

    /// Abilities that the transport lacks. Cases that require them are reported as not applicable.
    fn lacks(&self) -> &[Ability] {
        &[]
    }

    /// The server, if the transport opens WebSockets and [`handshake`](Self::handshake) and [`accept`](Self::accept)
    /// are the server's. Otherwise, cases about frames do not apply.
    fn websocket(&self) -> Option<&RawServer> {
        None
    }

    /// Runs a case to completion, on the runtime that the transport requires. The default requires none.
    fn run(&self, case: BoxFuture<'static, ()>) {
        async_io::block_on(case);
    }

    /// Timeout for one case. One minute by default.
    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// An optional ability of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// Carries binary messages.
    Binary,
    /// Sends pings that the peer answers, reports that with `can_ping`, and answers the peer's pings.
    Pings,
    /// Carries the code and reason of a close.
    CloseFrames,
    /// Can be refused with a status.
    Refusals,
    /// Enforces the message size limit of its handshake.
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

/// Harness for a transport that opens WebSockets. Connects over loopback to a server provided by the suite.
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
    /// Creates transports with `transport`, and runs cases with `run`.
    ///
    /// # Panics
    /// Panics if no port can be opened.
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
