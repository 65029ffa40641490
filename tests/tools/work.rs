//! Functions that take their call, are silent, report progress, or are answered later.

use realtime::{
    ClientBuilder,
    connection::Reconnect,
    live::Live,
    session::Snapshot,
    tools::{AnswerError, Later, Silent, ToolContext},
};

use super::*;

type Contexts = Arc<Mutex<Vec<ToolContext>>>;

/// A set with `later`, whose contexts are kept, `silent`, and `plain`.
pub(crate) fn errands() -> (Tools, Contexts) {
    let contexts = Contexts::default();
    let kept = contexts.clone();
    let tools = Tools::new()
        .add_raw_with_context("later", "", json!({}).into(), async move |_: Value, call: ToolContext| {
            kept.lock().unwrap().push(call);
            Later
        })
        .add_raw("silent", "", json!({}).into(), async |_: Value| Ok::<_, String>(Silent("noted")))
        .add_raw("plain", "", json!({}).into(), async |_: Value| "done");
    (tools, contexts)
}

/// Like `open`, with more settings of the client.
pub(crate) fn open_with(
    tools: Tools,
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Connection<Realtime>, MockSession, MockServer) {
    let (transport, server) = MockTransport::new();
    let client = set(Client::builder(transport).options(Options::default().keepalive(None))).build();
    let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    drop(connection.use_tools(tools).unwrap());
    server.clock().block_on(join(connection.flush(), session.expect::<SessionUpdate>())).0.unwrap();
    session.send_raw(r#"{"type":"session.updated","session":{}}"#);
    (client, connection, session, server)
}

/// Whether the client sends nothing for a second.
pub(crate) async fn quiet(server: &MockServer, session: &MockSession) {
    server.clock().sleep(Duration::from_secs(1)).await;
    let more: Option<Option<ClientEvent>> = session.next().now_or_never();
    assert!(more.is_none(), "{more:?}");
}

/// A response without calls.
fn said(session: &MockSession, id: &str) {
    for (kind, status) in [("response.created", "in_progress"), ("response.done", "completed")] {
        let response = json!({ "id": id, "conversation_id": "conv", "status": status, "output": [] });
        session.send_raw(json!({ "type": kind, "response": response }).to_string());
    }
}

pub(crate) fn kinds(notices: &[Notice<Realtime>]) -> Vec<ToolErrorKind> {
    let kind = |notice: &Notice<Realtime>| match notice {
        Notice::Protocol(RealtimeNotice::Tool(error)) => Some(error.kind.clone()),
        _ => None,
    };
    notices.iter().filter_map(kind).collect()
}

#[test]
fn no_response_follows_a_silent_output_unless_another_call_of_the_batch_asks_for_it() {
    let (connection, session, server) = open(errands().0);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "silent", "{}")], "completed");
        assert_eq!(answer(&session).await, ("call_1".into(), "noted".into()));
        quiet(&server, &session).await;
        let calls = [call(2, "silent", "{}"), call(3, "plain", "{}"), call(4, "silent", "{}")];
        let frame = |event: Value| session.send_raw(event.to_string());
        frame(json!({ "type": "response.created", "response": { "id": "resp_2", "conversation_id": "conv" } }));
        frame(json!({ "type": "response.done", "response": {
            "id": "resp_2", "conversation_id": "conv", "status": "completed", "output": calls } }));
        for _ in &calls {
            answer(&session).await;
        }
        session.expect::<ResponseCreate>().await;
        quiet(&server, &session).await;
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_function_learns_of_its_call_and_tells_how_far_it_has_come() {
    let tools = Tools::new().add_with_context("search", "", async |args: GetWeather, call: ToolContext| {
        let about = (call.call_id().to_string(), call.response_id().map(ToString::to_string), call.name().to_owned());
        assert_eq!(about, ("call_1".into(), Some("resp".into()), "search".into()));
        let progress = call.progress(format_args!("two hotels in {}", args.city)).unwrap();
        let known = call.state().conversation.items().count();
        // The connection is driven by others meanwhile.
        progress.await.map(|_| known)
    });
    let (connection, session, server) = open(tools);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "search", r#"{"city":"Lisbon"}"#)], "completed");
        let progress = session.expect::<ConversationItemCreate>().await;
        let message = progress.item.as_message().unwrap();
        assert_eq!(
            (message.role.as_str(), message.text()),
            ("system", "Progress of the function `search` (call call_1): two hotels in Lisbon".into())
        );
        // Not a response, and not a second output.
        quiet(&server, &session).await;
        session.send_raw(json!({ "type": "conversation.item.added", "item": progress.item }).to_string());
        assert_eq!(answer(&session).await, ("call_1".into(), "1".into()));
        session.expect::<ResponseCreate>().await;
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_later_answer_is_sent_once_and_followed_by_one_response() {
    let (tools, contexts) = errands();
    let (connection, session, server) = open(tools);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "later", "{}"), call(2, "plain", "{}"), call(3, "later", "{}")], "completed");
        // The batch does not wait for what comes later.
        assert_eq!(answer(&session).await.0, "call_2");
        session.expect::<ResponseCreate>().await;
        said(&session, "resp_2");
        quiet(&server, &session).await;
        assert_eq!(connection.answer_call("call_1", Later), Err(AnswerError::Unfinished));
        assert_eq!(connection.answer_call("call_9", "x"), Err(AnswerError::Unknown));
        assert_eq!(connection.answer_call("call_1", Ok::<_, String>(json!({ "at": 7 }))), Ok(()));
        assert_eq!(connection.answer_call("call_1", "again"), Err(AnswerError::Answered));
        assert_eq!(connection.answer_call("call_2", "again"), Err(AnswerError::Answered));
        assert_eq!(answer(&session).await, ("call_1".into(), r#"{"at":7}"#.into()));
        session.expect::<ResponseCreate>().await;
        said(&session, "resp_3");
        // One that fails, told by the call's own handle, without words of the model.
        let third = contexts.lock().unwrap().iter().find(|call| call.call_id() == "call_3").cloned().unwrap();
        assert!(!third.is_cancelled());
        assert_eq!(third.answer(Err::<Silent<()>, _>("out of stock")), Ok(()));
        assert_eq!(third.answer(Silent("again")), Err(AnswerError::Answered));
        assert!(matches!(third.progress("again"), Err(AnswerError::Answered)));
        assert_eq!(answer(&session).await, ("call_3".into(), "error: out of stock".into()));
        session.expect::<ResponseCreate>().await;
        said(&session, "resp_4");
        quiet(&server, &session).await;
        assert!(third.is_cancelled(), "nobody waits for it any more");
    });
    assert!(notices.is_empty(), "{notices:?}");
}

