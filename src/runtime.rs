//! Selection of the runtime.

use std::sync::Arc;

use async_trait::async_trait;
use realtime_core::{
    Client, ClientBuilder, Connection, Protocol,
    endpoint::Handshake,
    transport::{Duplex, Http, Timer, Transport, TransportError},
};

#[derive(Clone, Copy)]
enum Runtime {
    #[cfg(feature = "smol")]
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    #[cfg(feature = "tokio")]
    Tokio,
}

/// The compiled-in runtimes. The first is used where no tokio runtime is running.
const ORDER: &[Runtime] = &[
    #[cfg(feature = "smol")]
    Runtime::Smol,
    #[cfg(feature = "async-std")]
    Runtime::AsyncStd,
    #[cfg(feature = "tokio")]
    Runtime::Tokio,
];

impl Runtime {
    fn current() -> Self {
        #[cfg(feature = "tokio")]
        if realtime_tokio::is_running() {
            return Self::Tokio;
        }
        ORDER[0]
    }
}

/// The transport selected by [`default_transport`].
#[derive(Clone, Debug)]
pub struct DefaultTransport(Arc<dyn Transport>);

#[async_trait]
impl Transport for DefaultTransport {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        self.0.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer()
    }

    fn http(&self) -> Option<Arc<dyn Http>> {
        self.0.http()
    }
}

/// Selects a transport for the runtime in use, with default settings:
///
/// * tokio's, inside a tokio runtime, if feature `tokio` is on;
/// * otherwise smol's or async-std's, whichever feature is on: both work in any executor;
/// * otherwise tokio's, for a client created before its runtime.
///
/// To choose explicitly, pass a transport to [`Client::builder`].
pub fn default_transport() -> DefaultTransport {
    DefaultTransport(match Runtime::current() {
        #[cfg(feature = "smol")]
        Runtime::Smol => Arc::new(realtime_smol::SmolTransport::new()),
        #[cfg(feature = "async-std")]
        Runtime::AsyncStd => Arc::new(realtime_async_std::AsyncStdTransport::new()),
        #[cfg(feature = "tokio")]
        Runtime::Tokio => Arc::new(realtime_tokio::TokioTransport::new()),
    })
}

/// Starts to build a client of OpenAI's API on the [`default_transport`].
pub fn client() -> ClientBuilder {
    Client::builder(default_transport())
}

/// Spawns a task that drives the connection until it ends, on the runtime of the [`default_transport`]. Queued events
/// are then sent, pings answered and deadlines kept no matter how slowly the application reads.
///
/// All methods of the connection remain usable. Dropping the connection ends the task. How it ended is the last item of
/// the connection's own stream; for a handle to the task, use `spawn` of the runtime's module.
///
/// # Panics
/// Panics if only tokio is compiled in and no tokio runtime is running.
pub fn spawn<P: Protocol>(connection: &Connection<P>) {
    match Runtime::current() {
        #[cfg(feature = "smol")]
        Runtime::Smol => realtime_smol::spawn(connection).detach(),
        #[cfg(feature = "async-std")]
        Runtime::AsyncStd => drop(realtime_async_std::spawn(connection)),
        #[cfg(feature = "tokio")]
        Runtime::Tokio => drop(realtime_tokio::spawn(connection)),
    }
}
