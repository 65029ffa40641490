//! Every wait has a bound, and every timeout says what was waited for.

use std::time::Duration;

use futures::{
    FutureExt, StreamExt,
    future::{join, join3, select},
};
use realtime::{
    Awaited, Client, Connection, Error, ErrorKind, Json, Options, Realtime, Unanswered,
    connection::{Notice, Reconnect, Update},
    event::{ConversationItemAdded, Custom, Event, ResponseCancel, ResponseDone, SessionUpdated},
    mock::{MockServer, MockSession, MockTransport},
    transport::Timer,
    types::{Item, RealtimeSessionConfig, ResponseConfig, ResponseStatus},
};
use serde_json::{Value, json};

use crate::{open, send, silent};

fn unanswered(error: &Error) -> &Unanswered {
    match error.kind() {
        ErrorKind::Unanswered(unanswered) => unanswered,
        other => panic!("{other:?}"),
    }
}

/// A script answers no pings while it does something else.
fn quiet() -> Options {
    Options::default().keepalive(None)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The client's next event of this type, and what else came is passed over.
async fn until(session: &MockSession, kind: &str) -> Value {
    loop {
        let event = session.next().await.unwrap();
        if event.kind() == kind {
            return json!(event);
        }
    }
}

/// Runs what waits beside a script, while somebody drives.
fn run<T, S>(
    connection: &Connection<Realtime>,
    server: &MockServer,
    waits: impl Future<Output = T>,
    script: impl Future<Output = S>,
) -> (T, S) {
    server.clock().block_on(async {
        let both = join(waits, script);
        match select(Box::pin(both), connection.driver()).await {
            futures::future::Either::Left((both, _)) => both,
            futures::future::Either::Right((end, _)) => panic!("the connection ended: {end:?}"),
        }
    })
}

/// Plain answers to all requests for responses from now on.
async fn serve(session: &MockSession) {
    for number in 0.. {
        let create = until(session, "response.create").await;
        let response = json!({ "id": format!("plain_{number}"), "metadata": create["response"]["metadata"] });
        send(session, json!({ "type": "response.created", "response": response }));
        send(session, json!({ "type": "response.done", "response": response }));
    }
}

/// Afterwards nothing is armed but the keepalive, the scheduler is free, and the next request is answered.
fn is_free(connection: &Connection<Realtime>, session: &MockSession, server: &MockServer) {
    while connection.next().now_or_never().is_some() {}
    assert!(connection.state().can_respond(server.clock().now()));
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let begun = server.clock().now();
    server.clock().block_on(async {
        match select(Box::pin(handle), Box::pin(serve(session))).await {
            futures::future::Either::Left((answer, _)) => assert!(answer.is_ok(), "{answer:?}"),
            futures::future::Either::Right(_) => unreachable!(),
        }
    });
    assert_eq!(server.clock().now(), begun);
}

fn begin(session: &MockSession, id: &str, create: &Value) {
    let metadata = &create["response"]["metadata"];
    send(
        session,
        json!({ "type": "response.created", "response": { "id": id, "status": "in_progress", "metadata": metadata } }),
    );
}

fn delta(session: &MockSession, id: &str) {
    send(
        session,
        json!({
            "type": "response.output_text.delta", "response_id": id, "item_id": format!("item_{id}"), "output_index": 0,
            "content_index": 0, "delta": "Half an answer",
        }),
    );
}

fn end(session: &MockSession, id: &str) {
    send(session, json!({ "type": "response.done", "response": { "id": id, "status": "completed", "output": [] } }));
}

fn complain(session: &MockSession, words: &str) {
    send(session, json!({ "type": "error", "error": { "type": "server_error", "message": words } }));
}

#[test]
fn an_error_within_a_response_ends_it_after_a_bound_with_the_servers_words() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        begin(&session, "r", &create);
        delta(&session, "r");
        server.clock().sleep(seconds(10)).await;
        complain(&session, "no slot is free");
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    let response = answer.unwrap();
    assert_eq!(server.clock().now().since_origin(), seconds(40));
    assert_eq!(response.status, Some(ResponseStatus::Failed));
    let error = response.status_details.unwrap().error.unwrap();
    assert_eq!(error.message.as_deref(), Some("no slot is free"));
    assert_eq!(connection.state().responses.get("r").unwrap().status, ResponseStatus::Failed);
    is_free(&connection, &session, &server);
}

