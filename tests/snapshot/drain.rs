//! The end of a connection whose conversation goes on.

use std::time::Duration;

use futures::future::join;
use realtime::{
    Connection, Drained, ErrorKind, Id, Realtime,
    connection::{Phase, Reconnect},
    event::{ClientEvent, ConversationItemCreate, Event, ResponseCreate, ServerEvent},
    mock::{MockSession, VirtualClock},
    session::{Playback, Snapshot},
    tools::Tools,
    transport::{CloseFrame, Timer, TransportError, TransportErrorKind},
    types::{Item, ResponseConfig},
};
use serde_json::{Value, json};

use super::{client, connect, created, grant, report, run, serve, turn};

const LIMIT: Duration = Duration::from_secs(30);

fn response(session: &MockSession, kind: &str, status: &str) {
    let response = json!({ "id": "resp_1", "conversation_id": "c", "status": status, "output": [] });
    session.send(ServerEvent::decode(json!({ "type": kind, "response": response }).to_string().as_bytes()));
}

/// Drains while the server's part runs. Also how long it took.
fn drain<T>(
    clock: &VirtualClock,
    connection: &Connection<Realtime>,
    script: impl Future<Output = T>,
) -> (Drained, T, Duration) {
    let begun = clock.now();
    let (drained, output) = clock.block_on(join(connection.drain(LIMIT), script));
    assert_eq!(connection.phase(), Phase::Closed);
    (drained, output, clock.now() - begun)
}

#[test]
fn waits_for_the_response_and_takes_no_other() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.response().create(ResponseConfig::default()).unwrap());
    turn(&connection);
    response(&session, "response.created", "in_progress");
    turn(&connection);
    let (drained, (), took) = drain(&clock, &connection, async {
        session.expect::<ResponseCreate>().await;
        clock.sleep(Duration::from_secs(1)).await;
        // Asked for while it drains.
        drop(connection.conversation().item().create(Item::user("late").with_id("item_late")).unwrap());
        drop(connection.response().create(ResponseConfig::default()).unwrap());
        let create = session.expect::<ConversationItemCreate>().await;
        grant(&session, &create.into(), 0);
        clock.sleep(Duration::from_secs(2)).await;
        response(&session, "response.done", "completed");
        assert_eq!(session.closed().await, Some(CloseFrame::new(1000, "")));
    });
    assert!(drained.quiet && took < Duration::from_secs(4), "{took:?}");
    let Drained { snapshot, .. } = drained;
    assert!(matches!(snapshot.queued[..], [ClientEvent::ResponseCreate(_)]), "{:?}", snapshot.queued);
    assert!(snapshot.cut_short.is_empty() && snapshot.in_flight.is_empty());

    // The one who goes on asks for it.
    let (client, server) = client(&clock, |builder| builder);
    let connection = client.realtime().resume(snapshot).open().unwrap();
    let (sent, _) = run(&clock, &connection, async { serve(&clock, &server.accept().await).await });
    assert!(matches!(&sent[..], [ClientEvent::ConversationItemCreate(_), ClientEvent::ResponseCreate(_)]), "{sent:?}");
}

#[test]
fn the_limit_ends_the_wait_and_says_what_was_cut_short() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.response().create(ResponseConfig::default()).unwrap());
    turn(&connection);
    response(&session, "response.created", "in_progress");
    let (drained, (), took) = drain(&clock, &connection, async {
        session.closed().await;
    });
    assert_eq!((drained.quiet, took), (false, LIMIT));
    assert_eq!(drained.snapshot.cut_short, ["resp_1"]);
}

#[test]
fn functions_finish_first_and_unfinished_ones_run_again_elsewhere() {
    for (takes, quiet) in [(10, true), (50, false)] {
        let clock = VirtualClock::new();
        let (connection, session) = connect(&clock);
        let tools = || {
            let clock = clock.clone();
            Tools::new().add_raw("slow", "", json!({}).into(), move |_: Value| {
                let nap = clock.sleep(Duration::from_secs(takes));
                async move {
                    nap.await;
                    "done"
                }
            })
        };
        drop(connection.use_tools(tools()).unwrap());
        let script = async {
            let mut sent = serve(&clock, &session).await;
            let call = json!({
                "id": "item_call", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "slow",
                "arguments": "{}",
            });
            let send = |event: Value| session.send_raw(event.to_string());
            send(json!({ "type": "response.created", "response": { "id": "resp_1", "conversation_id": "c" } }));
            send(json!({ "type": "conversation.item.added", "previous_item_id": null, "item": call }));
            send(
                json!({ "type": "response.output_item.done", "response_id": "resp_1", "output_index": 0, "item": call }),
            );
            response(&session, "response.done", "completed");
            sent.extend(serve(&clock, &session).await);
            sent
        };
        run(&clock, &connection, script);
        let (drained, sent, _) = drain(&clock, &connection, async {
            let mut sent = Vec::new();
            while let Some(event) = session.next().await {
                grant(&session, &event, 0);
                sent.push(event);
            }
            sent
        });
        let Drained { snapshot, quiet: was_quiet, .. } = drained;
        assert_eq!((was_quiet, created(&sent).len()), (quiet, usize::from(quiet)), "{sent:?}");
        assert_eq!(snapshot.open_calls().count(), usize::from(!quiet));
        // Either way the model is asked to go on once, by the one who resumes.
        let snapshot = Snapshot::from_json(&snapshot.to_json().unwrap()).unwrap();
        let (client, server) = client(&clock, |builder| builder);
        let connection = client.realtime().resume(snapshot).open().unwrap();
        drop(connection.use_tools(tools()).unwrap());
        let (sent, _) = run(&clock, &connection, async {
            let session = server.accept().await;
            let (mut sent, until) = (Vec::new(), clock.now() + Duration::from_secs(takes + 5));
            while clock.now() < until {
                sent.extend(serve(&clock, &session).await);
            }
            sent
        });
        let outputs = created(&sent).iter().filter(|create| matches!(create.item, Item::FunctionCallOutput(_))).count();
        let responses = sent.iter().filter(|event| matches!(event, ClientEvent::ResponseCreate(_))).count();
        assert_eq!((outputs, responses), (1, 1), "{sent:?}");
    }
}

