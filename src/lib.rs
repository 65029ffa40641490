#![doc = include_str!("../README.md")]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

pub use realtime_core::*;
#[cfg(feature = "mock")]
pub use realtime_mock as mock;
#[cfg(feature = "tokio")]
pub use realtime_tokio as tokio;

/// A client builder over tokio.
#[cfg(feature = "tokio")]
pub fn client() -> ClientBuilder {
    Client::builder(realtime_tokio::TokioTransport::new())
}