#[test]
fn a_sign_of_life_after_an_error_says_that_it_was_about_something_else() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        begin(&session, "r", &create);
        complain(&session, "something else");
        server.clock().sleep(seconds(29)).await;
        // Of a type that nobody knows, and of the response all the same.
        send(&session, json!({ "type": "response.animation.delta", "response_id": "r" }));
        server.clock().sleep(seconds(119)).await;
        delta(&session, "r");
        server.clock().sleep(seconds(119)).await;
        end(&session, "r");
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    assert_eq!(answer.unwrap().status, Some(ResponseStatus::Completed));
    is_free(&connection, &session, &server);
}

#[test]
fn a_silent_response_is_given_up_and_its_id_named() {
    let (connection, session, server) = open(Options::default());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        begin(&session, "r", &create);
        server.clock().sleep(seconds(5)).await;
        delta(&session, "r");
        // It answers pings.
        let listen = async { while session.message().await.is_ok_and(|message| message.is_some()) {} };
        select(Box::pin(listen), Box::pin(server.clock().sleep(seconds(119)))).await;
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    let error = answer.unwrap_err();
    assert_eq!(server.clock().now().since_origin(), seconds(125));
    assert_eq!(unanswered(&error).awaited, Awaited::Response("r".into()));
    assert_eq!(unanswered(&error).waited, seconds(120));
    assert!(unanswered(&error).only_keepalives, "the link answers its pings");
    assert!(error.to_string().contains("response r within 120 s") && error.to_string().contains("ping"), "{error}");
    assert_eq!(connection.state().responses.get("r").unwrap().status, ResponseStatus::Incomplete);
    is_free(&connection, &session, &server);
    // The end that comes late finds its place, and answers nothing else.
    end(&session, "r");
    server.clock().block_on(async { connection.flush().await.unwrap() });
    while connection.next().now_or_never().is_some() {}
    assert_eq!(connection.state().responses.get("r").unwrap().status, ResponseStatus::Completed);
    is_free(&connection, &session, &server);
}

#[test]
fn a_refused_cancellation_frees_the_conversation() {
    for code in [json!("response_cancel_not_active"), Value::Null] {
        for named in [true, false] {
            let (connection, session, server) = open(quiet());
            let handle = connection.response().create(ResponseConfig::default()).unwrap();
            let script = async {
                let create = until(&session, "response.create").await;
                begin(&session, "r", &create);
                delta(&session, "r");
                until(&session, "response.cancel").await
            };
            // The acknowledgement is awaited only once the server has refused.
            #[allow(clippy::async_yields_async)]
            let cancel = async {
                while connection.state().responses.active().is_none() {
                    server.clock().sleep(Duration::from_millis(1)).await;
                }
                connection.request::<ResponseDone>(ResponseCancel::default()).unwrap()
            };
            let (ack, cancel) = run(&connection, &server, cancel, script);
            let event_id = if named { cancel["event_id"].clone() } else { Value::Null };
            let message = "Cancellation failed: no active response found";
            send(
                &session,
                json!({ "type": "error", "error": { "code": code, "message": message, "event_id": event_id } }),
            );
            let (answer, ack) = server.clock().block_on(join(handle, ack));
            assert_eq!(answer.unwrap().status, Some(ResponseStatus::Incomplete));
            assert!(matches!(ack.unwrap_err().kind(), ErrorKind::Request(_)));
            assert_eq!(server.clock().now().since_origin().as_secs(), 0);
            is_free(&connection, &session, &server);
        }
    }
}

#[test]
fn the_refused_cancellation_of_an_older_response_leaves_the_present_one_alone() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    connection.send(ResponseCancel::default().response_id("older")).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        let cancel = until(&session, "response.cancel").await;
        begin(&session, "r", &create);
        send(
            &session,
            json!({ "type": "error", "error": {
            "code": "response_cancel_not_active", "message": "none", "event_id": cancel["event_id"],
        } }),
        );
        delta(&session, "r");
        end(&session, "r");
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    assert_eq!(answer.unwrap().status, Some(ResponseStatus::Completed));
}

#[test]
fn a_request_for_a_response_that_is_never_answered_is_given_up_and_its_late_answer_cancelled() {
    let (connection, session, server) = open(quiet());
    drop(connection.response().create(ResponseConfig::default()).unwrap());
    let second = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let first = until(&session, "response.create").await;
        let second = until(&session, "response.create").await;
        assert_eq!(server.clock().now().since_origin(), seconds(30));
        // The first is answered after all, before the second.
        begin(&session, "late", &first);
        let cancel = until(&session, "response.cancel").await;
        assert_eq!(cancel["response_id"], "late");
        send(&session, json!({ "type": "response.done", "response": { "id": "late", "status": "cancelled" } }));
        begin(&session, "r", &second);
        delta(&session, "r");
        end(&session, "r");
    };
    let mut updates = connection.updates();
    let watch = async {
        loop {
            if let Update::Notice(Notice::Failed { awaited, error }) = updates.next().await.unwrap().unwrap() {
                assert!(matches!(unanswered(&error), Unanswered { awaited: Awaited::Event { .. }, .. }));
                break awaited;
            }
        }
    };
    let ((answer, awaited), ()) = run(&connection, &server, join(second, watch), script);
    assert_eq!(answer.unwrap().id.as_deref(), Some("r"));
    assert!(matches!(awaited, Awaited::Event { kind, .. } if &*kind == "response.create"));
    is_free(&connection, &session, &server);
}

