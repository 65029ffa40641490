//! One suite, run on every transport.

mod broken;
mod custom;
mod encrypted;
mod in_memory;
mod sockets;
#[path = "../support/mod.rs"]
mod support;