#[test]
fn a_batch_of_later_calls_alone_is_followed_by_nothing_and_a_silent_answer_neither() {
    let (connection, session, server) = open(errands().0);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "later", "{}")], "completed");
        quiet(&server, &session).await;
        connection.answer_call("call_1", Silent("arrived")).unwrap();
        assert_eq!(answer(&session).await, ("call_1".into(), "arrived".into()));
        quiet(&server, &session).await;
    });
    assert!(notices.is_empty(), "{notices:?}");
    assert!(connection.snapshot().open_calls().next().is_none());
}

#[test]
fn an_answer_that_comes_before_its_function_returns_is_the_one_that_counts() {
    let (gate, opened) = oneshot::channel::<()>();
    let opened = opened.shared();
    let tools = Tools::new().add_raw("slow", "", json!({}).into(), async move |_: Value| {
        let _ = opened.await;
        "too late"
    });
    let (connection, session, server) = open(tools);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "slow", "{}")], "completed");
        server.clock().sleep(Duration::from_secs(1)).await;
        assert_eq!(connection.answer_call("call_1", "in time"), Ok(()));
        assert_eq!(answer(&session).await, ("call_1".into(), "in time".into()));
        session.expect::<ResponseCreate>().await;
        said(&session, "resp_2");
        gate.send(()).unwrap();
        quiet(&server, &session).await;
    });
    assert_eq!(kinds(&notices), [ToolErrorKind::Answered]);
}

#[test]
fn a_call_that_nobody_answers_in_time_is_told_so_and_takes_no_answer_any_more() {
    let (tools, contexts) = errands();
    let (connection, session, server) = open(tools.later_timeout(Duration::from_secs(60)));
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "later", "{}")], "completed");
        server.clock().sleep(Duration::from_secs(59)).await;
        assert!(session.next().now_or_never().is_none() && !contexts.lock().unwrap()[0].is_cancelled());
        assert_eq!(answer(&session).await, ("call_1".into(), "error: the function timed out".into()));
        session.expect::<ResponseCreate>().await;
        assert_eq!(connection.answer_call("call_1", "x"), Err(AnswerError::Answered));
        assert!(contexts.lock().unwrap()[0].is_cancelled());
        quiet(&server, &session).await;
    });
    assert_eq!(kinds(&notices), [ToolErrorKind::TimedOut]);
}

