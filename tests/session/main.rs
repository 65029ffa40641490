//! The session of a conversation, seen from an application.

mod barge_in;
mod checks;
mod dialect;
mod editing;
mod endings;
mod long;
mod properties;
mod responses;
#[path = "../support/seeds.rs"]
mod seeds;
mod sending;
mod storage;
mod traps;

use realtime::{
    Client, Connection, Options, Realtime, RealtimeSettings,
    mock::{MockServer, MockSession, MockTransport},
};

/// An open connection and its other end.
fn open(options: Options) -> (Connection<Realtime>, MockSession, MockServer) {
    open_with(options, RealtimeSettings::default())
}

fn open_with(options: Options, settings: RealtimeSettings) -> (Connection<Realtime>, MockSession, MockServer) {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).options(options).build();
    let connect = client.realtime().model("gpt-realtime").settings(settings);
    let connection = server.clock().block_on(connect.connect()).unwrap();
    let session = server.try_accept_as().unwrap();
    (connection, session, server)
}
