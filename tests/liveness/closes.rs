//! The close code, and the type of the error before it, decide whether another attempt is made: opened or not.

use futures::future::{Either, join, select};
use realtime::{
    Client, Connection, Error, ErrorKind, Realtime,
    connection::Reconnect,
    mock::{MockServer, MockTransport},
    types::{Item, RealtimeSessionConfig, ResponseConfig},
};
use serde_json::json;

use crate::{explain, open, send, silent};

const ATTEMPTS: u32 = 3;

fn client(policy: bool) -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<String>);
    let builder = Client::builder(transport);
    let builder = if policy { builder.reconnect(Reconnect::default().max_attempts(ATTEMPTS)) } else { builder };
    (builder.build(), server)
}

/// What every link meets before the session is open: perhaps an error of this type, then this close.
async fn refuse(server: &MockServer, links: &mut u32, kind: Option<&str>, code: u16) {
    loop {
        let session = server.accept().await;
        *links += 1;
        if let Some(kind) = kind {
            send(&session, json!({ "type": "error", "error": { "type": kind, "message": "No, said the server." } }));
        }
        session.close(code, "so it is");
        while session.message().await.is_ok_and(|message| message.is_some()) {}
    }
}

/// How a first `connect` ends that meets this, and how many links there were.
fn first(policy: bool, kind: Option<&str>, code: u16) -> (Error, u32) {
    let (client, server) = client(policy);
    let mut links = 0;
    let error = server.clock().block_on(async {
        let refuse = Box::pin(refuse(&server, &mut links, kind, code));
        let connect = Box::pin(client.realtime().model("m").connect());
        select(refuse, connect).await.factor_second()
    });
    (error.unwrap_err(), links)
}

trait Second<T> {
    fn factor_second(self) -> T;
}

impl<A, B, T> Second<T> for Either<((), A), (T, B)> {
    fn factor_second(self) -> T {
        match self {
            Self::Left(_) => panic!("the server gave up"),
            Self::Right((value, _)) => value,
        }
    }
}

#[test]
fn a_first_link_that_is_closed_before_the_session_is_open_is_tried_again_if_the_code_asks_for_it() {
    for (code, again) in [
        (1001, true),
        (1005, true),
        (1006, true),
        (1011, true),
        (1012, true),
        (1013, true),
        (1014, true),
        (1000, false),
        (1002, false),
        (1003, false),
        (1007, false),
        (1008, false),
        (3000, false),
        (4000, false),
        (4008, false),
    ] {
        let (error, links) = first(true, None, code);
        assert_eq!((error.is_retryable(), links), (again, if again { 1 + ATTEMPTS } else { 1 }), "{code}: {error}");
        assert!(explain(&error).contains("so it is"), "{error}");
        assert_eq!(error.close_frame().map(|frame| frame.code), Some(code), "{error:?}");
        let (without, links) = first(false, None, code);
        assert_eq!((without.is_retryable(), links), (again, 1), "{code}: without a policy nothing is tried again");
    }
}

#[test]
fn the_type_of_the_error_stands_over_the_code() {
    for (kind, code, again) in [
        ("server_error", 1008, true),
        ("overloaded_error", 4000, true),
        ("server_error", 1011, true),
        ("invalid_request_error", 1008, false),
        ("invalid_request_error", 1011, false),
        ("insufficient_quota", 1013, false),
        ("authentication_error", 1001, false),
        ("of_their_own", 1008, false),
        ("of_their_own", 1013, true),
    ] {
        let (error, links) = first(true, Some(kind), code);
        assert_eq!(
            (error.is_retryable(), links),
            (again, if again { 1 + ATTEMPTS } else { 1 }),
            "{kind} {code}: {error}"
        );
        assert_eq!(error.server().map(|error| &*error.error.message), Some("No, said the server."));
    }
}

/// A session that was open, whose link then closes so, and how many attempts were made after that, all refused so.
fn later(code: u16) -> (Option<Error>, u32) {
    let (client, server) = client(true);
    let mut links = 0;
    let end = server.clock().block_on(async {
        let open = async {
            let session = server.accept().await;
            send(&session, json!({ "type": "session.created", "session": {} }));
            session
        };
        let (connection, session) = join(client.realtime().model("m").connect(), open).await;
        let connection: Connection<Realtime> = connection.unwrap();
        session.close(code, "so it is");
        let refuse = Box::pin(refuse(&server, &mut links, None, code));
        let end = select(refuse, Box::pin(connection.drive())).await.factor_second();
        drop(session);
        end
    });
    (end.err(), links)
}

#[test]
fn a_session_whose_link_is_closed_is_opened_again_if_the_code_asks_for_it() {
    for (code, again) in [
        (1001, true),
        (1005, true),
        (1006, true),
        (1011, true),
        (1012, true),
        (1013, true),
        (1014, true),
        (1002, false),
        (1008, false),
        (3000, false),
        (4000, false),
    ] {
        let (error, links) = later(code);
        let error = error.unwrap();
        assert_eq!((error.is_retryable(), links), (again, if again { ATTEMPTS } else { 0 }), "{code}: {error}");
    }
    // Nothing is unanswered: the server has ended the session well.
    assert!(matches!(later(1000), (None, 0)));
}

