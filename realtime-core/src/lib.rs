//! The OpenAI Realtime protocol without a network.

// The tables of events grow with the protocol.
#![recursion_limit = "256"]

#[macro_use]
mod wire;

pub mod auth;
pub mod endpoint;
pub mod event;
pub mod transport;
pub mod types;

pub use wire::{Audio, Id, Json, Patch, Secret};
