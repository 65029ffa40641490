//! The async-std transport.
//!
//! async-std is discontinued (RUSTSEC-2025-0052). This crate is for programs that still run on it; new ones, and those
//! that can move, use `realtime-smol`, which shares everything with this one but the socket, the alarm and the task.
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
//! TLS, proxies and streams of your own are settings of [`AsyncStdTransport`]. It works within any executor.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::{io, sync::Arc};

use async_std::task::{self, JoinHandle};
use async_trait::async_trait;
use realtime_core::{
    Connection, Error, Protocol,
    transport::{Duplex, Timer},
};
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
pub use realtime_websocket::rustls;
pub use realtime_websocket::{ByteStream, Proxies, Proxy, Tls};
use realtime_websocket::{
    Runtime, SocketTransport, SystemTimer, Upgraded, client, tungstenite::protocol::WebSocketConfig,
};

/// The one place that knows the socket.
type Socket = async_std::net::TcpStream;

/// Opens WebSockets on async-std.
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

    async fn speak(upgraded: Upgraded, config: WebSocketConfig) -> Duplex {
        client(upgraded, config).await
    }
}

async fn connect(host: &str, port: u16) -> io::Result<Socket> {
    let socket = Socket::connect((host, port)).await?;
    // Without it a small message waits 40 ms for the acknowledgement of the one before it.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Drives the connection in a task of its own, until its end: however slowly its events are read, what is sent leaves
/// at once, pings are answered and deadlines kept.
///
/// Every method of the connection still works. Dropping the connection ends the task; dropping the handle does not.
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
