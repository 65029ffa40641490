//! A conversation with a server that a script plays, in virtual time.

use realtime::{
    Client, ClientBuilder, Connection, Realtime, RealtimeSettings,
    mock::{MockServer, MockSession, MockTransport},
};

/// An open connection of such a client, the server's end of it, and the server.
pub(crate) fn open(
    client: impl FnOnce(ClientBuilder) -> ClientBuilder,
    settings: RealtimeSettings,
) -> (Connection<Realtime>, MockSession, MockServer) {
    let (transport, server) = MockTransport::new();
    let connect = client(Client::builder(transport)).build().realtime().model("m").settings(settings);
    let connection = server.clock().block_on(connect.connect()).unwrap();
    let session = server.try_accept_as().unwrap();
    (connection, session, server)
}