#[test]
fn calls_answered_later_count_against_the_limit() {
    let (connection, session, server) = open(errands().0);
    let notices = run(&connection, &server, async {
        let calls: Vec<_> = (0..1025).map(|number| call(number, "later", "{}")).collect();
        respond(&session, &calls, "completed");
        let refusal = "error: too many function calls are unanswered";
        assert_eq!(answer(&session).await, ("call_1024".into(), refusal.into()));
        session.expect::<ResponseCreate>().await;
        said(&session, "resp_2");
        quiet(&server, &session).await;
        assert_eq!(connection.answer_call("call_1024", "x"), Err(AnswerError::Answered));
        assert_eq!(connection.answer_call("call_0", "x"), Ok(()));
        assert_eq!(answer(&session).await.0, "call_0");
    });
    assert_eq!(kinds(&notices), [ToolErrorKind::TooMany]);
}

#[test]
fn a_later_answer_goes_to_the_session_that_has_taken_over() {
    for while_away in [true, false] {
        let (tools, contexts) = errands();
        let (_client, connection, session, server) =
            open_with(tools, |builder| builder.reconnect(Reconnect::default()));
        let notices = run(&connection, &server, async {
            respond(&session, &[call(1, "later", "{}")], "completed");
            server.clock().sleep(Duration::from_secs(1)).await;
            session.close(1012, "");
            server.clock().sleep(Duration::from_millis(1)).await;
            if while_away {
                connection.answer_call("call_1", "arrived").unwrap();
            }
            let session: MockSession = server.accept().await;
            session.expect::<SessionUpdate>().await;
            match session.expect::<ConversationItemCreate>().await.item {
                Item::FunctionCall(call) => assert_eq!(call.call_id.as_deref(), Some("call_1")),
                other => panic!("{other:?}"),
            }
            if !while_away {
                quiet(&server, &session).await;
                assert!(!contexts.lock().unwrap()[0].is_cancelled());
                connection.answer_call("call_1", "arrived").unwrap();
            }
            assert_eq!(answer(&session).await, ("call_1".into(), "arrived".into()));
            session.expect::<ResponseCreate>().await;
            assert_eq!(connection.answer_call("call_1", "again"), Err(AnswerError::Answered));
            // It runs once, whatever becomes of the session.
            assert_eq!(contexts.lock().unwrap().len(), 1);
        });
        assert!(notices.is_empty(), "{notices:?}");
    }
}

#[test]
fn a_later_call_that_the_next_session_does_not_have_takes_no_answer() {
    let (tools, contexts) = errands();
    let policy = Reconnect::default().restore(false);
    let (_client, connection, session, server) = open_with(tools, |builder| builder.reconnect(policy));
    run(&connection, &server, async {
        respond(&session, &[call(1, "later", "{}")], "completed");
        server.clock().sleep(Duration::from_secs(1)).await;
        session.close(1012, "");
        let session: MockSession = server.accept().await;
        server.clock().sleep(Duration::from_secs(1)).await;
        assert_eq!(connection.answer_call("call_1", "arrived"), Err(AnswerError::Unknown));
        assert!(contexts.lock().unwrap()[0].is_cancelled());
        quiet(&server, &session).await;
    });
}

