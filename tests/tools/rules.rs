//! Interruptions, approvals, limits, and follow-ups.

use super::*;

#[test]
fn an_interrupted_call_is_kept_or_dropped_by_policy() {
    for policy in [WhenInterrupted::Keep, WhenInterrupted::Cancel] {
        let finished = Arc::new(AtomicUsize::new(0));
        let count = finished.clone();
        let (transport, server) = MockTransport::new();
        let clock = server.clock().clone();
        let tools =
            Tools::new().when_interrupted(policy).add_raw("slow", "Slow.", json!({}).into(), move |_: Value| {
                let (count, nap) = (count.clone(), clock.sleep(Duration::from_secs(1)));
                async move {
                    nap.await;
                    count.fetch_add(1, Ordering::Relaxed);
                    "done"
                }
            });
        let client = Client::builder(transport).build();
        let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
        let session: MockSession = server.try_accept_as().unwrap();
        drop(connection.use_tools(tools).unwrap());
        run(&connection, &server, async {
            session.expect::<SessionUpdate>().await;
            respond(&session, &[call(1, "slow", "{}")], "cancelled");
            let next = async { session.next().await };
            futures::pin_mut!(next);
            let nap = server.clock().sleep(Duration::from_secs(5));
            match futures::future::select(next, nap).await {
                futures::future::Either::Left((event, _)) => {
                    let event = event.unwrap();
                    assert_eq!((policy, event.kind()), (WhenInterrupted::Keep, "conversation.item.create"));
                    // The model is not asked to go on: the user has the word.
                    assert!(session.next().now_or_never().is_none());
                }
                futures::future::Either::Right(_) => assert_eq!(policy, WhenInterrupted::Cancel),
            }
        });
        assert_eq!(finished.load(Ordering::Relaxed), usize::from(policy == WhenInterrupted::Keep));
    }
}

#[test]
fn an_mcp_approval_is_decided_by_a_callback() {
    let tools = weather().approve(async |request| request.arguments.contains("2d4"));
    let (connection, session, server) = open(tools);
    let request = |id: usize, dice: &str| {
        json!({
            "id": format!("mcpr_{id}"), "type": "mcp_approval_request", "server_label": "dmcp", "name": "roll",
            "arguments": json!({ "dice": dice }).to_string(),
        })
    };
    run(&connection, &server, async {
        respond(&session, &[request(1, "2d4"), request(2, "100d100")], "completed");
        for _ in 0..2 {
            match session.expect::<ConversationItemCreate>().await.item {
                Item::McpApprovalResponse(response) => {
                    assert_eq!(response.approve, response.approval_request_id == "mcpr_1");
                }
                other => panic!("{other:?}"),
            }
        }
        session.expect::<ResponseCreate>().await;
    });
}

