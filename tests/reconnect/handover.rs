//! A session that will soon have reached its greatest age is replaced before, while nothing is under way.

use std::time::Duration;

use futures::FutureExt;
use realtime::{
    Connection, Options, Realtime,
    connection::{Decision, Notice, Phase, Reconnect, Update},
    event::{ConversationItemCreate, EventOf, InputAudioBufferAppend, SessionUpdate},
    mock::{MockServer, MockSession, VirtualClock},
    transport::{Timer, TransportError, TransportErrorKind},
    types::{Item, RealtimeSessionConfig, ServerVad},
};
use serde_json::{Value, json};

use super::{create, open_with, reconnected, run, text};

/// A server that a script plays answers pings only when it is asked for a message, so there are none.
fn open(policy: Reconnect) -> (Connection<Realtime>, MockSession, MockServer) {
    open_with(policy, |client| client.options(Options::default().keepalive(None)))
}

const MINUTE: Duration = Duration::from_secs(60);

/// What the service says at the beginning, with the end `left` from now.
fn greeting(clock: &VirtualClock, left: Duration) -> String {
    let end = (clock.unix().unwrap() + left).as_secs();
    json!({ "type": "session.created", "session": { "type": "realtime", "id": "s", "expires_at": end } }).to_string()
}

/// A conversation of one item, in a session that tells its end, 60 minutes from now.
async fn begin(connection: &Connection<Realtime>, session: &MockSession) {
    let config = RealtimeSessionConfig::default().instructions("Be brief.").turn_detection(ServerVad::default());
    drop(connection.session().update(config).unwrap());
    drop(connection.conversation().item().create(Item::user("one").with_id("item_1")).unwrap());
    agree(session).await;
    create(session).await;
}

/// Says yes to a configuration.
async fn agree(session: &MockSession) {
    let update = session.expect::<SessionUpdate>().await;
    send(session, json!({ "type": "session.updated", "session": update.session }));
}

/// Takes the conversation over, as a server does.
async fn take_over(session: &MockSession) {
    agree(session).await;
    assert_eq!(text(&create(session).await), "one");
}

fn send(session: &MockSession, event: Value) {
    session.send_raw(event.to_string());
}

fn none_reconnected(updates: &[Update<Realtime>]) -> bool {
    !updates.iter().any(|update| matches!(update, Update::Notice(Notice::Reconnected(_) | Notice::Reconnecting { .. })))
}

#[test]
fn the_next_session_is_there_before_the_old_one_is_left() {
    let (connection, old, server) = open(Reconnect::default());
    let start = server.clock().now();
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        let new = server.accept().await;
        assert_eq!(server.clock().now() - start, 58 * MINUTE);
        new.expect::<SessionUpdate>().await;
        // Sent in between: it is for the next session.
        drop(connection.conversation().item().create(Item::user("two").with_id("item_2")).unwrap());
        connection.append(&[7; 4800]).unwrap();
        assert_eq!(text(&new.expect::<ConversationItemCreate>().await), "one");
        server.clock().sleep(Duration::from_millis(200)).await;
        // Not acknowledged yet, so the old one lives.
        assert_eq!((new.waiting(), old.waiting()), (0, 0));
        send(&new, json!({ "type": "session.updated", "session": { "type": "realtime" } }));
        let item = json!({ "id": "item_1", "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "one" }] });
        send(&new, json!({ "type": "conversation.item.added", "previous_item_id": null, "item": item }));
        assert_eq!(text(&create(&new).await), "two");
        assert_eq!(&new.expect::<InputAudioBufferAppend>().await.audio[..], [7; 4800]);
        assert_eq!(old.closed().await.unwrap().code, 1000);
        assert_eq!(connection.phase(), Phase::Open);
        server.clock().sleep(MINUTE).await;
        new
    });
    let known: Vec<_> = connection.state().conversation.items().map(|item| item.id.to_string()).collect();
    assert_eq!(known, ["item_1", "item_2"]);
    let opened = updates.iter().filter(|update| matches!(update, Update::Notice(Notice::Phase(_)))).count();
    assert_eq!(opened, 2, "the connection was never anything but open");
    let reconnected = reconnected(updates);
    assert!(reconnected.planned);
    assert_eq!(reconnected.replayed, ["item_1"]);
    assert!(reconnected.lost.is_empty() && reconnected.ambiguous.is_empty() && reconnected.unsent.is_empty());
    // The deadlines of the new session alone: its pulse, and its own end.
    assert_eq!(server.clock().pending(), 1);
}

