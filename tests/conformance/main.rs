//! One suite, run on every transport.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

mod broken;
#[cfg(feature = "tokio")]
mod custom;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
mod encrypted;
mod in_memory;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
mod sockets;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
#[path = "../support/mod.rs"]
mod support;
