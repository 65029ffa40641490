//! The OpenAI Realtime protocol without a network: events, session state, and the connection over a [`Transport`] trait.
//!
//! Most applications use the facade crate `realtime`, which re-exports everything here and adds WebSocket transports.
//! Use this crate alone to implement a transport, to decode recorded events, or to test against an in-memory server
//! (`realtime-mock`). It depends on no runtime, opens no socket, starts no thread, and reads no clock of its own.
//!
//! | to do this | start here |
//! |---|---|
//! | connect, with a reconnect policy, options and credentials | [`Client`] |
//! | send and receive events, await answers, play audio | [`Connection`] and its [module](connection) |
//! | match on events, or build them | [`event`], [`types`] |
//! | read the conversation, usage and errors | [`session`] |
//! | let the model call functions | [`tools`] |
//! | choose a server: OpenAI, Azure, a gateway | [`endpoint`], [`auth`], [`dialect`] |
//! | use `gpt-live` | [`live`] |
//! | translate speech | [`Client::translation`] |
//! | call the REST API: client secrets, calls | [`rest`] |
//! | compute the price of a session | [`cost`] |
//! | implement a transport | [`transport`] |
//! | implement a protocol | [`Protocol`] |
//!
//! ```
//! use realtime_core::{Client, Error, event::ServerEvent, transport::Transport};
//! use realtime_core::types::{Item, ResponseConfig};
//!
//! async fn ask(transport: impl Transport) -> Result<(), Error> {
//!     let client = Client::builder(transport).env().build(); // reads OPENAI_API_KEY
//!     let connect = client.realtime().model("gpt-realtime");
//!     connect
//!         .run(async |connection| {
//!             connection.conversation().item().create(Item::user("Say hello."))?;
//!             connection.response().create(ResponseConfig::default())?;
//!             while let Some(event) = connection.next().await {
//!                 match event? {
//!                     ServerEvent::ResponseOutputAudioTranscriptDelta(text) => print!("{}", text.delta),
//!                     ServerEvent::ResponseDone(_) => break,
//!                     _ => {}
//!                 }
//!             }
//!             Ok(())
//!         })
//!         .await
//! }
//! ```
//!
//! [`Transport`]: transport::Transport

#![cfg_attr(docsrs, feature(doc_cfg))]
// Denied in the library, allowed in tests.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]
// The event macros recurse once per event.
#![recursion_limit = "256"]

#[macro_use]
mod setters;

#[macro_use]
mod wire;

#[macro_use]
mod protocol;

mod answer;
pub mod auth;
mod client;
pub mod connection;
pub mod cost;
pub mod dialect;
pub mod endpoint;
mod error;
pub mod event;
pub mod live;
pub mod pool;
mod realtime;
pub mod resources;
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
pub use protocol::Protocol;
pub use realtime::{Drained, Overlap, Player, Realtime, RealtimeNotice, RealtimeSettings, ResponseHandle, tools};
pub use translation::Translation;
pub use wire::{Audio, Id, Json, Patch, Secret, TextDelta};

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
