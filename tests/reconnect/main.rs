//! A connection that broke is made anew, and nothing is lost in silence.

mod end;
mod failover;
mod handover;
mod heard;
#[path = "../support/marks.rs"]
mod marks;
mod replay;
mod restore;
mod schedules;
#[path = "../support/scripted.rs"]
mod scripted;
#[path = "../support/seeds.rs"]
mod seeds;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::join};
use realtime::{
    ClientBuilder, Connection, ErrorKind, Id, Patch, Realtime, RealtimeSettings,
    auth::{Credential, Credentials},
    connection::{Attempt, Decision, Notice, Phase, Reconnect, Reconnected, SendErrorKind, Update},
    endpoint::Extras,
    event::{
        ClientEvent, ConversationItemAdded, ConversationItemCreate, ConversationItemDelete, ConversationItemTruncate,
        Event, EventOf, InputAudioBufferAppend, InputAudioBufferCommit, OutputAudioBufferClear, ResponseCancel,
        ResponseCreate, ServerEvent, SessionUpdate,
    },
    mock::{MockServer, MockSession},
    session::LostReason,
    tools::Tools,
    transport::{CloseFrame, Timer, TransportError, TransportErrorKind},
    types::{Item, RealtimeSessionConfig, ResponseConfig, ServerVad, SessionConfig},
};
use serde_json::{Value, json};

fn open_with(
    reconnect: Reconnect,
    set: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Connection<Realtime>, MockSession, MockServer) {
    scripted::open(|client| set(client.reconnect(reconnect)), RealtimeSettings::default())
}

fn open(reconnect: Reconnect) -> (Connection<Realtime>, MockSession, MockServer) {
    open_with(reconnect, |builder| builder)
}

/// Drives the connection while the script runs, and gathers its updates.
fn run<T>(
    connection: &Connection<Realtime>,
    server: &MockServer,
    script: impl Future<Output = T>,
) -> (T, Vec<Update<Realtime>>) {
    let updates = Mutex::new(Vec::new());
    let read = async {
        let mut stream = connection.updates();
        while let Some(Ok(update)) = stream.next().await {
            updates.lock().unwrap().push(update);
        }
        std::future::pending::<()>().await
    };
    let output = server.clock().block_on(async {
        futures::pin_mut!(script, read);
        match futures::future::select(script, read).await {
            futures::future::Either::Left((output, _)) => output,
            futures::future::Either::Right(_) => unreachable!(),
        }
    });
    // What has arrived in the meantime.
    let mut updates = updates.into_inner().unwrap();
    let mut stream = connection.updates();
    while let Some(Some(Ok(update))) = stream.next().now_or_never() {
        updates.push(update);
    }
    (output, updates)
}

fn reconnected(updates: Vec<Update<Realtime>>) -> Reconnected<Realtime> {
    let mut all = updates.into_iter().filter_map(|update| match update {
        Update::Notice(Notice::Reconnected(reconnected)) => Some(*reconnected),
        _ => None,
    });
    let first = all.next().expect("it was not made anew");
    assert!(all.next().is_none(), "it was made anew twice");
    first
}

/// Says yes to everything that is created.
fn acknowledge(session: &MockSession, create: &ConversationItemCreate) {
    let mut added = ConversationItemAdded::new(create.item.clone());
    added.previous_item_id = create.previous_item_id.clone().map_or(Patch::Keep, Patch::Set);
    session.send(added);
}

async fn create(session: &MockSession) -> ConversationItemCreate {
    let create = session.expect::<ConversationItemCreate>().await;
    acknowledge(session, &create);
    create
}

fn text(create: &ConversationItemCreate) -> String {
    create.item.as_message().unwrap().text()
}

