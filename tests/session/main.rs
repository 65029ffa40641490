//! The session of a conversation, seen from an application.

mod barge_in;
mod checks;
mod dialect;
mod editing;
mod endings;
mod latency;
mod long;
mod properties;
mod responses;
#[path = "../support/scripted.rs"]
mod scripted;
#[path = "../support/seeds.rs"]
mod seeds;
mod sending;
mod storage;
mod traps;

use realtime::{
    Connection, Options, Realtime, RealtimeSettings,
    mock::{MockServer, MockSession},
};

/// An open connection and its other end.
fn open(options: Options) -> (Connection<Realtime>, MockSession, MockServer) {
    open_with(options, RealtimeSettings::default())
}

fn open_with(options: Options, settings: RealtimeSettings) -> (Connection<Realtime>, MockSession, MockServer) {
    scripted::open(|client| client.options(options), settings)
}