#[test]
fn a_late_answer_without_a_mark_is_nobody_elses_where_nobody_asks() {
    let (connection, session, server) = open(quiet());
    let first = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        until(&session, "response.create").await;
    };
    let (answer, ()) = run(&connection, &server, first, script);
    let error = answer.unwrap_err();
    assert!(error.to_string().contains("`response.create` was not acknowledged within 30 s"), "{error}");
    send(&session, json!({ "type": "response.created", "response": { "id": "late" } }));
    let script = async {
        let cancel = until(&session, "response.cancel").await;
        assert_eq!(cancel["response_id"], "late");
        send(&session, json!({ "type": "response.cancelled", "response_id": "late" }));
        send(&session, json!({ "type": "response.done", "response": { "id": "late", "status": "cancelled" } }));
    };
    run(&connection, &server, async {}, script);
    is_free(&connection, &session, &server);
}

#[test]
fn an_error_that_names_nothing_belongs_to_the_only_request() {
    let (connection, session, server) = open(quiet());
    for id in [Value::Null, "evt_of_nobody".into()] {
        let update = connection.session().update(RealtimeSessionConfig::default()).unwrap();
        let script = async {
            until(&session, "session.update").await;
            send(&session, json!({ "type": "error", "error": { "message": "not so", "event_id": id } }));
        };
        let (answer, ()) = run(&connection, &server, update, script);
        assert!(matches!(answer.unwrap_err().kind(), ErrorKind::Request(error) if error.error.message == "not so"));
    }
    assert_eq!(server.clock().now().since_origin(), Duration::ZERO);
    // Of a response it is believed only when none begins.
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        until(&session, "response.create").await;
        complain(&session, "The model is asleep.");
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    let error = answer.unwrap_err();
    assert_eq!(error.server().unwrap().error.message, "The model is asleep.");
    assert_eq!(server.clock().now().since_origin(), seconds(1));
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        complain(&session, "a warning");
        server.clock().sleep(Duration::from_millis(900)).await;
        begin(&session, "r", &create);
        end(&session, "r");
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn an_error_that_names_nothing_ends_nothing_where_two_wait_and_one_that_names_another_ends_that_alone() {
    let (connection, session, server) = open(quiet());
    let one = connection.session().update(RealtimeSessionConfig::default()).unwrap();
    let two = connection.conversation().item().create(Item::user("hi")).unwrap();
    let script = async {
        until(&session, "session.update").await;
        let create = until(&session, "conversation.item.create").await;
        complain(&session, "one of them");
        server.clock().sleep(seconds(1)).await;
        send(&session, json!({ "type": "error", "error": { "message": "this", "event_id": create["event_id"] } }));
    };
    let ((one, two), ()) = run(&connection, &server, join(one, two), script);
    assert!(matches!(two.unwrap_err().kind(), ErrorKind::Request(error) if error.error.message == "this"));
    // The other was not acknowledged, and what was said meanwhile may be why.
    let error = one.unwrap_err();
    assert_eq!(error.server().unwrap().error.message, "one of them");
    assert!(matches!(&unanswered(&error).awaited, Awaited::Event { kind, .. } if &**kind == "session.update"));
}

#[test]
fn a_response_with_a_null_conversation_answers_the_only_request() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        until(&session, "response.create").await;
        send(&session, json!({ "type": "response.created", "response": { "id": "r", "conversation_id": null } }));
        delta(&session, "r");
        send(
            &session,
            json!({ "type": "response.done", "response": { "id": "r", "conversation_id": null, "status": "completed" } }),
        );
    };
    let (answer, ()) = run(&connection, &server, handle, script);
    assert_eq!(answer.unwrap().id.as_deref(), Some("r"));
    is_free(&connection, &session, &server);
}