#[test]
fn what_was_sent_before_a_first_link_opened_is_sent_on_the_next() {
    let (client, server) = client(true);
    server.clock().block_on(async {
        let connection = client.realtime().model("m").open().unwrap();
        let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
        let serve = async {
            let first = server.accept().await;
            let _ = first.next().await;
            first.close(1013, "busy");
            let second = server.accept().await;
            send(&second, json!({ "type": "session.created", "session": {} }));
            let item = loop {
                let event = json!(second.next().await.unwrap());
                if event["type"] == "conversation.item.create" {
                    break event["item"].clone();
                }
            };
            send(&second, json!({ "type": "conversation.item.added", "item": item }));
            (first, second)
        };
        let (acknowledged, _links) = join(ack, serve).await;
        assert!(acknowledged.is_ok(), "{acknowledged:?}");
    });
}

#[test]
fn a_close_with_code_1000_while_something_is_unanswered_is_no_success() {
    // A response is active, and its handle gone.
    let (connection, session, server) = open(Default::default());
    drop(connection.response().create(ResponseConfig::default()).unwrap());
    server.clock().block_on(async {
        let serve = async {
            session.next().await.unwrap();
            send(&session, json!({ "type": "response.created", "response": { "id": "r" } }));
            session.close(1000, "bye");
        };
        let (end, ()) = join(connection.drive(), serve).await;
        let error = end.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed(Some(frame)) if frame.code == 1000 && frame.reason == "bye"));
        assert!(error.is_retryable());
    });
    // A request waits.
    let (connection, session, server) = open(Default::default());
    let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
    server.clock().block_on(async {
        let serve = async {
            session.next().await.unwrap();
            session.close(1000, "bye");
        };
        let (answer, ()) = join(ack, serve).await;
        let error = answer.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Ambiguous), "{error:?}");
        assert_eq!(error.close_frame().map(|frame| frame.code), Some(1000));
    });
    // Nothing does.
    let (connection, session, server) = open(Default::default());
    session.close(1000, "bye");
    assert!(server.clock().block_on(connection.drive()).is_ok());
}

#[test]
fn a_response_cut_off_by_code_1000_is_a_loss_like_any_other_under_a_policy() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).reconnect(Reconnect::default()).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    server.clock().block_on(async {
        let serve = async {
            session.next().await.unwrap();
            send(&session, json!({ "type": "response.created", "response": { "id": "r" } }));
            session.close(1000, "restart");
            server.accept().await
        };
        let (answer, _second) = join(handle, serve).await;
        let error = answer.unwrap_err();
        assert!(explain(&error).contains("code 1000: restart"), "{}", explain(&error));
    });
}

#[test]
fn handles_and_acknowledgements_carry_why_the_connection_ended() {
    for code in [1008, 1011] {
        let (connection, session, server) = open(Default::default());
        let handle = connection.response().create(ResponseConfig::default()).unwrap();
        let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
        drop(connection.session().update(RealtimeSessionConfig::default()).unwrap());
        server.clock().block_on(async {
            let serve = async {
                for _ in 0..3 {
                    session.next().await.unwrap();
                }
                send(&session, json!({ "type": "response.created", "response": { "id": "r" } }));
                send(&session, json!({ "type": "error", "error": { "message": "The quota is used up." } }));
                session.close(code, "insufficient_quota");
            };
            let (answer, ack, ()) = futures::join!(handle, ack, serve);
            for error in [answer.unwrap_err(), ack.unwrap_err()] {
                assert!(matches!(error.kind(), ErrorKind::Ambiguous | ErrorKind::Unsent), "{error:?}");
                assert_eq!(error.close_frame().map(|frame| frame.code), Some(code));
                assert_eq!(error.server().map(|error| &*error.error.message), Some("The quota is used up."));
                let told = explain(&error);
                assert!(
                    told.contains(&format!("code {code}: insufficient_quota")) && told.contains("quota is used up"),
                    "{told}"
                );
            }
        });
    }
}

#[test]
fn a_refusal_tells_the_servers_words_in_any_shape() {
    for (frame, words) in [
        (json!({ "type": "error", "error": "Model not found" }), "Model not found"),
        (json!({ "type": "error", "message": "This key may not." }), "This key may not."),
        (json!({ "type": "error", "error": { "code": 400, "message": "So not." } }), "So not."),
        (json!({ "error": { "message": "Of no type." } }), "Of no type."),
        (json!({ "message": "At the top, of no type." }), "At the top, of no type."),
        (json!({ "type": "session.failed", "error": { "message": "Under another name." } }), "Under another name."),
    ] {
        let (client, server) = silent(Default::default());
        server.clock().block_on(async {
            let serve = async {
                let session = server.accept().await;
                send(&session, frame);
                session.close(1008, "policy");
                session.closed().await;
            };
            let (connection, ()) = join(client.realtime().model("m").connect(), serve).await;
            let error = connection.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error:?}");
            assert_eq!(error.server().map(|error| &*error.error.message), Some(words));
            assert!(error.to_string().contains(words) && error.to_string().contains("1008"), "{error}");
        });
    }
}

#[test]
fn a_refusal_without_a_close_is_told_when_the_opening_times_out() {
    let (client, server) = silent(Default::default());
    server.clock().block_on(async {
        let serve = async {
            let session = server.accept().await;
            send(&session, json!({ "type": "error", "error": { "message": "No slot is free." } }));
            session
        };
        let (connection, _session) = join(client.realtime().model("m").connect(), serve).await;
        let error = connection.unwrap_err();
        assert_eq!(error.server().map(|error| &*error.error.message), Some("No slot is free."));
        assert!(error.to_string().contains("No slot is free."), "{error}");
    });
    assert_eq!(server.clock().next_alarm(), None);
}
