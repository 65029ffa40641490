//! x

// Tests may; what users run must not.
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod link;
#[cfg(feature = "serve")]
mod serve;
mod server;
mod simulator;
mod transport;
pub use clock::VirtualClock;
pub use link::duplex;
#[cfg(feature = "serve")]
pub use serve::{Served, Server, SystemClock};
pub use server::{MockServer, MockSession};
pub use simulator::{
    Answer, Heard, McpServer, Pace, Phrase, Received, SimulatedSession, Simulator, SimulatorTransport, Table,
    TableError, Turn, Utterance,
};
pub use transport::MockTransport;
