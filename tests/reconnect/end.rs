//! What a function gave comes back, whatever becomes of the connection's end.

use std::time::Duration;

use realtime::{
    Client, ClientBuilder, Connect, Deadline, Error, ErrorKind, Options, Ran, Realtime,
    connection::Reconnect,
    mock::{MockServer, MockTransport},
    transport::{Timer, TransportError, TransportErrorKind},
};

fn connect(set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> (Connect<Realtime>, MockServer) {
    let (transport, server) = MockTransport::new();
    (set(Client::builder(transport)).build().realtime().model("m"), server)
}

/// Sends something, and then the link is gone for good.
async fn lose(connect: Connect<Realtime>, server: &MockServer) -> Result<Ran<u32>, Error> {
    connect
        .run_to_end(async |connection| {
            let session = server.try_accept_as::<Realtime>().unwrap();
            (0..1000).for_each(|_| server.fail_next(TransportError::new(TransportErrorKind::Connect, "no route")));
            session.drop_link();
            connection.append(&[0; 4800])?;
            Ok(7)
        })
        .await
}

#[test]
fn without_a_policy_the_value_comes_back_and_the_failure_beside_it() {
    let (connect, server) = connect(|builder| builder);
    let ran = server.clock().block_on(lose(connect, &server)).unwrap();
    assert_eq!(ran.value, 7);
    assert!(ran.end.is_err(), "what was sent has not left");
}

#[test]
fn while_another_link_is_sought_closing_has_a_deadline_of_its_own() {
    let options = Options::default().finish_timeout(Duration::from_secs(3));
    let (connect, server) =
        connect(|builder| builder.options(options).reconnect(Reconnect::default().max_attempts(100)));
    let ran = server.clock().block_on(lose(connect, &server)).unwrap();
    assert_eq!(ran.value, 7);
    let error = ran.end.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(Deadline::Finish)), "{error:?}");
    let took = server.clock().now().since_origin();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "{took:?}");
    assert_eq!(server.clock().pending(), 0);
}

#[test]
fn what_was_sent_still_leaves_over_another_link_that_comes_in_time() {
    let (connect, server) = connect(|builder| builder.reconnect(Reconnect::default()));
    let ran = server.clock().block_on(connect.run_to_end(async |connection| {
        let session = server.try_accept_as::<Realtime>().unwrap();
        session.drop_link();
        connection.append(&[0; 4800])?;
        Ok::<_, Error>(7)
    }));
    let ran = ran.unwrap();
    assert_eq!(ran.value, 7);
    ran.end.unwrap();
}

#[test]
fn run_gives_the_value_alone() {
    let (connect, server) = connect(|builder| builder);
    let value = server.clock().block_on(connect.run(async |_| {
        server.try_accept_as::<Realtime>().unwrap().drop_link();
        Ok::<_, Error>(7)
    }));
    assert_eq!(value.unwrap(), 7);
}

#[test]
fn events_that_nobody_read_do_not_keep_the_end_from_coming() {
    let (connect, server) = connect(|builder| builder.options(Options::default().inbox_bytes(1000)));
    let ran = server.clock().block_on(connect.run_to_end(async |connection| {
        let session = server.try_accept_as::<Realtime>().unwrap();
        (0..100).for_each(|_| session.send_raw(r#"{"type":"input_audio_buffer.cleared"}"#));
        connection.append(&[0; 4800])?;
        Ok::<_, Error>(session)
    }));
    let ran = ran.unwrap();
    ran.end.unwrap();
    drop(ran.value);
}
