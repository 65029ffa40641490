//! What the benchmarks share.

pub mod cpu;
pub mod events_only;
pub mod floor;
pub mod frames;
pub mod memory;
pub mod peers;
pub mod rounds;
pub mod server;
