//! The accepting side of the OpenAI Realtime API.
//!
//! | to do this | start here |
//! |---|---|
//! | accept connections on a port, with TLS, limits and draining | [`Listener`] |
//! | accept on a stream of any kind | [`Acceptor`] |
//! | accept within axum or hyper | [`UpgradeRequest`] and [`Acceptor::upgraded`] |
//! | speak the protocol as a server | [`ServerConnection`] |
//! | count what sessions use | [`Meter`] |
//! | pass sessions on to a service, and see, change or count what is said | [`relay`](relay()), [`Tap`] |
//!
//! # Security
//! Nothing is decided by default: an [`Incoming`] request waits until the application refuses or accepts it, and
//! [`UpgradeRequest::credential`] is only what the client claims. Requests are read with limits, every wait has a timeout,
//! and neither credentials nor payloads appear in `Debug` output or errors.
//!
//! ```
//! # #[cfg(feature = "tokio")] mod on_tokio {
//! use http::StatusCode;
//! use realtime_core::{Secret, event::SessionCreated, types::RealtimeSessionInfo};
//! use realtime_server::{AcceptError, Incoming};
//!
//! /// Serves one client of a [`Listener`](realtime_server::Listener).
//! async fn serve(incoming: Incoming, key: &Secret) -> Result<(), AcceptError> {
//!     if !incoming.request().presents(key) {
//!         return incoming.refuse(StatusCode::UNAUTHORIZED, "unknown key").await;
//!     }
//!     let mut connection = incoming.accept().await?.open::<realtime_core::Realtime>();
//!     let _ = connection.send(SessionCreated::new(RealtimeSessionInfo::default()));
//!     while let Some(Ok(received)) = connection.next().await {
//!         println!("{:?}", received.event);
//!     }
//!     Ok(())
//! }
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod acceptor;
mod connection;
mod error;
mod head;
mod listener;
mod meter;
mod refusal;
mod relay;
mod request;

#[cfg(feature = "rustls")]
pub use futures_rustls::rustls;

pub use acceptor::{Acceptor, Arrival, Incoming, PlainRequest};
pub use connection::{Accepted, Denial, Received, ServerConnection, ServerReceiver, ServerSender};
pub use error::{AcceptError, AcceptErrorKind};
pub use head::RequestLimits;
#[cfg(feature = "rustls")]
pub use listener::ServerTls;
pub use listener::{Accepting, Listen, Listener, ListenerHandle, Socket};
pub use meter::{Meter, MeterReading, MeterTap};
pub use refusal::Refusal;
pub use relay::{Direction, Head, Injector, RelayEnd, Tap, Verdict, relay, relay_links};
pub use request::UpgradeRequest;

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