#[test]
fn what_is_played_is_heard_to_its_end() {
    let clock = VirtualClock::new();
    let (client, server) = client(&clock, |builder| builder);
    let connect = client.realtime().model("m").playback(Playback::default());
    let connection = clock.block_on(connect.connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    drop(connection.response().create(ResponseConfig::default()).unwrap());
    turn(&connection);
    let (drained, (), took) = drain(&clock, &connection, async {
        session.expect::<ResponseCreate>().await;
        response(&session, "response.created", "in_progress");
        // Three seconds, at once.
        let audio = realtime::Audio::from(vec![0; 3 * 48_000]);
        let delta = json!({
            "type": "response.output_audio.delta", "response_id": "resp_1", "item_id": "item_1", "output_index": 0,
            "content_index": 0, "delta": audio,
        });
        session.send_raw(delta.to_string());
        response(&session, "response.done", "completed");
        session.closed().await;
    });
    assert!(drained.quiet);
    assert!((3000..3200).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn a_connection_that_has_ended_leaves_its_conversation() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.conversation().item().create(Item::user("kept").with_id("item_1")).unwrap());
    run(&clock, &connection, serve(&clock, &session));
    drop(connection.conversation().item().create(Item::user("unsent").with_id("item_2")).unwrap());
    session.stall_writes(true);
    session.drop_link();
    let (drained, (), took) = drain(&clock, &connection, async {});
    assert!(!drained.quiet && took < Duration::from_secs(1), "{took:?}");
    let ids: Vec<_> = drained.snapshot.items.iter().map(|saved| &*saved.id).collect();
    assert_eq!(ids, ["item_1"]);
    let pending = drained.snapshot.queued.len() + drained.snapshot.in_flight.len();
    assert_eq!(pending, 1, "{:?}", drained.snapshot);
}

#[test]
fn an_attempt_that_fails_leaves_the_snapshot_as_it_was() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.conversation().item().create(Item::user("kept").with_id("item_1")).unwrap());
    run(&clock, &connection, serve(&clock, &session));
    session.stall_writes(true);
    drop(connection.conversation().item().create(Item::user("queued").with_id("item_2")).unwrap());
    let mut snapshot = connection.snapshot();
    assert_eq!(snapshot.queued.len(), 1);
    let (client, server) = client(&clock, |builder| builder.reconnect(Reconnect::default()));
    server.fail_next(TransportError::new(TransportErrorKind::Connect, "no route"));
    let resumed = client.realtime().resume(snapshot.clone()).open().unwrap();
    assert_eq!(resumed.state().conversation.ids().map(Id::as_str).collect::<Vec<_>>(), ["item_1"]);
    let error = clock.block_on(async {
        loop {
            if let Some(Err(error)) = resumed.next().await {
                break error;
            }
        }
    });
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    let again = resumed.snapshot();
    snapshot.taken_at = again.taken_at;
    assert_eq!(again, snapshot);
}

#[test]
fn a_joined_call_is_joined_again_and_another_target_restores() {
    let clock = VirtualClock::new();
    let (first, server) = client(&clock, |builder| builder);
    let connection = clock.block_on(first.realtime().call("rtc_1").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    drop(connection.conversation().item().create(Item::user("hello").with_id("item_1")).unwrap());
    run(&clock, &connection, serve(&clock, &session));
    let snapshot = connection.snapshot();
    assert_eq!((snapshot.call_id.as_deref(), snapshot.model.as_deref()), (Some("rtc_1"), None));
    for elsewhere in [false, true] {
        let (client, server) = client(&clock, |builder| builder);
        let connect = client.realtime().resume(snapshot.clone());
        let connect = if elsewhere { connect.model("m") } else { connect };
        let connection = connect.open().unwrap();
        let ((uri, sent), updates) = run(&clock, &connection, async {
            let session: MockSession = server.accept().await;
            (session.handshake().uri.to_string(), serve(&clock, &session).await)
        });
        assert!(uri.ends_with(if elsewhere { "?model=m" } else { "?call_id=rtc_1" }), "{uri}");
        assert_eq!(created(&sent).len(), usize::from(elsewhere));
        assert_eq!(report(updates).replayed.len(), usize::from(elsewhere));
        assert_eq!(connection.state().conversation.len(), 1);
    }
}
