//! Tests of realtime applications without a network, a key or a moment's sleep.
//!
//! The whole client runs as it does in earnest, from the handshake to the last event; only the socket and the clock are
//! replaced. So a test sees what travels, decides what the other side does, and gives the same result every time.
//!
//! # A scripted server
//! The test plays the server: it says what it expects, and answers.
//!
//! ```
//! use realtime_core::{Client, event::ConversationItemCreate, types::Item};
//! use realtime_mock::MockTransport;
//!
//! // What is tested: it greets whoever it is connected to.
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
//! Where the test is about the application, and not about the protocol, the [`Simulator`] knows how the service behaves:
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
//! | [`MockTransport`], [`MockServer`], [`MockSession`] | a transport in memory, and the server behind it, as a script |
//! | [`Simulator`] | a service that answers as the real one does; served on a port too, for clients in any language (feature `serve`) |
//! | [`VirtualClock`] | the time, which moves when everything waits: ten hours in a blink |
//! | [`Faults`] | a transport around any other, whose connections break, stall and lie when they are told to |
//! | [`Recorder`], [`Cassette`] | what travelled, written down without its secrets, and played again |
//! | [`duplex`] | two ends of a link, for what is smaller than a connection |
//! | `mocks` | mocks of the transport's traits, for expectations (feature `mockall`) |
//! | `conformance` | questions that a transport of your own has to answer (feature `conformance`) |
//!
//! Transports nest: `Recorder` around `Faults` around a simulator is a transport like any other.
//!
//! Everything here is deterministic as long as the test is: nothing reads the system's clock or its chance, and no
//! thread is started but by `serve` and `conformance`.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]
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
mod transport;
pub use clock::VirtualClock;
pub use fault::{ConnectFault, Fault, FaultKind, FaultPlan, FaultTrigger, Faults, InjectedFault};
pub use link::duplex;
pub use record::{
    Cassette, CassetteError, CassetteErrorKind, Entry, EntryKind, Matching, Mismatch, Recorder, Replay,
    ReplayTransport, Tape,
};
#[cfg(feature = "serve")]
pub use serve::{Served, Server, SystemClock};
pub use server::{MockServer, MockSession};
pub use simulator::{
    Cue, HeldSession, McpServer, Pace, Phrase, Reaction, Received, Reply, SimulatedSession, SimulatedTranscript,
    SimulatedTurn, Simulator, SimulatorTransport, Table, TableError, Utterance,
};
pub use transport::MockTransport;

/// Compiles the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
