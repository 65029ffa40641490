//! The runtime that is there.

use std::sync::Arc;

use async_trait::async_trait;
use realtime_core::{
    Client, ClientBuilder, Connection, Protocol,
    endpoint::Handshake,
    transport::{Duplex, Timer, Transport, TransportError},
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

/// What is compiled in. The first is taken where no tokio runtime is running.
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

/// The transport of the runtime that is there when [`default_transport`] is called.
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
}

/// The transport of the runtime that is there, with its defaults:
///
/// * within a tokio runtime, tokio's, if feature `tokio` is on;
/// * else smol's, else async-std's, whichever feature is on: they work within any executor;
/// * else tokio's, for a client that is made before its runtime.
///
/// To choose otherwise, give [`Client::builder`] a transport by name.
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

/// A client of OpenAI's service over the transport of the runtime that is there: see [`default_transport`].
pub fn client() -> ClientBuilder {
    Client::builder(default_transport())
}

/// Drives the connection in a task of its own, until its end, on the runtime that is there: see [`default_transport`]. However
/// slowly its events are read, what is sent leaves at once, pings are answered and deadlines kept.
///
/// Every method of the connection still works. Dropping the connection ends the task. How it ended is told by the
/// connection's own last item; for a handle to the task, spawn by the runtime's own module.
///
/// # Panics
/// Only tokio's runtime is compiled in, and none is running.
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
