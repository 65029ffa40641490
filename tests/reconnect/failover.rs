//! A conversation that goes on at another endpoint, with another model or another credential.

use http::{HeaderMap, StatusCode};
use realtime::{
    Client, Options,
    connection::{FailoverReason, Fallback},
    dialect::Dialect,
    endpoint::Endpoint,
    mock::MockTransport,
    types::{ContentPart, Message, Modality, Reasoning, ReasoningEffort, Role},
};

use super::*;

const QUOTA: &str =
    r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"No quota is left."}}"#;

/// A place of its own, and one with another model.
fn policy() -> Reconnect {
    let elsewhere = Fallback::new().base_url("https://second.example/v1").api_key("sk-second").model("model-2");
    Reconnect::default().fallback(elsewhere)
}

fn builder(builder: ClientBuilder) -> ClientBuilder {
    let extras = Extras::new().header("X-Tenant", "first-secret").query("tenant", "first");
    builder.base_url("https://first.example/v1").api_key("sk-first").extras(extras)
}

/// Where a session was connected to, and with which credential.
fn place(session: &MockSession) -> (String, String) {
    let handshake = session.handshake();
    let header = |name: &str| handshake.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(
        header("x-tenant").is_some(),
        handshake.uri.to_string().starts_with("wss://first"),
        "a secret went elsewhere"
    );
    (handshake.uri.to_string(), header("authorization").unwrap_or_default())
}

fn first() -> (String, String) {
    ("wss://first.example/v1/realtime?tenant=first&model=m".into(), "Bearer sk-first".into())
}

fn second() -> (String, String) {
    ("wss://second.example/v1/realtime?model=model-2".into(), "Bearer sk-second".into())
}

fn asked(seconds: &str) -> HeaderMap {
    HeaderMap::from_iter([("retry-after".parse().unwrap(), seconds.parse().unwrap())])
}

#[test]
fn the_first_connection_goes_elsewhere_if_the_first_place_has_no_quota() {
    let (transport, server) = MockTransport::new();
    let client = builder(Client::builder(transport).reconnect(policy())).build();
    server.refuse_next(StatusCode::TOO_MANY_REQUESTS, HeaderMap::new(), QUOTA);
    let from = server.clock().now();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    assert_eq!(server.clock().now(), from, "it has waited though nothing has failed there");
    let session: MockSession = server.try_accept_as().unwrap();
    assert_eq!(place(&session), second());
    let ((), updates) = run(&connection, &server, async {
        drop(connection.respond("hello").await.unwrap());
        assert_eq!(text(&create(&session).await), "hello");
        session.expect::<ResponseCreate>().await;
    });
    let report = reconnected(updates);
    assert_eq!((report.fallback, report.replayed.len(), report.lost.len()), (Some(0), 0, 0));
}

#[test]
fn without_another_place_that_serves_the_reason_the_first_error_is_told_at_once() {
    for policy in [Reconnect::default(), policy().fallback(Fallback::new().on([FailoverReason::Quota]))] {
        let (transport, server) = MockTransport::new();
        let client = builder(Client::builder(transport).reconnect(policy)).build();
        server.refuse_next(
            StatusCode::UNAUTHORIZED,
            HeaderMap::new(),
            r#"{"error":{"message":"no","code":"invalid_api_key"}}"#,
        );
        let error = server.clock().block_on(client.realtime().model("m").connect()).unwrap_err();
        assert_eq!(FailoverReason::of(&error), Some(FailoverReason::Unauthorized));
        assert!(server.try_accept_as::<Realtime>().is_none());
    }
}

#[test]
fn a_fallback_that_is_configured_wrongly_is_an_error_before_anything_is_sent() {
    let (transport, server) = MockTransport::new();
    let wrong = Reconnect::default().fallback(Fallback::new().base_url("not a url"));
    let client = Client::builder(transport).reconnect(wrong).build();
    let error = client.realtime().model("m").open().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Endpoint(_)), "{error:?}");
    // Of a call that is joined, there is only one.
    assert!(client.realtime().call("rtc_1").open().is_ok());
    drop(server);
}