#[test]
fn the_end_that_the_server_announces_counts() {
    let (_, server) = realtime::mock::MockTransport::new();
    let announced = greeting(server.clock(), 20 * MINUTE);
    for (greeting, after) in [
        (announced, 18),
        // By a clock that is wrong, the end is near or past: the service's own rule is believed.
        (greeting(server.clock(), MINUTE), 58),
        (r#"{"type":"session.created","session":{"type":"realtime","expires_at":1}}"#.to_owned(), 58),
    ] {
        let (connection, _old, server) = {
            let (transport, server) = realtime::mock::MockTransport::new();
            server.greet_with(Some(greeting));
            let client = realtime::Client::builder(transport)
                .reconnect(Reconnect::default())
                .options(Options::default().keepalive(None))
                .build();
            let connection = server.clock().block_on(client.realtime().model("m").connect()).unwrap();
            let session: MockSession = server.try_accept_as().unwrap();
            (connection, session, server)
        };
        let start = server.clock().now();
        run(&connection, &server, async {
            let _new = server.accept().await;
            assert_eq!(server.clock().now() - start, after * MINUTE);
        });
    }
}

#[test]
fn a_busy_session_is_left_alone() {
    let (connection, old, server) = open(Reconnect::default());
    let start = server.clock().now();
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        server.clock().sleep(57 * MINUTE).await;
        send(&old, json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_2", "audio_start_ms": 0 }));
        server.clock().sleep(2 * MINUTE).await;
        assert!(server.try_accept_as::<Realtime>().is_none(), "somebody speaks");
        send(&old, json!({ "type": "input_audio_buffer.speech_stopped", "item_id": "item_2", "audio_end_ms": 9 }));
        send(&old, json!({ "type": "response.created", "response": { "id": "r", "conversation_id": "c" } }));
        server.clock().sleep(Duration::from_secs(30)).await;
        assert!(server.try_accept_as::<Realtime>().is_none(), "a response is in progress");
        let done = json!({ "id": "r", "conversation_id": "c", "status": "completed" });
        send(&old, json!({ "type": "response.done", "response": done }));
        let new = server.accept().await;
        assert!(server.clock().now() - start < 59 * MINUTE + Duration::from_secs(32));
        take_over(&new).await;
        old.closed().await;
        new
    });
    assert!(reconnected(updates).planned);
}

#[test]
fn a_word_of_the_old_session_is_in_time_until_the_last_moment() {
    let (connection, old, server) = open(Reconnect::default());
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        let spoilt = server.accept().await;
        spoilt.expect::<SessionUpdate>().await;
        connection.append(&[7; 4800]).unwrap();
        // The beginning of it was sent to the old session, so that one hears it out.
        send(&old, json!({ "type": "input_audio_buffer.speech_started", "item_id": "item_2", "audio_start_ms": 0 }));
        assert_eq!(&old.expect::<InputAudioBufferAppend>().await.audio[..], [7; 4800]);
        // The other one is left without a word.
        while let Ok(Some(_)) = spoilt.message().await {}
        send(&old, json!({ "type": "input_audio_buffer.speech_stopped", "item_id": "item_2", "audio_end_ms": 100 }));
        let new = server.accept().await;
        take_over(&new).await;
        assert_eq!(old.closed().await.unwrap().code, 1000);
        new
    });
    assert!(reconnected(updates).planned);
}

#[test]
fn what_cannot_be_replaced_is_kept() {
    let refuse = |server: &MockServer| {
        for _ in 0..3 {
            server.fail_next(TransportError::new(TransportErrorKind::Connect, "no"));
        }
    };
    let (connection, old, server) = open(Reconnect::default());
    let start = server.clock().now();
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        refuse(&server);
        // Tried again every eight seconds.
        let new = server.accept().await;
        assert_eq!(server.clock().now() - start, 58 * MINUTE + Duration::from_secs(24));
        // And this one dies half way.
        new.expect::<SessionUpdate>().await;
        new.drop_link();
        let new = server.accept().await;
        take_over(&new).await;
        old.closed().await;
        new
    });
    assert!(reconnected(updates).planned);
}

#[test]
fn one_that_never_opens_is_given_up() {
    let (connection, old, server) = open(Reconnect::default());
    let ((), updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        server.clock().sleep(57 * MINUTE).await;
        server.greet_with(None::<&str>);
        let mute = server.accept().await;
        while let Ok(Some(_)) = mute.message().await {}
        drop(connection.conversation().item().create(Item::user("two").with_id("item_2")).unwrap());
        assert_eq!(text(&create(&old).await), "two");
    });
    assert!(none_reconnected(&updates));
}

#[test]
fn the_observer_decides_about_a_planned_one_too() {
    let policy =
        Reconnect::default().observe(|attempt| if attempt.number == 0 { Decision::Abort } else { Decision::Go });
    let (connection, old, server) = open(policy);
    let ((), updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        server.clock().sleep(70 * MINUTE).await;
        assert!(server.try_accept_as::<Realtime>().is_none());
        // The old one lives for as long as the server lets it.
        drop(connection.conversation().item().create(Item::user("two").with_id("item_2")).unwrap());
        assert_eq!(text(&create(&old).await), "two");
    });
    assert!(none_reconnected(&updates));
}

