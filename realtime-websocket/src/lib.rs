//! WebSockets for the `realtime` crates on any runtime.
//!
//! A runtime says how it dials and how it waits ([`Runtime`]): that is all that its transport has of its own. The rest
//! is here, once: [TLS](Tls), [proxies](Proxies), the upgrade, the messages, the two halves. `realtime-tokio`,
//! `realtime-smol` and `realtime-async-std` are made so, and a runtime of your own takes twenty lines.
//!
//! # Logs
//! `tungstenite` writes every frame to the log at its `trace` level, payload and all: what users say, and any secret
//! within an event. Keep `tungstenite=trace`, and `trace` for everything, out of production. The upgrade, which carries
//! the credential, is done here and logged nowhere.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod body;
mod close;
mod convert;
#[cfg(feature = "async-tungstenite")]
mod futures;
mod halves;
mod head;
mod proxy;
mod stream;
mod timer;
mod tls;
mod transport;
mod upgrade;

/// The TLS library that a [configuration](Tls::rustls) is made with.
#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;

/// The library that speaks WebSocket.
pub use tungstenite;

pub use close::ReceivedClose;
pub use convert::config;
#[cfg(feature = "async-tungstenite")]
pub use futures::{client, serve};
pub use halves::duplex;
pub use proxy::{Proxies, Proxy};
pub use stream::ByteStream;
pub use timer::SystemTimer;
pub use tls::Tls;
pub use transport::{Runtime, SocketTransport};
pub use upgrade::{Upgraded, upgrade};
