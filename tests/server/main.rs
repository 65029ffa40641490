//! The accepting side: requests, connections, listeners.

#[path = "../support/mod.rs"]
mod support;

mod connection;
mod listener;
mod relay;
mod script;
mod upgrade;
