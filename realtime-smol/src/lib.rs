//! The smol transport.
//!
//! ```no_run
//! use realtime_core::{Client, Error};
//! use realtime_smol::SmolTransport;
//!
//! # smol::block_on(async {
//! let client = Client::builder(SmolTransport::new()).env().build();
//! let connection = client.realtime().model("gpt-realtime").connect().await?;
//! let driver = realtime_smol::spawn(&connection);
//! # drop(driver); Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! TLS, proxies and custom streams are settings of [`SmolTransport`]. It works in any executor: it depends on smol's
//! reactor (`async-io`) and its sockets (`async-net`), not on the crate `smol` itself.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::{io, sync::Arc};

use async_executor::Task;
use async_io::Timer as Sleep;
use async_net::TcpStream;
use async_trait::async_trait;
use realtime_core::{Connection, Error, Protocol, transport::Timer};
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
pub use realtime_websocket::rustls;
pub use realtime_websocket::{ByteStream, Proxies, Proxy, Tls};
use realtime_websocket::{Runtime, SocketTransport, SystemTimer};

mod executor;

/// WebSocket transport on smol.
///
/// # Examples
/// ```
/// use realtime_core::Client;
/// use realtime_smol::{Proxies, Tls, SmolTransport};
///
/// let transport = SmolTransport::new().tls(Tls::new()).proxy(Proxies::none());
/// let client = Client::builder(transport).env().build();
/// # drop(client);
/// ```
pub type SmolTransport = SocketTransport<Smol>;

/// smol's reactor.
#[derive(Debug)]
pub struct Smol;

#[async_trait]
impl Runtime for Smol {
    const NAME: &'static str = "SmolTransport";

    fn timer() -> Arc<dyn Timer> {
        Arc::new(SystemTimer::new(|time| {
            Box::pin(async move {
                Sleep::after(time).await;
            })
        }))
    }

    async fn dial(host: &str, port: u16) -> io::Result<ByteStream> {
        connect(host, port).await.map(ByteStream::new)
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((host, port)).await?;
    // Without it, a small message waits up to 40 ms for the acknowledgement of the previous one.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Spawns a task that drives the connection until it ends. Queued events are then sent, pings answered and deadlines
/// kept no matter how slowly the application reads.
///
/// All methods of the connection remain usable. Dropping the connection ends the task. Dropping the task cancels it, as
/// usual in smol: keep it, or detach it.
///
/// The task runs on a thread of this crate, which is started by the first such task and shared by all. To run it
/// elsewhere, spawn [`Connection::driver`] on your own executor: `smol::spawn(connection.driver())`.
///
/// # Panics
/// Panics if the operating system cannot create the thread.
pub fn spawn<P: Protocol>(connection: &Connection<P>) -> Task<Result<(), Error>> {
    executor::global().spawn(connection.driver())
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
        let socket = smol::block_on(connect("127.0.0.1", listener.local_addr().unwrap().port())).unwrap();
        assert!(socket.nodelay().unwrap());
    }
}
