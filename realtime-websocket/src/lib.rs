//! WebSocket transports for the `realtime` crates, on any runtime.
//!
//! A runtime provides how to connect a socket and how to sleep ([`Runtime`]). Everything else is implemented once,
//! here: [TLS](Tls), [proxies](Proxies), the HTTP upgrade, messages, and the two halves of a connection.
//! `realtime-tokio`, `realtime-smol` and `realtime-async-std` are built this way; another runtime takes about twenty
//! lines.
//!
//! # Logs
//! `tungstenite` logs whole frames at its `trace` level, including what users say and any secret inside an event. Do
//! not enable `tungstenite=trace`, or `trace` globally, in production. The upgrade request, which carries the
//! credential, is written by this crate and never logged.
//!
//! # Examples
//!
//! ```
//! use std::{io, sync::Arc, time::Duration};
//!
//! use async_trait::async_trait;
//! use realtime_core::{Client, transport::Timer};
//! use realtime_websocket::{ByteStream, Runtime, SocketTransport, SystemTimer};
//!
//! /// A runtime of your own. This one blocks, and serves as an example only.
//! #[derive(Debug)]
//! struct Blocking;
//!
//! #[async_trait]
//! impl Runtime for Blocking {
//!     const NAME: &'static str = "BlockingTransport";
//!
//!     fn timer() -> Arc<dyn Timer> {
//!         Arc::new(SystemTimer::new(|time: Duration| Box::pin(async move { std::thread::sleep(time) })))
//!     }
//!
//!     async fn dial(host: &str, port: u16) -> io::Result<ByteStream> {
//!         let socket = std::net::TcpStream::connect((host, port))?;
//!         socket.set_nodelay(true)?;
//!         Ok(ByteStream::new(futures::io::AllowStdIo::new(socket)))
//!     }
//! }
//!
//! let client = Client::builder(SocketTransport::<Blocking>::new()).build();
//! # drop(client);
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod body;
mod convert;
mod frames;
mod halves;
mod head;
#[cfg(feature = "http")]
mod http;
mod proxy;
mod reader;
mod socket;
mod stream;
mod timer;
mod tls;
mod transport;
mod upgrade;

/// The rustls version that [`Tls::rustls`] accepts a configuration of.
#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;

/// The WebSocket library.
pub use tungstenite;

#[cfg(feature = "http")]
pub use self::http::{HttpStream, MAX_ANSWER};
pub use convert::config;
pub use halves::{client, serve};
pub use proxy::{Proxies, Proxy};
pub use stream::ByteStream;
pub use timer::SystemTimer;
pub use tls::Tls;
pub use transport::{Runtime, SocketTransport};
pub use upgrade::{Upgraded, upgrade};
