#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

#[cfg(doctest)]
mod guide;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
mod runtime;

pub use realtime_core::*;

#[cfg(feature = "async-std")]
pub use realtime_async_std as async_std;
#[cfg(feature = "audio")]
pub use realtime_audio as audio;
#[cfg(feature = "captions")]
pub use realtime_captions as captions;
#[cfg(feature = "mock")]
pub use realtime_mock as mock;
#[cfg(feature = "server")]
pub use realtime_server as server;
#[cfg(feature = "smol")]
pub use realtime_smol as smol;
#[cfg(feature = "telephony")]
pub use realtime_telephony as telephony;
#[cfg(feature = "tokio")]
pub use realtime_tokio as tokio;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
pub use realtime_websocket as websocket;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
pub use runtime::{DefaultTransport, client, default_transport, spawn};
