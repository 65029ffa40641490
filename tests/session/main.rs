//! The session of a conversation, seen from an application.

mod barge_in;
mod checks;
mod dialect;
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
    Client, Connection, Options, Realtime,
    mock::{MockServer, MockSession, MockTransport},
};

/// An open connection and its other end.
fn open(options: Options) -> (Connection<Realtime>, MockSession, MockServer) {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).options(options).build();
    let connection = server.clock().block_on(client.realtime().model("gpt-realtime").connect()).unwrap();
    let session = server.try_accept_as().unwrap();
    (connection, session, server)
}