#[test]
fn a_call_is_answered_after_its_conversation_was_resumed_and_does_not_run_again() {
    for with_tools in [true, false] {
        let (tools, contexts) = errands();
        let (client, connection, session, server) = open_with(tools, |builder| builder);
        run(&connection, &server, async {
            respond(&session, &[call(1, "later", "{}"), call(2, "later", "{}")], "completed");
            quiet(&server, &session).await;
        });
        connection.answer_call("call_2", "queued, and written down as such").unwrap();
        let written = connection.snapshot().to_json().unwrap();
        drop(connection);
        assert!(contexts.lock().unwrap().iter().all(ToolContext::is_cancelled), "the connection has ended");
        let snapshot = Snapshot::from_json(&written).unwrap();
        let open: Vec<_> = snapshot.calls.iter().flat_map(|calls| &calls.open).collect();
        assert!(open.len() == 1 && open[0].later, "{open:?}");
        let connection = client.realtime().resume(snapshot).open().unwrap();
        let (tools, contexts) = errands();
        if with_tools {
            drop(connection.use_tools(tools).unwrap());
        }
        let notices = run(&connection, &server, async {
            // Known at once, and not asked of the function again.
            assert_eq!(connection.answer_call("call_2", "again"), Err(AnswerError::Unknown));
            let session: MockSession = server.accept().await;
            session.expect::<SessionUpdate>().await;
            for _ in 0..2 {
                let item = session.expect::<ConversationItemCreate>().await.item;
                assert!(matches!(item, Item::FunctionCall(_)), "{item:?}");
            }
            assert_eq!(answer(&session).await, ("call_2".into(), "queued, and written down as such".into()));
            session.expect::<ResponseCreate>().await;
            said(&session, "resp_2");
            if with_tools {
                session.expect::<SessionUpdate>().await;
                session.send_raw(r#"{"type":"session.updated","session":{}}"#);
            }
            quiet(&server, &session).await;
            assert_eq!(connection.answer_call("call_1", "arrived"), Ok(()));
            assert_eq!(connection.answer_call("call_1", "again"), Err(AnswerError::Answered));
            // Written down at this moment, it is answered.
            assert!(connection.snapshot().open_calls().next().is_none());
            assert_eq!(answer(&session).await, ("call_1".into(), "arrived".into()));
            session.expect::<ResponseCreate>().await;
            said(&session, "resp_3");
            quiet(&server, &session).await;
        });
        assert!(notices.is_empty(), "{notices:?}");
        assert!(contexts.lock().unwrap().is_empty(), "it ran again");
    }
}

#[test]
fn a_function_is_told_when_its_output_is_of_no_use() {
    // Its response is cut short, its time is up, the link is lost for good, the connection is dropped.
    for end in ["interrupted", "timed out", "lost", "dropped"] {
        let (spawned, threads) = (Arc::new(Mutex::new(Vec::new())), Contexts::default());
        let (tasks, contexts) = (spawned.clone(), threads.clone());
        let tools = Tools::new()
            .spawner(move |task| tasks.lock().unwrap().push(task))
            .timeout(Duration::from_secs(60))
            .add_raw_with_context("slow", "", json!({}).into(), async move |_: Value, call: ToolContext| {
                contexts.lock().unwrap().push(call.clone());
                match call.until_cancelled(std::future::pending::<()>()).await {
                    Some(()) => "finished",
                    None => "given up",
                }
            });
        let (_client, connection, session, server) = open_with(tools, |builder| builder);
        run(&connection, &server, async {
            let running = if end == "interrupted" { "cancelled" } else { "completed" };
            session.send_raw(r#"{"type":"response.created","response":{"id":"resp","conversation_id":"conv"}}"#);
            session.send_raw(
                json!({ "type": "response.output_item.done", "response_id": "resp", "item": call(1, "slow", "{}") })
                    .to_string(),
            );
            server.clock().sleep(Duration::from_secs(1)).await;
            let mut task = spawned.lock().unwrap().pop().unwrap();
            assert!((&mut task).now_or_never().is_none());
            let context = threads.lock().unwrap()[0].clone();
            assert!(!context.is_cancelled());
            match end {
                "timed out" => server.clock().sleep(Duration::from_secs(60)).await,
                "lost" => session.close(1011, ""),
                "dropped" => {
                    spawned.lock().unwrap().push(task);
                    return;
                }
                _ => respond(&session, &[], running),
            }
            server.clock().sleep(Duration::from_secs(1)).await;
            assert!(context.is_cancelled(), "{end}");
            assert!((&mut task).now_or_never().is_some(), "{end}");
            if end == "interrupted" {
                // By default it may still answer.
                assert_eq!(answer(&session).await.1, "given up");
            }
        });
        drop(connection);
        assert!(threads.lock().unwrap()[0].is_cancelled(), "{end}");
    }
}

#[test]
fn a_function_for_another_protocol_is_not_run() {
    let tools = Tools::new().add_raw_with_context("x", "", json!({}).into(), async |_: Value, _: ToolContext<Live>| {
        unreachable!();
        #[expect(unreachable_code)]
        ()
    });
    let (connection, session, server) = open(tools);
    let notices = run(&connection, &server, async {
        respond(&session, &[call(1, "x", "{}")], "completed");
        let (_, told) = answer(&session).await;
        assert_eq!(told, "error: the function takes the context of another protocol");
    });
    assert_eq!(kinds(&notices), [ToolErrorKind::OtherProtocol]);
}