#[test]
fn a_request_that_waits_already_serves_as_the_follow_up() {
    let (connection, session, server) = open(weather());
    run(&connection, &server, async {
        let frame = |event: Value| session.send_raw(event.to_string());
        frame(json!({ "type": "response.created", "response": { "id": "resp", "conversation_id": "conv" } }));
        let call = call(1, "get_weather", r#"{"city":"Faro"}"#);
        frame(json!({ "type": "response.output_item.done", "response_id": "resp", "output_index": 0, "item": call }));
        answer(&session).await;
        // The application asks for a response while this one is in progress.
        drop(connection.response().create(Default::default()).unwrap());
        server.clock().sleep(Duration::from_millis(1)).await;
        frame(json!({
            "type": "response.done",
            "response": { "id": "resp", "conversation_id": "conv", "status": "completed", "output": [call] },
        }));
        session.expect::<ResponseCreate>().await;
        frame(json!({ "type": "response.created", "response": { "id": "resp_2", "conversation_id": "conv" } }));
        frame(json!({
            "type": "response.done",
            "response": { "id": "resp_2", "conversation_id": "conv", "status": "completed", "output": [] },
        }));
        server.clock().sleep(Duration::from_millis(1)).await;
        let more: Option<Option<ClientEvent>> = session.next().now_or_never();
        assert!(more.is_none(), "{more:?}");
    });
}

#[test]
fn calls_beyond_a_limit_are_refused_until_others_are_answered() {
    let gates: Arc<Mutex<Vec<oneshot::Sender<()>>>> = Arc::default();
    let opened = gates.clone();
    let tools = Tools::new().approve(async |_| true).add_raw("wait", "Waits.", json!({}).into(), move |_: Value| {
        let (sender, receiver) = oneshot::channel();
        opened.lock().unwrap().push(sender);
        async move { receiver.await.map(|()| "done") }
    });
    let (connection, session, server) = open(tools);
    let approval = json!({
        "id": "mcpr_1", "type": "mcp_approval_request", "server_label": "dmcp", "name": "roll", "arguments": "{}",
    });
    let notices = run(&connection, &server, async {
        // Of responses that never end.
        let frame = |number: usize, item: &Value| {
            session.send_raw(
                json!({ "type": "response.output_item.done", "response_id": format!("resp_{number}"), "output_index": 0, "item": item })
                    .to_string(),
            );
        };
        (0..1030).for_each(|number| frame(number, &call(number, "wait", "{}")));
        frame(1030, &approval);
        for number in 1024..1030 {
            let (id, output) = answer(&session).await;
            assert_eq!(id, *format!("call_{number}"));
            assert_eq!(output, "error: too many function calls are unanswered");
        }
        match session.expect::<ConversationItemCreate>().await.item {
            Item::McpApprovalResponse(response) => assert!(!response.approve),
            other => panic!("{other:?}"),
        }
        assert_eq!(gates.lock().unwrap().len(), 1024);
        // Room for one, and then for one whose arguments leave none for another.
        drop(gates.lock().unwrap().pop());
        assert_eq!(answer(&session).await.1, "error: oneshot canceled");
        frame(2000, &call(2000, "wait", "{}"));
        frame(2001, &call(2001, "wait", "{}"));
        assert_eq!(answer(&session).await.0, "call_2001");
        gates.lock().unwrap().drain(..).for_each(|gate| gate.send(()).unwrap());
        for _ in 0..1024 {
            assert_eq!(answer(&session).await.1, "done");
        }
        let large = format!("\"{}\"", "x".repeat(15 << 20));
        (3000..3004).for_each(|number| frame(number, &call(number, "wait", &large)));
        assert_eq!(answer(&session).await.0, "call_3003");
        assert_eq!(gates.lock().unwrap().len(), 3);
    });
    let refused = notices.iter().filter(|notice| match notice {
        Notice::Protocol(RealtimeNotice::Tool(error)) => error.kind == ToolErrorKind::TooMany,
        _ => false,
    });
    assert_eq!(refused.count(), 9);
}

#[test]
fn an_answer_that_is_too_long_is_replaced_by_words_that_say_so() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).options(Options::default().max_outbound(2000)).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    let tools = Tools::new().add_raw("book", "Long.", json!({}).into(), async |_: Value| "word ".repeat(1000));
    drop(connection.use_tools(tools).unwrap());
    let notices = run(&connection, &server, async {
        session.expect::<SessionUpdate>().await;
        respond(&session, &[call(1, "book", "{}")], "completed");
        let (_, output) = answer(&session).await;
        assert!(output.starts_with("error: the event has 5") && output.ends_with("over the limit of 2000"), "{output}");
        session.expect::<ResponseCreate>().await;
    });
    assert_eq!(notices.len(), 1);
}

#[test]
fn a_function_that_captures_something_gives_bytes_as_serde_json_writes_them() {
    #[derive(Clone, Serialize)]
    struct Weather {
        wind: f32,
        city: String,
        seconds: u128,
    }

    let weather = Arc::new(Weather { wind: 0.1, city: "Lisbon".into(), seconds: u128::MAX });
    let written = serde_json::to_string(&*weather).unwrap();
    let tools = Tools::new()
        .add("wind", "The wind in a city.", async move |args: GetWeather| match &*args.city {
            city if city == weather.city => Ok(Weather::clone(&weather)),
            _ => Err("no such city"),
        })
        .add_raw("no_result", "Its own type.", json!({}).into(), async |_: Value| Weather {
            wind: 0.1,
            city: "Lisbon".into(),
            seconds: u128::MAX,
        });
    let (connection, session, server) = open(tools);
    let calls = [call(1, "wind", r#"{"city":"Lisbon"}"#), call(2, "no_result", "{}")];
    run(&connection, &server, async {
        respond(&session, &calls, "completed");
        for _ in &calls {
            assert_eq!(answer(&session).await.1, written);
        }
    });
}