#[test]
fn it_can_be_turned_off() {
    for policy in [Reconnect::default().handover(None), Reconnect::default().restore(false)] {
        let (connection, old, server) = open(policy);
        run(&connection, &server, async {
            begin(&connection, &old).await;
            server.clock().sleep(70 * MINUTE).await;
            assert!(server.try_accept_as::<Realtime>().is_none());
        });
    }
}

#[test]
fn a_link_that_breaks_meanwhile_is_made_anew_at_once() {
    let (connection, old, server) = open(Reconnect::default());
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        let spare = server.accept().await;
        spare.expect::<SessionUpdate>().await;
        old.drop_link();
        let new = server.accept().await;
        take_over(&new).await;
        server.clock().sleep(Duration::from_millis(1)).await;
        new
    });
    assert!(!reconnected(updates).planned);
}

#[test]
fn closing_ends_a_move_half_way() {
    let (connection, old, server) = open(Reconnect::default());
    run(&connection, &server, async {
        begin(&connection, &old).await;
        let spare = server.accept().await;
        spare.expect::<SessionUpdate>().await;
        let (closed, frame) = futures::join!(connection.finish(), old.closed());
        closed.unwrap();
        assert_eq!(frame.unwrap().code, 1000);
        while let Ok(Some(_)) = spare.message().await {}
    });
    assert_eq!((connection.phase(), server.clock().pending()), (Phase::Closed, 0));
}

#[test]
fn audio_that_streams_on_goes_to_one_of_the_two() {
    let (connection, old, server) = open(Reconnect::default());
    let (_new, updates) = run(&connection, &server, async {
        begin(&connection, &old).await;
        server.clock().sleep(57 * MINUTE + Duration::from_secs(58)).await;
        let (mut chunks, mut heard) = (0_u16, Vec::new());
        let listen = |session: &MockSession, heard: &mut Vec<u16>| {
            while let Some(Some(event)) = session.next().now_or_never() {
                if let Some(append) = InputAudioBufferAppend::get(&event) {
                    heard.push(u16::from_le_bytes([append.audio[0], append.audio[1]]));
                }
            }
        };
        let mut new: Option<MockSession> = None;
        let mut asked = 0;
        for _ in 0..400 {
            connection.append(&chunks.to_le_bytes().repeat(960)).unwrap();
            chunks += 1;
            server.clock().sleep(Duration::from_millis(40)).await;
            listen(&old, &mut heard);
            new = new.or_else(|| server.try_accept_as());
            let Some(new) = &new else { continue };
            // The server takes its time to answer.
            while asked < 2
                && let Some(Some(event)) = new.next().now_or_never()
            {
                asked += 1;
                match ConversationItemCreate::get(&event) {
                    Some(create) => super::acknowledge(new, create),
                    None => send(new, json!({ "type": "session.updated", "session": { "type": "realtime" } })),
                }
            }
            if asked == 2 {
                listen(new, &mut heard);
            }
        }
        server.clock().sleep(Duration::from_secs(1)).await;
        listen(new.as_ref().unwrap(), &mut heard);
        assert_eq!(heard, (0..chunks).collect::<Vec<_>>());
        new
    });
    assert!(reconnected(updates).planned);
}

#[test]
fn a_call_is_joined_again_and_nothing_is_made_anew() {
    let (transport, server) = realtime::mock::MockTransport::new();
    server.greet_with(None::<&str>);
    let client = realtime::Client::builder(transport)
        .reconnect(Reconnect::default())
        .options(Options::default().keepalive(None))
        .build();
    let connection = server.clock().block_on(client.realtime().call("rtc_1").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    let (_again, updates) = run(&connection, &server, async {
        begin(&connection, &session).await;
        // Its session has its own age, and nobody but the call ends it.
        server.clock().sleep(70 * MINUTE).await;
        assert!(server.try_accept_as::<Realtime>().is_none());
        drop(connection.conversation().item().create(Item::user("two").with_id("item_2")).unwrap());
        session.expect::<ConversationItemCreate>().await;
        session.drop_link();
        let again = server.accept().await;
        drop(connection.conversation().item().create(Item::user("three").with_id("item_3")).unwrap());
        let create = create(&again).await;
        assert_eq!(text(&create), "three");
        server.clock().sleep(Duration::from_millis(1)).await;
        again
    });
    let known: Vec<_> = connection.state().conversation.items().map(|item| item.id.to_string()).collect();
    assert_eq!(known, ["item_1", "item_3"]);
    let reconnected = reconnected(updates);
    assert!(!reconnected.planned && reconnected.replayed.is_empty() && reconnected.lost.is_empty());
    assert_eq!(reconnected.ambiguous.len(), 1);
}

#[test]
fn recycling_again_and_again() {
    let (connection, old, server) = open(Reconnect::default());
    run(&connection, &server, async {
        begin(&connection, &old).await;
        let mut old = old;
        for _ in 0..5 {
            let new = server.accept().await;
            take_over(&new).await;
            assert_eq!(old.closed().await.unwrap().code, 1000);
            old = new;
        }
    });
    assert_eq!(connection.state().conversation.items().count(), 1);
}
