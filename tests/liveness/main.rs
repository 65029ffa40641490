//! Nothing that a server says or leaves out leaves a caller waiting: in virtual time, against scripted servers.

mod cases;
mod closes;
mod half_open;
mod rows;
mod script;
#[path = "../support/scripted.rs"]
mod scripted;

use realtime::{
    Client, Connection, Options, Realtime, RealtimeSettings,
    mock::{MockServer, MockSession, MockTransport},
};
use serde_json::Value;

/// A client, its server, and nothing that greets by itself.
fn silent(options: Options) -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<String>);
    (Client::builder(transport).options(options).build(), server)
}

/// An open connection and its other end.
fn open(options: Options) -> (Connection<Realtime>, MockSession, MockServer) {
    scripted::open(|client| client.options(options), RealtimeSettings::default())
}

/// An error with all that caused it, as a user prints it.
fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn send(session: &MockSession, frame: Value) {
    session.send_raw(frame.to_string());
}
