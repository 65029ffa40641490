//! The async-std transport.
//!
//! async-std is discontinued (RUSTSEC-2025-0052). This crate exists for programs that still run on it. Everything else
//! should use `realtime-smol`, which shares all of its code except the socket, the timer and the task.
//!
//! ```no_run
//! use realtime_async_std::AsyncStdTransport;
//! use realtime_core::{Client, Error};
//!
//! # async_std::task::block_on(async {
//! let client = Client::builder(AsyncStdTransport::new()).env().build();
//! let connection = client.realtime().model("gpt-realtime").connect().await?;
//! let driver = realtime_async_std::spawn(&connection);
//! # drop(driver); Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! TLS, proxies and custom streams are settings of [`AsyncStdTransport`]. It works in any executor.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::{io, sync::Arc};

use async_std::task::{self, JoinHandle};
use async_trait::async_trait;
use realtime_core::{Connection, Error, Protocol, transport::Timer};
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
pub use realtime_websocket::rustls;
pub use realtime_websocket::{ByteStream, Proxies, Proxy, Tls};
use realtime_websocket::{Runtime, SocketTransport, SystemTimer};

/// The only mention of the socket type.
type Socket = async_std::net::TcpStream;

/// WebSocket transport on async-std.
///
/// # Examples
/// ```
/// use realtime_core::Client;
/// use realtime_async_std::{Proxies, Tls, AsyncStdTransport};
///
/// let transport = AsyncStdTransport::new().tls(Tls::new()).proxy(Proxies::none());
/// let client = Client::builder(transport).env().build();
/// # drop(client);
/// ```
pub type AsyncStdTransport = SocketTransport<AsyncStd>;

/// async-std's reactor.
#[derive(Debug)]
pub struct AsyncStd;

#[async_trait]
impl Runtime for AsyncStd {
    const NAME: &'static str = "AsyncStdTransport";

    fn timer() -> Arc<dyn Timer> {
        Arc::new(SystemTimer::new(|time| Box::pin(task::sleep(time))))
    }

    async fn dial(host: &str, port: u16) -> io::Result<ByteStream> {
        connect(host, port).await.map(ByteStream::new)
    }
}

async fn connect(host: &str, port: u16) -> io::Result<Socket> {
    let socket = Socket::connect((host, port)).await?;
    // Without it, a small message waits up to 40 ms for the acknowledgement of the previous one.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Spawns a task that drives the connection until it ends. Queued events are then sent, pings answered and deadlines
/// kept no matter how slowly the application reads.
///
/// All methods of the connection remain usable. Dropping the connection ends the task; dropping the handle does not.
pub fn spawn<P: Protocol>(connection: &Connection<P>) -> JoinHandle<Result<(), Error>> {
    task::spawn(connection.driver())
}

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_leave_at_once() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let socket = task::block_on(connect("127.0.0.1", listener.local_addr().unwrap().port())).unwrap();
        assert!(socket.nodelay().unwrap());
    }
}