/// Quota runs out in the middle of a conversation: the response fails, and another place answers.
#[test]
fn a_response_that_fails_for_want_of_quota_is_answered_elsewhere_with_the_conversation_intact() {
    for repeat in [true, false] {
        let (connection, session, server) = open_with(policy().repeat_response(repeat), builder);
        assert_eq!(place(&session), first());
        let (answer, updates) = run(&connection, &server, async {
            let config = RealtimeSessionConfig::default().instructions("Be brief.").model("m");
            drop(connection.session().update(config).unwrap());
            session.expect::<SessionUpdate>().await;
            session.send_raw(r#"{"type":"session.updated","session":{"type":"realtime"}}"#);
            let response = connection.respond("What is my name?").await.unwrap();
            let serve = async {
                let said = create(&session).await;
                let asked = session.expect::<ResponseCreate>().await;
                fail(&session, &asked, "insufficient_quota");
                let session: MockSession = server.accept().await;
                assert_eq!(place(&session), second());
                let update = session.expect::<SessionUpdate>().await;
                let SessionConfig::Realtime(config) = update.session else { panic!() };
                assert_eq!((config.instructions.as_deref(), config.model), (Some("Be brief."), None));
                session.send_raw(r#"{"type":"session.updated","session":{"type":"realtime"}}"#);
                assert_eq!(
                    (create(&session).await.item.id(), text(&said)),
                    (said.item.id(), "What is my name?".into())
                );
                if repeat {
                    let asked = session.expect::<ResponseCreate>().await;
                    end(&session, &asked, "completed", json!(null));
                }
                server.clock().sleep(Duration::from_secs(1)).await;
                assert!(session.next().now_or_never().is_none());
            };
            join(response, serve).await.0
        });
        let reason = updates.iter().find_map(|update| match update {
            Update::Notice(Notice::Reconnecting { reason, attempt: 1, .. }) => Some(reason.to_string()),
            _ => None,
        });
        assert_eq!(reason.as_deref(), Some("the server refused the session: No quota is left. (insufficient_quota)"));
        let failed = |update: &&Update<Realtime>| matches!(update, Update::Event(ServerEvent::ResponseDone(done)) if done.response.status.as_ref().is_some_and(|status| status.as_str() == "failed"));
        assert_eq!(updates.iter().filter(failed).count(), 0, "the application is told of the failure as well");
        let report = reconnected(updates);
        assert_eq!((report.fallback, report.replayed.len(), report.lost.len()), (Some(0), 1, 0));
        assert_eq!(report.unsupported.iter().map(|left| left.member).collect::<Vec<_>>(), ["session.model"]);
        assert_eq!(report.cut_short, ["resp_1"]);
        match answer {
            Ok(response) => assert!(repeat && response.status.unwrap().as_str() == "completed"),
            Err(error) => assert!(!repeat && matches!(error.kind(), ErrorKind::Ambiguous), "{error:?}"),
        }
    }
}

/// The server begins a response, and ends it so.
fn end(session: &MockSession, asked: &ResponseCreate, status: &str, details: Value) {
    let metadata = asked.response.as_ref().and_then(|config| config.metadata.as_set());
    for (kind, status) in [("response.created", "in_progress"), ("response.done", status)] {
        let response = json!({
            "id": "resp_1", "conversation_id": "conv", "status": status, "output": [], "metadata": metadata,
            "status_details": details,
        });
        session.send_raw(json!({ "type": kind, "response": response }).to_string());
    }
}

fn fail(session: &MockSession, asked: &ResponseCreate, kind: &str) {
    let error = json!({ "type": kind, "code": kind, "message": "No quota is left." });
    end(session, asked, "failed", json!({ "type": "failed", "error": error }));
}

#[test]
fn a_response_that_fails_for_another_reason_or_without_another_place_is_told_as_it_is() {
    for (policy, kind) in [
        (policy(), "server_error"),
        (policy(), "invalid_request_error"),
        (Reconnect::default(), "insufficient_quota"),
        (Reconnect::default().fallback(Fallback::new().on([FailoverReason::Unavailable])), "insufficient_quota"),
        (policy().max_attempts(0), "insufficient_quota"),
    ] {
        let (connection, session, server) = open_with(policy, builder);
        let (response, updates) = run(&connection, &server, async {
            let response = connection.respond("hello").await.unwrap();
            let serve = async {
                create(&session).await;
                fail(&session, &session.expect::<ResponseCreate>().await, kind);
            };
            join(response, serve).await.0
        });
        assert_eq!(response.unwrap().status.unwrap().as_str(), "failed", "{kind}");
        assert!(!updates.iter().any(|update| matches!(update, Update::Notice(Notice::Reconnecting { .. }))));
        assert_eq!(connection.phase(), Phase::Open);
    }
}

#[test]
fn if_both_places_are_down_the_budget_ends_it_and_everything_is_handed_back() {
    let policy = policy().max_attempts(4);
    let (connection, session, server) = open_with(policy, builder);
    let ((asked, sent), updates) = run(&connection, &server, async {
        let sent = connection.conversation().item().create(Item::user("one").with_id("item_1")).unwrap();
        session.expect::<ConversationItemCreate>().await;
        for _ in 0..4 {
            server.fail_next(TransportError::new(TransportErrorKind::Connect, "refused"));
        }
        session.drop_link();
        server.clock().sleep(Duration::from_millis(1)).await;
        let asked = connection.conversation().item().create(Item::user("two").with_id("item_2")).unwrap();
        (asked.await, sent.await)
    });
    assert!(matches!(asked.unwrap_err().kind(), ErrorKind::Unsent));
    assert!(matches!(sent.unwrap_err().kind(), ErrorKind::Ambiguous));
    let attempts: Vec<_> = updates
        .iter()
        .filter_map(|update| match update {
            Update::Notice(Notice::Reconnecting { attempt, after, .. }) => Some((*attempt, after.as_millis())),
            _ => None,
        })
        .collect();
    // A lost link is sought where it was, then elsewhere at once, and from then on after a backoff.
    assert_eq!(attempts.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!((375..=500).contains(&attempts[0].1) && attempts[1].1 == 0, "{attempts:?}");
    assert!((375..=500).contains(&attempts[2].1) && (750..=1000).contains(&attempts[3].1), "{attempts:?}");
    assert_eq!(connection.phase(), Phase::Closed);
    // The conversation, and what was not sent.
    let snapshot = connection.snapshot();
    let item = |event: &ClientEvent| match event {
        ClientEvent::ConversationItemCreate(create) => create.item.id().map(ToString::to_string),
        _ => None,
    };
    assert_eq!(snapshot.in_flight.iter().filter_map(|sent| sent.item_id.as_deref()).collect::<Vec<_>>(), ["item_1"]);
    assert_eq!(snapshot.queued.iter().filter_map(item).collect::<Vec<_>>(), ["item_2"]);
    let unsent = server.clock().block_on(connection.close(CloseFrame::new(1000, "")));
    assert_eq!(unsent.iter().filter_map(item).collect::<Vec<_>>(), ["item_2"]);
}

#[test]
fn a_retry_after_is_honoured_before_the_first_place_is_tried_again() {
    let (transport, server) = MockTransport::new();
    let policy = policy().reset_after(Duration::from_secs(10)).max_attempts(3);
    let client = builder(Client::builder(transport).reconnect(policy)).build();
    server.refuse_next(StatusCode::TOO_MANY_REQUESTS, asked("40"), "");
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let mut session: MockSession = server.try_accept_as().unwrap();
    assert_eq!(place(&session), second());
    let mut places = Vec::new();
    let ((), updates) = run(&connection, &server, async {
        // Lost before the time is over, and after it.
        for seconds in [20, 30] {
            server.clock().sleep(Duration::from_secs(seconds)).await;
            session.drop_link();
            session = server.accept().await;
            places.push((place(&session), server.clock().now().since_origin().as_secs()));
            server.clock().sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(places, [(second(), 20), (first(), 50)]);
    let fallbacks: Vec<_> = updates
        .iter()
        .filter_map(|update| match update {
            Update::Notice(Notice::Reconnected(report)) => Some(report.fallback),
            _ => None,
        })
        .collect();
    assert_eq!(fallbacks, [Some(0), Some(0), None]);
}

#[test]
fn a_session_about_to_end_is_handed_over_to_the_first_place_once_that_may_be_tried() {
    let (transport, server) = MockTransport::new();
    let client = builder(Client::builder(transport).reconnect(policy()));
    let client = client.options(Options::default().keepalive(None)).build();
    server.refuse_next(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), "");
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    assert_eq!(place(&session), second());
    let (_session, updates) = run(&connection, &server, async {
        drop(connection.conversation().item().create(Item::user("one").with_id("item_1")).unwrap());
        create(&session).await;
        // It fails once more, so the place in use is taken for this time.
        server.fail_next(TransportError::new(TransportErrorKind::Connect, "refused"));
        let next: MockSession = server.accept().await;
        let replayed = create(&next).await;
        assert_eq!((place(&next), text(&replayed)), (second(), "one".into()));
        server.clock().sleep(Duration::from_secs(1)).await;
        let last: MockSession = server.accept().await;
        let replayed = create(&last).await;
        assert_eq!((place(&last), text(&replayed)), (first(), "one".into()));
        server.clock().sleep(Duration::from_secs(1)).await;
        last
    });
    let moved: Vec<_> = updates
        .iter()
        .filter_map(|update| match update {
            Update::Notice(Notice::Reconnected(report)) => Some((report.planned, report.fallback)),
            _ => None,
        })
        .collect();
    assert_eq!(moved, [(false, Some(0)), (true, Some(0)), (true, None)]);
}

#[test]
fn what_the_other_dialect_cannot_express_is_left_out_and_reported() {
    let flat = Endpoint::gateway("https://second.example/v1").dialect(Dialect::Flat);
    let policy = Reconnect::default().repeat_response(true).fallback(Fallback::new().endpoint(flat));
    let (connection, session, server) = open_with(policy, builder);
    let picture = |id: &str, text: Option<&str>| {
        let mut content = vec![ContentPart::input_image("data:image/png;base64,AA==")];
        content.extend(text.map(ContentPart::input_text));
        Item::from(Message::new(Role::User, content)).with_id(id)
    };
    let (raw, updates) = run(&connection, &server, async {
        let config = RealtimeSessionConfig::default()
            .instructions("Be brief.")
            .output_modalities([Modality::Text])
            .reasoning(Reasoning::default().effort(ReasoningEffort::Low));
        drop(connection.session().update(config).unwrap());
        session.expect::<SessionUpdate>().await;
        session.send_raw(r#"{"type":"session.updated","session":{"type":"realtime"}}"#);
        for item in [
            Item::user("one").with_id("item_1"),
            picture("item_2", None),
            picture("item_3", Some("look")),
            Item::assistant("fine").with_id("item_4"),
        ] {
            drop(connection.conversation().item().create(item).unwrap());
            create(&session).await;
        }
        server.fail_next(TransportError::new(TransportErrorKind::Connect, "refused"));
        session.drop_link();
        server.clock().sleep(Duration::from_millis(1)).await;
        // Queued for the first place, in its words.
        drop(connection.conversation().item().create(Item::assistant("queued").with_id("item_5")).unwrap());
        let unsaid = connection.conversation().item().create(picture("item_6", None)).unwrap();
        let session: MockSession = server.accept().await;
        assert!(session.handshake().uri.to_string().starts_with("wss://second.example/v1/realtime?model=m"));
        let mut raw = Vec::new();
        for _ in 0..5 {
            let Some(realtime::transport::Message::Text(text)) = session.message().await.unwrap() else { panic!() };
            let value: Value = serde_json::from_slice(text.as_bytes()).unwrap();
            let answer = match value["type"].as_str().unwrap() {
                "session.update" => json!({ "type": "session.updated", "session": {} }),
                _ => json!({ "type": "conversation.item.created", "item": value["item"] }),
            };
            session.send_raw(answer.to_string());
            raw.push(value);
        }
        let error = unsaid.await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Send(SendErrorKind::Dialect(_))), "{error:?}");
        // From now on it is refused at once.
        let refused = connection.conversation().item().create(picture("item_7", None)).unwrap_err();
        assert!(matches!(refused.kind(), SendErrorKind::Dialect(_)));
        raw
    });
    assert_eq!(raw[0]["session"], json!({ "modalities": ["text"], "instructions": "Be brief." }));
    let items: Vec<_> = raw[1..].iter().map(|event| (&event["item"]["id"], &event["item"]["content"])).collect();
    let said = |kind: &str, text: &str| json!([{ "type": kind, "text": text }]);
    let expected = [
        (json!("item_1"), said("input_text", "one")),
        (json!("item_3"), said("input_text", "look")),
        (json!("item_4"), said("text", "fine")),
        (json!("item_5"), said("text", "queued")),
    ];
    assert_eq!(items, expected.iter().map(|(id, content)| (id, content)).collect::<Vec<_>>());
    let report = reconnected(updates);
    let lost: Vec<_> = report.lost.iter().map(|lost| (&*lost.item_id, lost.reason)).collect();
    assert_eq!(lost, [("item_2", LostReason::Unsupported)]);
    assert_eq!(report.replayed, ["item_1", "item_3", "item_4"]);
    let unsupported: Vec<_> =
        report.unsupported.iter().map(|left| (left.item_id.as_deref().unwrap_or_default(), left.member)).collect();
    let image = "item.content: input_image";
    assert_eq!(unsupported, [("", "session.reasoning"), ("item_2", image), ("item_3", image)]);
    assert_eq!(report.unsent.iter().map(ClientEvent::kind).collect::<Vec<_>>(), ["conversation.item.create"]);
    let known: Vec<_> = connection.state().conversation.ids().map(ToString::to_string).collect();
    assert_eq!(known, ["item_1", "item_3", "item_4", "item_5"]);
}

#[test]
fn the_observer_learns_of_the_place_and_no_secret_is_printed() {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = attempts.clone();
    let policy = policy().observe(move |attempt: &Attempt<'_>| {
        seen.lock().unwrap().push((attempt.number, attempt.fallback));
        Decision::Go
    });
    let printed = format!("{policy:?}");
    assert!(printed.contains("second.example") && !printed.contains("sk-second"), "{printed}");
    let (connection, session, server) = open_with(policy, builder);
    run(&connection, &server, async {
        server.fail_next(TransportError::new(TransportErrorKind::Connect, "refused"));
        session.drop_link();
        let session: MockSession = server.accept().await;
        assert_eq!(place(&session), second());
    });
    assert_eq!(*attempts.lock().unwrap(), [(1, None), (2, Some(0))]);
}
