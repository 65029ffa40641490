//! Client for the OpenAI Realtime API: typed events, a live session, any runtime.
//!
//! # Runtimes
//! The features `tokio` (on by default), `smol` and `async-std` each add the WebSocket transport of one runtime, as the
//! module of the same name. [`client`] is a client on the runtime that is there:
//!
//! * within a tokio runtime, tokio's, if it is compiled in;
//! * else smol's, else async-std's, whichever is compiled in: they work within any executor;
//! * else tokio's, for a client that is made before its runtime.
//!
//! To choose otherwise, give [`Client::builder`] a transport by name. Each of the three features brings TLS by rustls,
//! which trusts whom the platform trusts; `rustls-webpki-roots` and `native-tls` add other trusts to choose from.

#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
mod runtime;

pub use realtime_core::*;

#[cfg(feature = "async-std")]
pub use realtime_async_std as async_std;
#[cfg(feature = "mock")]
pub use realtime_mock as mock;
#[cfg(feature = "smol")]
pub use realtime_smol as smol;
#[cfg(feature = "tokio")]
pub use realtime_tokio as tokio;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
pub use runtime::{DefaultTransport, client, spawn, transport};
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
pub use realtime_websocket as websocket;