#[test]
fn the_conversation_goes_on_where_it_was() {
    let (connection, session, server) = open(Reconnect::default());
    let config = RealtimeSessionConfig::default().instructions("Be brief.").turn_detection(Patch::Clear);
    drop(connection.session().update(config).unwrap());
    drop(connection.conversation().item().create(Item::user("one").with_id("item_1")).unwrap());
    drop(connection.conversation().item().create(Item::assistant("two").with_id("item_2")).unwrap());
    let (_session, updates) = run(&connection, &server, async {
        session.expect::<SessionUpdate>().await;
        session.send_raw(r#"{"type":"session.updated","session":{"type":"realtime"}}"#);
        create(&session).await;
        create(&session).await;
        server.clock().sleep(Duration::from_secs(1)).await;
        session.drop_link();
        // While there is no link.
        server.clock().sleep(Duration::from_millis(100)).await;
        assert_eq!(connection.phase(), Phase::Reconnecting);
        drop(connection.conversation().item().create(Item::user("three").with_id("item_3")).unwrap());
        let session = server.accept().await;
        let update = session.expect::<SessionUpdate>().await;
        let SessionConfig::Realtime(config) = update.session else { panic!() };
        assert_eq!(config.instructions.as_deref(), Some("Be brief."));
        assert_eq!(config.audio.unwrap().input.unwrap().turn_detection, Patch::Clear);
        let mut said = Vec::new();
        for _ in 0..3 {
            let create = create(&session).await;
            said.push((create.item.id().unwrap().to_string(), text(&create)));
        }
        let expected = [("item_1", "one"), ("item_2", "two"), ("item_3", "three")];
        assert_eq!(said, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
        server.clock().sleep(Duration::from_millis(1)).await;
        session
    });
    let notices: Vec<_> = updates.iter().filter(|update| matches!(update, Update::Notice(_))).collect();
    assert!(
        matches!(
            notices[..],
            [
                Update::Notice(Notice::Phase(Phase::Opening)),
                Update::Notice(Notice::Phase(Phase::Open)),
                Update::Notice(Notice::Phase(Phase::Reconnecting)),
                Update::Notice(Notice::Reconnecting { attempt: 1, .. }),
                Update::Notice(Notice::Phase(Phase::Opening)),
                Update::Notice(Notice::Reconnected(_)),
                Update::Notice(Notice::Phase(Phase::Open)),
            ]
        ),
        "{notices:?}"
    );
    let reconnected = reconnected(updates);
    assert_eq!(reconnected.replayed, ["item_1", "item_2"]);
    assert!(reconnected.lost.is_empty() && reconnected.unsent.is_empty() && reconnected.ambiguous.is_empty());
    let state = connection.state();
    assert_eq!(state.conversation.ids().map(Id::as_str).collect::<Vec<_>>(), ["item_1", "item_2", "item_3"]);
}

#[test]
fn a_creation_in_flight_is_acknowledged_by_the_next_session() {
    let (connection, session, server) = open(Reconnect::default());
    let ack = connection.conversation().item().create(Item::user("hello").with_id("item_1")).unwrap();
    let (added, updates) = run(&connection, &server, async {
        session.expect::<ConversationItemCreate>().await;
        session.drop_link();
        let again = async {
            let session = server.accept().await;
            let again = create(&session).await;
            assert_eq!(again.item.id().unwrap(), "item_1");
            session
        };
        join(ack, again).await
    });
    assert_eq!(added.0.unwrap().item.id().unwrap(), "item_1");
    let reconnected = reconnected(updates);
    assert_eq!((reconnected.replayed.len(), reconnected.ambiguous.len()), (1, 0));
}

#[test]
fn a_response_in_flight_is_ambiguous_and_never_repeated_unless_asked() {
    for repeat in [false, true] {
        let (connection, session, server) = open(Reconnect::default().repeat_response(repeat));
        let response = connection.response().create(ResponseConfig::default()).unwrap();
        let (outcome, updates) = run(&connection, &server, async {
            let request = session.expect::<ResponseCreate>().await;
            session.drop_link();
            let serve = async {
                let session = server.accept().await;
                if repeat {
                    let again = session.expect::<ResponseCreate>().await;
                    assert_eq!(again.event_id, request.event_id);
                    let response = json!({ "id": "resp", "conversation_id": "c", "metadata": again.response.map(|config| config.metadata.into_set()) });
                    session.send_raw(json!({ "type": "response.created", "response": response }).to_string());
                    session.send_raw(json!({ "type": "response.done", "response": response }).to_string());
                }
                server.clock().sleep(Duration::from_millis(10)).await;
                assert!(session.next().now_or_never().is_none());
                session
            };
            join(response, serve).await.0
        });
        match outcome {
            Ok(response) => assert_eq!((repeat, &*response.id.unwrap()), (true, "resp")),
            Err(error) => {
                assert!(!repeat && matches!(error.kind(), ErrorKind::Ambiguous), "{error}");
                // It is the link that is gone, and not the connection.
                assert!(error.to_string().starts_with("the link was lost before the server answered"), "{error}");
            }
        }
        assert_eq!(reconnected(updates).ambiguous.len(), usize::from(!repeat));
    }
}

#[test]
fn what_makes_no_sense_any_more_comes_back() {
    let (connection, session, server) = open(Reconnect::default());
    let ((), updates) = run(&connection, &server, async {
        drop(connection.conversation().item().create(Item::user("kept").with_id("item_kept")).unwrap());
        create(&session).await;
        session.drop_link();
        server.clock().sleep(Duration::from_millis(1)).await;
        // Queued while there is no link.
        let stale: [ClientEvent; 6] = [
            ResponseCancel::default().event_id("e1").into(),
            ConversationItemTruncate::new("item_kept", 0, 0).event_id("e2").into(),
            ConversationItemDelete::new("item_gone").event_id("e3").into(),
            ConversationItemCreate::new(Item::function_call_output("call_gone", "x")).event_id("e4").into(),
            ConversationItemCreate::new(Item::user("x")).previous_item_id("item_gone").event_id("e5").into(),
            OutputAudioBufferClear::default().event_id("e6").into(),
        ];
        for event in stale {
            connection.send(event).unwrap();
        }
        connection.send(InputAudioBufferCommit::default().event_id("e7")).unwrap();
        connection.append(&[0; 4800]).unwrap();
        connection.send(InputAudioBufferCommit::default()).unwrap();
        connection.send(ConversationItemDelete::new("item_kept")).unwrap();
        let session = server.accept().await;
        create(&session).await;
        session.expect::<InputAudioBufferAppend>().await;
        session.expect::<InputAudioBufferCommit>().await;
        session.expect::<ConversationItemDelete>().await;
        server.clock().sleep(Duration::from_millis(1)).await;
        assert!(session.next().now_or_never().is_none());
    });
    let unsent = reconnected(updates).unsent;
    let ids: Vec<_> = unsent.iter().map(|event| event.event_id().unwrap().to_string()).collect();
    assert_eq!(ids, ["e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
}

#[test]
fn a_server_that_dies_after_every_greeting_is_given_up() {
    let (connection, mut session, server) = open(Reconnect::default());
    let clock = server.clock().clone();
    let die = async {
        let mut sessions = 1;
        loop {
            session.drop_link();
            let nap = clock.sleep(Duration::from_secs(30));
            futures::pin_mut!(nap);
            let next = server.accept();
            futures::pin_mut!(next);
            match futures::future::select(next, nap).await {
                futures::future::Either::Left((next, _)) => session = next,
                futures::future::Either::Right(_) => return sessions,
            }
            sessions += 1;
        }
    };
    connection.send(ConversationItemDelete::new("never_sent")).unwrap();
    let (error, sessions) = clock.block_on(join(
        async {
            loop {
                match connection.next().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error,
                    None => panic!("it ended without an error"),
                }
            }
        },
        die,
    ));
    assert_eq!(sessions, 6, "one connection, and five attempts");
    assert!(matches!(error.kind(), ErrorKind::Transport(error) if error.kind() == TransportErrorKind::Io), "{error:?}");
    assert!(clock.now().since_origin() < Duration::from_secs(60));
    drop(connection);
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_healthy_while_gives_new_hope() {
    let (connection, mut session, server) =
        open(Reconnect::default().max_attempts(1).reset_after(Duration::from_secs(60)));
    run(&connection, &server, async {
        for _ in 0..4 {
            {
                let alive = async { while session.next().await.is_some() {} };
                let nap = server.clock().sleep(Duration::from_secs(61));
                futures::pin_mut!(alive);
                futures::future::select(alive, nap).await;
            }
            session.drop_link();
            session = server.accept().await;
        }
    });
    assert_eq!(connection.phase(), Phase::Open);
}

#[test]
fn what_was_never_sent_is_handed_back_in_the_end() {
    let (connection, session, server) = open(Reconnect::default().max_attempts(2));
    server.fail_next(TransportError::new(TransportErrorKind::Connect, "no route"));
    server.fail_next(TransportError::new(TransportErrorKind::Connect, "no route"));
    session.drop_link();
    let unsent = server.clock().block_on(async {
        let mut updates = connection.updates();
        while !matches!(updates.next().await, Some(Ok(Update::Notice(Notice::Reconnecting { .. })))) {}
        drop(connection.conversation().item().create(Item::user("hello")).unwrap());
        while connection.next().await.is_some() {}
        let refused = connection.send(ConversationItemDelete::new("late")).unwrap_err();
        assert_eq!(refused.kind(), SendErrorKind::Closed);
        connection.close(CloseFrame::new(1000, "")).await
    });
    assert!(matches!(&unsent[..], [ClientEvent::ConversationItemCreate(create)] if text(create) == "hello"));
    assert_eq!(server.clock().pending(), 0);
}

#[test]
fn a_refusal_is_not_tried_again() {
    for (code, again) in [(1001, true), (1011, true), (1000, false), (1008, false), (3000, false), (4000, false)] {
        let (connection, session, server) = open(Reconnect::default());
        session.close(code, "");
        server.clock().block_on(async {
            let accept = server.accept();
            let read = async { while let Some(Ok(_)) = connection.next().await {} };
            futures::pin_mut!(accept, read);
            let came_back = matches!(futures::future::select(accept, read).await, futures::future::Either::Left(_));
            assert_eq!(came_back, again, "{code}");
        });
    }
}

#[test]
fn an_observer_changes_the_handshake_or_aborts() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let policy = Reconnect::default().observe(move |attempt: &Attempt<'_>| {
        told.lock().unwrap().push((attempt.number, attempt.reason.to_string()));
        match attempt.number {
            1 => Decision::With(Extras::new().query("attempt", "1").header("X-Attempt", "1")),
            _ => Decision::Abort,
        }
    });
    let (connection, session, server) = open(policy);
    session.drop_link();
    let error = server.clock().block_on(async {
        let read = async {
            loop {
                if let Some(Err(error)) = connection.next().await {
                    return error;
                }
            }
        };
        let serve = async {
            let session = server.accept().await;
            assert!(session.handshake().uri.query().unwrap().contains("attempt=1"));
            assert_eq!(session.handshake().headers["x-attempt"], "1");
        };
        join(read, serve).await.0
    });
    assert!(matches!(error.kind(), ErrorKind::Aborted(_)), "{error:?}");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[test]
fn the_credential_is_asked_for_again() {
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let credentials = Credentials::callback(move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        let key = format!("key-{count}");
        async move { Ok::<_, std::io::Error>(Credential::bearer(key)) }
    });
    let (connection, session, server) = open_with(Reconnect::default(), |builder| builder.credentials(credentials));
    assert_eq!(session.handshake().headers["authorization"], "Bearer key-1");
    session.drop_link();
    run(&connection, &server, async {
        let session = server.accept().await;
        assert_eq!(session.handshake().headers["authorization"], "Bearer key-2");
    });
}

#[test]
fn a_tool_that_finishes_after_a_reconnect_answers_only_a_restored_call() {
    for restore in [true, false] {
        let (connection, session, server) = open(Reconnect::default().restore(restore));
        let clock = server.clock().clone();
        let tools = Tools::new().add_raw("slow", "Slow.", json!({}).into(), move |_: Value| {
            let nap = clock.sleep(Duration::from_secs(20));
            async move {
                nap.await;
                "done"
            }
        });
        drop(connection.use_tools(tools).unwrap());
        let (_, updates) = run(&connection, &server, async {
            session.expect::<SessionUpdate>().await;
            let call = json!({
                "id": "item_call", "type": "function_call", "status": "completed", "call_id": "call_1",
                "name": "slow", "arguments": "{}",
            });
            let send = |event: Value| session.send_raw(event.to_string());
            send(json!({ "type": "conversation.item.added", "previous_item_id": null, "item": call }));
            send(json!({ "type": "response.created", "response": { "id": "r", "conversation_id": "c" } }));
            send(json!({ "type": "response.output_item.done", "response_id": "r", "output_index": 0, "item": call }));
            send(json!({
                "type": "response.done", "response": { "id": "r", "conversation_id": "c", "status": "completed" },
            }));
            server.clock().sleep(Duration::from_secs(1)).await;
            session.drop_link();
            let session = server.accept().await;
            if restore {
                session.expect::<SessionUpdate>().await;
                let again = create(&session).await;
                assert!(matches!(again.item, Item::FunctionCall(_)));
            }
            let next = async { session.next().await.unwrap() };
            let nap = server.clock().sleep(Duration::from_secs(60));
            futures::pin_mut!(next);
            match futures::future::select(next, nap).await {
                futures::future::Either::Left((event, _)) => {
                    assert_eq!((restore, event.kind()), (true, ConversationItemCreate::KIND));
                }
                futures::future::Either::Right(_) => assert!(!restore),
            }
        });
        let reconnected = reconnected(updates);
        assert_eq!(reconnected.replayed.len(), usize::from(restore));
        assert_eq!(
            reconnected.lost.iter().filter(|lost| lost.reason == LostReason::NotAsked).count(),
            usize::from(!restore)
        );
    }
}

#[test]
fn audio_is_reported_in_milliseconds() {
    let (connection, session, server) = open(Reconnect::default());
    drop(connection.session().update(RealtimeSessionConfig::default().turn_detection(ServerVad::default())).unwrap());
    let ((), updates) = run(&connection, &server, async {
        session.expect::<SessionUpdate>().await;
        for _ in 0..5 {
            connection.append(&[0; 40 * 48]).unwrap();
            session.expect::<InputAudioBufferAppend>().await;
        }
        session.drop_link();
        server.clock().sleep(Duration::from_millis(1)).await;
        // Never attempted: it goes to the next session.
        connection.append(&[1; 20 * 48]).unwrap();
        let session = server.accept().await;
        session.expect::<SessionUpdate>().await;
        assert_eq!(session.expect::<InputAudioBufferAppend>().await.audio.len(), 20 * 48);
    });
    let reconnected = reconnected(updates);
    assert_eq!((reconnected.audio_ms, reconnected.ambiguous.len()), (200, 1));
    assert!(!matches!(connection.next().now_or_never(), Some(Some(Ok(ServerEvent::Error(_))))));
}
