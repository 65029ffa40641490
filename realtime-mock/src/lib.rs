//! Tests of realtime applications without a network, a key or real time.
//!
//! The whole client runs as in production, from the handshake to the last event; only the socket and the clock are
//! replaced. A test sees what is sent, decides what the peer does, and is deterministic.
//!
//! # A scripted server
//! The test plays the server: it states what it expects, and responds.
//!
//! ```
//! use realtime_core::{Client, event::ConversationItemCreate, types::Item};
//! use realtime_mock::MockTransport;
//!
//! // The code under test: greets the peer.
//! async fn greet(client: &Client) -> Result<(), realtime_core::Error> {
//!     let connection = client.realtime().model("gpt-realtime").connect().await?;
//!     drop(connection.conversation().item().create(Item::user("Good morning!"))?);
//!     connection.flush().await
//! }
//!
//! let (transport, server) = MockTransport::new();
//! let client = Client::builder(transport).build();
//! server.clock().block_on(async {
//!     greet(&client).await?;
//!     let session = server.accept().await;
//!     let create = session.expect::<ConversationItemCreate>().await;
//!     assert_eq!(create.item.as_message().map(|message| message.text()).as_deref(), Some("Good morning!"));
//!     Ok::<(), realtime_core::Error>(())
//! })?;
//! # Ok::<(), realtime_core::Error>(())
//! ```
//!
//! # A simulated service
//! For tests of an application rather than of the protocol, the [`Simulator`] behaves like the service:
//!
//! ```
//! use realtime_core::{Client, types::{Item, ResponseConfig}};
//! use realtime_mock::{Simulator, VirtualClock};
//!
//! let clock = VirtualClock::new();
//! let simulator = Simulator::new().answer(|turn| format!("{}? Let me think.", turn.text()));
//! let client = Client::builder(simulator.transport(&clock)).build();
//! clock.block_on(async {
//!     let connection = client.realtime().model("gpt-realtime").connect().await?;
//!     drop(connection.conversation().item().create(Item::user("Why"))?);
//!     connection.response().create(ResponseConfig::default())?.await?;
//!     let state = connection.state();
//!     let said = state.conversation.items().next_back().expect("an answer");
//!     assert_eq!(said.transcript(), "Why? Let me think.");
//!     Ok::<(), realtime_core::Error>(())
//! })?;
//! # Ok::<(), realtime_core::Error>(())
//! ```
//!
//! # The parts
//! | part | is |
//! |---|---|
//! | [`MockTransport`], [`MockServer`], [`MockSession`] | an in-memory transport, and its scripted server |
//! | [`Simulator`] | a service that behaves like the real one; also served on a port, for clients in any language (feature `serve`) |
//! | [`VirtualClock`] | a clock that advances when everything waits |
//! | [`Faults`] | a wrapper around any transport that injects faults: broken, stalled and half-open links, malformed events |
//! | [`Recorder`], [`Cassette`] | recording of messages, without secrets, and replay |
//! | [`check`](check()) | a check of any server: whether it does what clients rely on |
//! | [`duplex`] | two ends of an in-memory link, for tests below a connection |
//! | `mocks` | mocks of the transport traits, for expectations (feature `mockall`) |
//! | `conformance` | a conformance suite for custom transports (feature `conformance`) |
//!
//! Transports can be nested: a `Recorder` around `Faults` around a simulator is a transport too.
//!
//! Everything here is deterministic if the test is: nothing reads the system's clock or randomness, and only `serve`
//! and `conformance` start threads.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Denied in the library, allowed in tests.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]
mod check;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod fault;
mod link;
#[cfg(feature = "mockall")]
pub mod mocks;
mod record;
#[cfg(feature = "serve")]
mod serve;
mod server;
mod simulator;
#[cfg(any(feature = "conformance", feature = "serve"))]
mod system_clock;
mod transport;
pub use check::{CheckOptions, CheckReport, Checked, Finding, check};
pub use clock::VirtualClock;
pub use fault::{ConnectFault, Fault, FaultKind, FaultPlan, FaultPlanError, FaultTrigger, Faults, InjectedFault};
pub use link::duplex;
pub use record::{
    Cassette, CassetteError, CassetteErrorKind, Entry, EntryKind, Matching, Mismatch, Recorder, Replay,
    ReplayTransport, Tape,
};
#[cfg(feature = "serve")]
pub use serve::{Served, Server};
pub use server::{MockServer, MockSession};
#[cfg(feature = "webhooks")]
pub use simulator::RingingCall;
pub use simulator::{
    CallState, Cue, HeldSession, McpServer, Pace, Phrase, Reaction, Received, Reply, Responder, ResponderTurn,
    ResponsePart, SimulatedCall, SimulatedSession, SimulatedTranscript, SimulatedTurn, Simulator, SimulatorTransport,
    Table, TableError, Utterance,
};
#[cfg(any(feature = "conformance", feature = "serve"))]
pub use system_clock::SystemClock;
pub use transport::MockTransport;

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
