//! Responses that go silent, fail, or are answered late.

use super::*;

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
    assert!(
        error.to_string().contains("response r did not continue within 120 s") && error.to_string().contains("ping"),
        "{error}"
    );
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
