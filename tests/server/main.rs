//! The accepting side: requests, connections, listeners.

#[path = "../support/seeds.rs"]
mod seeds;
#[path = "../support/mod.rs"]
mod support;

mod connection;
mod crowd;
mod faults;
#[path = "../../examples/inspect/input.rs"]
#[expect(dead_code, reason = "the example reads from elsewhere too")]
mod input;
mod listener;
mod relay;
mod script;
mod upgrade;
mod usage;
