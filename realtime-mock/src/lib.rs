//! x
mod clock;
mod link;
mod server;
mod simulator;
mod transport;
pub use clock::VirtualClock;
pub use link::duplex;
pub use server::{MockServer, MockSession};
pub use simulator::{
    Answer, Heard, McpServer, Pace, Phrase, Received, SimulatedSession, Simulator, SimulatorTransport, Turn, Utterance,
};
pub use transport::MockTransport;