#[test]
fn an_item_is_acknowledged_by_any_of_its_announcements() {
    for kind in ["conversation.item.added", "conversation.item.created", "conversation.item.done"] {
        for keeps_id in [true, false] {
            let (connection, session, server) = open(quiet());
            let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
            let script = async {
                let mut item = until(&session, "conversation.item.create").await["item"].clone();
                if !keeps_id {
                    item["id"] = "of_the_server".into();
                }
                // Of another sort, and so no answer.
                send(
                    &session,
                    json!({ "type": kind, "item": { "id": "x", "type": "message", "role": "assistant", "content": [] } }),
                );
                send(&session, json!({ "type": kind, "previous_item_id": null, "item": item }));
                item["id"].clone()
            };
            let (added, id) = run(&connection, &server, ack, script);
            let added: ConversationItemAdded = added.unwrap();
            assert_eq!(json!(added.item.id()), id);
            assert_eq!(server.clock().now().since_origin(), Duration::ZERO);
        }
    }
}

#[test]
fn what_the_user_has_said_acknowledges_no_item_of_ours() {
    let (connection, session, server) = open(quiet());
    let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
    let script = async {
        until(&session, "conversation.item.create").await;
        send(
            &session,
            json!({ "type": "input_audio_buffer.committed", "item_id": "spoken", "previous_item_id": null }),
        );
        let spoken =
            json!({ "id": "spoken", "type": "message", "role": "user", "content": [{ "type": "input_audio" }] });
        send(&session, json!({ "type": "conversation.item.added", "previous_item_id": null, "item": spoken }));
    };
    let (added, ()) = run(&connection, &server, ack, script);
    assert!(matches!(&unanswered(&added.unwrap_err()).awaited, Awaited::Event { .. }));
    assert_eq!(server.clock().now().since_origin(), seconds(30));
}

#[test]
fn the_session_opens_by_whatever_says_that_it_is_open() {
    for (frame, is_binary) in [
        (json!({ "type": "session.created" }), false),
        (
            json!({ "type": "session.created", "session": { "id": 7, "expires_at": "soon", "prompt": {}, "tools": {} } }),
            false,
        ),
        (json!({ "type": "session.created", "session": "yes" }), false),
        (json!({ "type": "conversation.created", "conversation": { "id": "c" } }), false),
        (json!({ "type": "session.updated", "session": { "type": "realtime" } }), false),
        (json!({ "type": "session.created", "session": { "type": "realtime" } }), true),
    ] {
        let (client, server) = silent(Options::default());
        server.clock().block_on(async {
            let serve = async {
                let session = server.accept().await;
                if is_binary {
                    session.send_binary(frame.to_string())
                } else {
                    send(&session, frame.clone())
                }
                session
            };
            let (connection, _session) = join(client.realtime().model("m").connect(), serve).await;
            assert!(connection.is_ok(), "{frame}: {connection:?}");
        });
    }
}

#[test]
fn an_opening_that_fails_names_what_came_instead() {
    let opening = |frames: Vec<Value>| {
        let (client, server) = silent(Options::default());
        let error = server.clock().block_on(async {
            let serve = async {
                let session = server.accept().await;
                server.clock().sleep(seconds(1)).await;
                frames.into_iter().for_each(|frame| send(&session, frame));
                session
            };
            join(client.realtime().model("m").connect(), serve).await.0.unwrap_err()
        });
        assert_eq!(server.clock().now().since_origin(), seconds(15));
        assert_eq!(unanswered(&error).awaited, Awaited::Opening);
        assert!(error.is_retryable());
        error
    };
    let error = opening(vec![json!({ "type": "session.begun" }), json!({ "hello": 1 })]);
    assert_eq!(unanswered(&error).came[..], [Box::from("session.begun"), "a message without a type".into()]);
    assert!(error.to_string().contains("`session.begun`"), "{error}");
    let error = opening(Vec::new());
    assert!(unanswered(&error).came.is_empty() && error.to_string().contains("did not open the session within 15 s"));
    let error = opening(vec![json!({ "type": "ping" })]);
    assert!(unanswered(&error).only_keepalives && error.to_string().contains("ping"), "{error}");
}

