//! What the socket transports of the `realtime` crates share.
//!
//! A transport dials and encrypts with its own runtime. The rest is here, once: the [`Upgrade`] from HTTP as bytes in
//! and bytes out, and [`duplex`], which makes the two halves of a connection from an open WebSocket. A transport of
//! your own over a TCP-like stream can use it too.

// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod convert;
mod halves;
mod upgrade;

pub use convert::{config, io, unreachable};
pub use halves::duplex;
pub use upgrade::{Accepted, Upgrade};
