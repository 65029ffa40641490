//! x
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod link;
mod server;
mod transport;
pub use clock::VirtualClock;
pub use link::duplex;
pub use server::{MockServer, MockSession};
pub use transport::MockTransport;
