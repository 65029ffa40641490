//! The OpenAI Realtime protocol without a network.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]
// The tables of events grow with the protocol.
#![recursion_limit = "256"]

#[macro_use]
mod wire;

#[macro_use]
mod protocol;

mod answer;
pub mod auth;
mod client;
pub mod connection;
pub mod cost;
pub mod endpoint;
mod error;
pub mod event;
pub mod live;
mod realtime;
pub mod rest;
pub mod session;
mod translation;
pub mod transport;
pub mod types;
#[cfg(feature = "webhooks")]
pub mod webhooks;

pub use client::{Client, ClientBuilder, Connect, Ran};
pub use connection::{Ack, Connection, Options, SendError, Sender};
pub use error::{Awaited, Deadline, Error, ErrorKind, Refused, Unanswered};
pub use live::{Live, LiveFork, LiveSideband, LiveState};
pub use protocol::{Protocol, dialect};
pub use realtime::{Realtime, tools};
pub use translation::Translation;
pub use wire::{Audio, Id, Json, Patch, Secret, TextDelta};

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