#[test]
fn a_request_that_nothing_settles_is_bounded() {
    let (connection, session, server) = open(quiet());
    let custom = |json: &str| Custom::new(Json::parse(json).unwrap()).unwrap();
    let named = connection.request::<SessionUpdated>(custom(r#"{"type":"vendor.do","event_id":"mine"}"#)).unwrap();
    let bare = connection.request::<SessionUpdated>(custom(r#"{"type":"vendor.do"}"#)).unwrap();
    let cancel = connection.request::<ResponseDone>(ResponseCancel::default()).unwrap();
    let script = async {
        until(&session, "response.cancel").await;
        send(&session, json!({ "type": "error", "error": { "message": "no such", "event_id": "mine" } }));
    };
    let ((named, bare, cancel), ()) = run(&connection, &server, join3(named, bare, cancel), script);
    assert!(matches!(named.unwrap_err().kind(), ErrorKind::Request(_)));
    for error in [bare.unwrap_err(), cancel.unwrap_err()] {
        assert_eq!(unanswered(&error).waited, seconds(30));
    }
    assert_eq!(server.clock().now().since_origin(), seconds(30));
}

#[test]
fn a_cancellation_is_answered_by_the_end_of_the_response() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        begin(&session, "r", &create);
        until(&session, "response.cancel").await;
        send(&session, json!({ "type": "response.done", "response": { "id": "r", "status": "cancelled" } }));
    };
    let cancel = async {
        while connection.state().responses.active().is_none() {
            server.clock().sleep(Duration::from_millis(1)).await;
        }
        connection.request::<ResponseDone>(ResponseCancel::default()).unwrap().await
    };
    let ((answer, cancelled), ()) = run(&connection, &server, join(handle, cancel), script);
    assert_eq!(answer.unwrap().status, Some(ResponseStatus::Cancelled));
    assert_eq!(cancelled.unwrap().response.id.as_deref(), Some("r"));
}

#[test]
fn the_bound_of_an_acknowledgement_rests_while_a_response_is_active() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let ack = async {
        server.clock().sleep(seconds(1)).await;
        let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
        (ack.await, server.clock().now().since_origin())
    };
    let script = async {
        let create = until(&session, "response.create").await;
        // Ten of its thirty seconds have passed when the response begins.
        server.clock().sleep(seconds(11)).await;
        begin(&session, "r", &create);
        server.clock().sleep(seconds(100)).await;
        end(&session, "r");
    };
    let ((answer, (added, at)), ()) = run(&connection, &server, join(handle, ack), script);
    assert!(answer.is_ok());
    assert!(matches!(unanswered(&added.unwrap_err()).awaited, Awaited::Event { .. }));
    assert_eq!(at, seconds(131));
}

#[test]
fn bounds_are_options_and_can_be_turned_off() {
    let options = quiet().request_timeout(seconds(3));
    let (connection, session, server) = open(options);
    let ack = connection.session().update(RealtimeSessionConfig::default()).unwrap();
    let (answer, _) = run(&connection, &server, ack, until(&session, "session.update"));
    assert_eq!(unanswered(&answer.unwrap_err()).waited, seconds(3));

    let options = quiet().request_timeout(None).response_idle_timeout(None).response_error_timeout(None);
    let (connection, session, server) = open(options);
    let ack = connection.session().update(RealtimeSessionConfig::default()).unwrap();
    let script = async {
        until(&session, "session.update").await;
        server.clock().sleep(seconds(100_000)).await;
        send(&session, json!({ "type": "session.updated", "session": { "type": "realtime" } }));
    };
    let (answer, ()) = run(&connection, &server, ack, script);
    assert!(answer.is_ok());
}

#[test]
fn no_timer_stays_armed_once_nothing_is_waited_for() {
    let (connection, session, server) = open(quiet());
    let handle = connection.response().create(ResponseConfig::default()).unwrap();
    let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
    let script = async {
        let create = until(&session, "response.create").await;
        let item = until(&session, "conversation.item.create").await["item"].clone();
        send(&session, json!({ "type": "conversation.item.added", "item": item }));
        begin(&session, "r", &create);
        end(&session, "r");
    };
    let ((answer, added), ()) = run(&connection, &server, join(handle, ack), script);
    assert!(answer.is_ok() && added.is_ok());
    assert_eq!(server.clock().pending(), 0);
    is_free(&connection, &session, &server);
    assert_eq!(server.clock().pending(), 0);
}

#[test]
fn a_request_is_not_given_up_while_another_session_is_being_opened() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).options(quiet()).reconnect(Reconnect::default()).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session = server.try_accept_as::<Realtime>().unwrap();
    let ack = connection.conversation().item().create(Item::user("hi")).unwrap();
    let script = async {
        until(&session, "conversation.item.create").await;
        server.clock().sleep(seconds(29)).await;
        server.greet_with(None::<String>);
        session.drop_link();
        let next: MockSession = server.accept().await;
        server.clock().sleep(seconds(10)).await;
        send(&next, json!({ "type": "session.created", "session": {} }));
        let item = until(&next, "conversation.item.create").await["item"].clone();
        send(&next, json!({ "type": "conversation.item.added", "item": item }));
        next
    };
    let (added, _next) = run(&connection, &server, ack, script);
    assert!(added.is_ok(), "{added:?}");
}
