//! The tokio transport.
//!
//! ```no_run
//! use realtime_core::{Client, Error};
//! use realtime_tokio::TokioTransport;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! let client = Client::builder(TokioTransport::new()).env().build();
//! let connection = client.realtime().model("gpt-realtime").connect().await?;
//! let driver = realtime_tokio::spawn(&connection);
//! # drop(driver); Ok(()) }
//! ```
//!
//! TLS, proxies and custom streams are settings of [`TokioTransport`]. Connecting requires a tokio runtime with I/O and
//! time enabled; an open connection can be used from any thread.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod timer;

use std::{io, sync::Arc};

use async_trait::async_trait;
use realtime_core::{Connection, Error, Protocol, transport::Timer};
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
pub use realtime_websocket::rustls;
pub use realtime_websocket::{ByteStream, Proxies, Proxy, Tls};
use realtime_websocket::{Runtime, SocketTransport};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Handle,
    task::JoinHandle,
};
use tokio_util::compat::TokioAsyncReadCompatExt;

pub use timer::TokioTimer;

/// WebSocket transport on tokio.
///
/// # Examples
/// ```
/// use realtime_core::Client;
/// use realtime_tokio::{Proxies, Tls, TokioTransport};
///
/// let transport = TokioTransport::new().tls(Tls::new()).proxy(Proxies::none());
/// let client = Client::builder(transport).env().build();
/// # drop(client);
/// ```
pub type TokioTransport = SocketTransport<Tokio>;

/// The tokio runtime of the caller.
#[derive(Debug)]
pub struct Tokio;

#[async_trait]
impl Runtime for Tokio {
    const NAME: &'static str = "TokioTransport";

    fn timer() -> Arc<dyn Timer> {
        Arc::new(TokioTimer::new())
    }

    async fn dial(host: &str, port: u16) -> io::Result<ByteStream> {
        connect(host, port).await.map(stream)
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    Handle::try_current().map_err(io::Error::other)?;
    let socket = TcpStream::connect((host, port)).await?;
    // Without it, a small message waits up to 40 ms for the acknowledgement of the previous one.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Adapts a tokio stream for [`TokioTransport::over`] and [`TokioTransport::once`].
///
/// ```no_run
/// use realtime_core::Client;
/// use realtime_tokio::{TokioTransport, stream};
/// use tokio::net::UnixStream;
///
/// let gateway = TokioTransport::over(|_| async { UnixStream::connect("/run/gateway.sock").await.map(stream) });
/// let client = Client::builder(gateway).base_url("http://gateway/v1").build();
/// ```
pub fn stream(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ByteStream {
    ByteStream::new(TokioAsyncReadCompatExt::compat(stream))
}

/// Spawns a task that drives the connection until it ends. Queued events are then sent, pings answered and deadlines
/// kept no matter how slowly the application reads.
///
/// All methods of the connection remain usable. Dropping the connection ends the task; dropping the handle does not.
///
/// # Panics
/// Panics if called outside of a tokio runtime.
pub fn spawn<P: Protocol>(connection: &Connection<P>) -> JoinHandle<Result<(), Error>> {
    tokio::spawn(connection.driver())
}

/// Whether the current thread is inside a tokio runtime.
pub fn is_running() -> bool {
    Handle::try_current().is_ok()
}

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_messages_leave_at_once() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let socket = connect("127.0.0.1", listener.local_addr().unwrap().port()).await.unwrap();
        assert!(socket.nodelay().unwrap());
    }

    #[test]
    fn outside_a_runtime_there_is_an_error() {
        let error = futures::executor::block_on(connect("127.0.0.1", 1)).unwrap_err();
        assert!(error.to_string().contains("Tokio"), "{error}");
    }
}
