//! How a session ends, as the application hears of it.

use std::time::Duration;

use futures::StreamExt;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use realtime::{
    Client, ErrorKind, Options, Realtime,
    connection::{Notice, Reconnect, Update},
    mock::MockTransport,
    transport::{Message, Timer},
};

use crate::open;

#[test]
fn a_close_frame_without_a_code_is_told_as_1005() {
    let (connection, session, server) = open(Options::default());
    session.send_message(Message::Close(None));
    let error = server.clock().block_on(async {
        assert!(connection.next().await.unwrap().is_ok(), "the session was opened");
        connection.next().await.unwrap().unwrap_err()
    });
    assert_eq!(error.close_frame().map(|frame| frame.code), Some(1005));
    assert!(error.is_retryable());
}

#[test]
fn without_a_target_the_error_says_what_to_choose() {
    let client = Client::builder(MockTransport::new().0).build();
    for error in [client.realtime().open().unwrap_err(), client.translation().open().unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::NoTarget));
        // What only a conversation can choose is said of it alone.
        let told = error.to_string();
        assert!(told.starts_with("nothing to connect to: choose a `model` (a conversation may also join"), "{told}");
    }
}

#[test]
fn an_attempt_to_reconnect_waits_as_long_as_the_server_asks() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).reconnect(Reconnect::default()).build();
    let clock = server.clock();
    clock.block_on(async {
        let connection = client.realtime().model("m").connect().await.unwrap();
        let session = server.accept_as::<Realtime>().await;
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "30".parse().unwrap())]);
        let body = r#"{"error":{"message":"At capacity.","code":"busy"}}"#;
        server.refuse_next(StatusCode::SERVICE_UNAVAILABLE, headers, body);
        session.drop_link();
        let mut waits = Vec::new();
        let mut updates = connection.updates();
        while waits.len() < 2 {
            if let Some(Ok(Update::Notice(Notice::Reconnecting { after, reason, .. }))) = updates.next().await {
                waits.push((after, reason));
            }
        }
        let refused_at = clock.now();
        let (after, reason) = &waits[1];
        assert!((30..=31).contains(&after.as_secs()), "{after:?}");
        assert!(matches!(reason.kind(), ErrorKind::Transport(_)));
        assert_eq!(reason.server().map(|error| &*error.error.message), Some("At capacity."));
        // Nobody connects before that.
        let driver = connection.driver();
        let accepted = server.accept_as::<Realtime>();
        futures::pin_mut!(driver, accepted);
        futures::future::select(driver, accepted).await;
        assert!(clock.now() - refused_at >= Duration::from_secs(30));
    });
}
