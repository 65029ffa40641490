//! x
mod clock;
mod link;
pub use clock::VirtualClock;
pub use link::duplex;
