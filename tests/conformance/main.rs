//! One suite, run on every transport.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

mod broken;
mod custom;
mod encrypted;
mod in_memory;
mod sockets;
#[path = "../support/mod.rs"]
mod support;
