//! Requests and openings that are answered oddly, late or never.

use super::*;

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
