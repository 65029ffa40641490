//! Translation and Live sessions: a snapshot restores what a reconnect restores, and is read as strictly.

use std::{fs, path::Path};

use futures::FutureExt;
use realtime::{
    Client, Connection, ErrorKind, Live, Protocol, Secret, Translation,
    connection::{Notice, Reconnect, Reconnected, Update},
    event::{Event, translation::SessionUpdate},
    live::{
        state::LiveSnapshot,
        types::{FunctionTool, McpTool, ResponsesConfig, ResponsesDelegation, Tool},
    },
    mock::{MockServer, MockSession, MockTransport, VirtualClock},
    session::{Snapshot, SnapshotError, TranslationSnapshot},
    types::TranslationSessionConfig,
};
use serde_json::{Value, json};

use super::marks::without_marks;

fn client(clock: &VirtualClock) -> (Client, MockServer) {
    let (transport, server) = MockTransport::on(clock);
    (Client::builder(transport).reconnect(Reconnect::default()).build(), server)
}

/// Does all that can be done now.
fn turn<P: Protocol>(connection: &Connection<P>) -> Vec<Reconnected<P>> {
    let mut updates = connection.updates();
    let all = std::iter::from_fn(|| futures::StreamExt::next(&mut updates).now_or_never().flatten()?.ok());
    all.filter_map(|update| match update {
        Update::Notice(Notice::Reconnected(report)) => Some(*report),
        _ => None,
    })
    .collect()
}

/// What a session was sent, without what differs from connection to connection.
fn sent<P: Protocol>(session: &MockSession<P>) -> Vec<Value> {
    let next = || session.next().now_or_never().flatten();
    std::iter::from_fn(next)
        .map(|event| {
            let mut value: Value = serde_json::from_slice(event.encode().as_bytes()).unwrap();
            value.as_object_mut().unwrap().remove("event_id");
            value
        })
        .collect()
}

/// Opens the next session, and says what it is sent and what is reported.
fn next<P: Protocol>(
    clock: &VirtualClock,
    connection: &Connection<P>,
    server: &MockServer,
    opened: &Value,
) -> (MockSession<P>, Value) {
    let mut reports = Vec::new();
    let session: MockSession<P> = (0..100)
        .find_map(|_| {
            reports.extend(turn(connection));
            server.try_accept_as().or_else(|| {
                clock.advance_to_next();
                None
            })
        })
        .expect("it connects");
    reports.extend(turn(connection));
    let mut all = sent(&session);
    session.send_raw(opened.to_string());
    for _ in 0..4 {
        reports.extend(turn(connection));
        all.extend(sent(&session));
    }
    let [report] = &reports[..] else { panic!("{} reports", reports.len()) };
    let ids = |ids: &[realtime::Id]| ids.iter().map(|id| without_marks(id)).collect::<Vec<_>>();
    let lost: Vec<_> = report.lost.iter().map(|lost| json!([*lost.item_id, format!("{:?}", lost.reason)])).collect();
    let report = json!({
        "sent": all, "lost": lost, "ambiguous": ids(&report.ambiguous), "cut_short": ids(&report.cut_short),
        "unsent": report.unsent.len(),
    });
    (session, report)
}

const TRANSLATION: &str = r#"{"type":"session.created","session":{"id":"sess_1","type":"translation","model":"t"}}"#;

/// A translation in the middle: something confirmed, something in flight, something said.
fn translation(client: &Client, server: &MockServer) -> (Connection<Translation>, MockSession<Translation>) {
    server.greet_with(None::<String>);
    let connection = client.translation().model("t").open().unwrap();
    turn(&connection);
    let session: MockSession<Translation> = server.try_accept_as().unwrap();
    session.send_raw(TRANSLATION);
    turn(&connection);
    let speak = |language: &str| SessionUpdate::new(TranslationSessionConfig::default().language(language));
    connection.send(speak("es")).unwrap();
    turn(&connection);
    session.send_raw(r#"{"type":"session.updated","session":{"id":"sess_1","type":"translation","model":"t"}}"#);
    session.send_raw(r#"{"type":"session.output_transcript.delta","delta":"Hola"}"#);
    turn(&connection);
    connection.send(speak("fr")).unwrap();
    turn(&connection);
    sent(&session);
    (connection, session)
}

#[test]
fn a_translation_goes_on_as_after_a_reconnect() {
    let clock = VirtualClock::new();
    let (first, server) = client(&clock);
    let (connection, session) = translation(&first, &server);
    let written = connection.snapshot().to_json().unwrap();
    session.drop_link();
    let opened = serde_json::from_str(TRANSLATION).unwrap();
    let (_, expected) = next(&clock, &connection, &server, &opened);
    assert_eq!(expected["sent"][0]["session"]["audio"]["output"]["language"], "fr");
    assert_eq!(expected["ambiguous"].as_array().unwrap().len(), 1);

    // Without a policy to reconnect.
    let (transport, server) = MockTransport::on(&clock);
    server.greet_with(None::<String>);
    let second = Client::builder(transport).build();
    let snapshot = TranslationSnapshot::from_json(&written).unwrap();
    assert_eq!(snapshot.to_json().unwrap(), written);
    let resumed = second.translation().resume(snapshot).open().unwrap();
    assert_eq!(resumed.state().output_transcript, "Hola");
    // Nothing was continued yet.
    assert_eq!(resumed.snapshot().intended, connection.snapshot().intended);
    let (session, got) = next(&clock, &resumed, &server, &opened);
    assert!(session.handshake().uri.to_string().ends_with("?model=t"), "{}", session.handshake().uri);
    assert_eq!(got, expected);
    session.send_raw(r#"{"type":"session.output_transcript.delta","delta":" Ana"}"#);
    turn(&resumed);
    assert_eq!(resumed.snapshot().output_transcript, "Hola Ana");
}

const LIVE: &str = r#"{"type":"session.started","session":{"id":"live_1","model":"l","status":"open"}}"#;

/// A Live session in the middle: somebody has spoken, the input is muted, a task is unfinished.
fn live(client: &Client, server: &MockServer) -> (Connection<Live>, MockSession<Live>) {
    server.greet_with(None::<String>);
    let backend = ResponsesConfig::new("r").tools([
        Tool::from(FunctionTool::new("order_status")),
        Tool::from(McpTool::default().server_label("mail").authorization(Secret::from("secret-token"))),
    ]);
    let connect = client.live().model("l").instructions("Be brief.").delegation(ResponsesDelegation::new(backend));
    let connection = connect.open().unwrap();
    turn(&connection);
    let session: MockSession<Live> = server.try_accept_as().unwrap();
    session.send_raw(LIVE);
    turn(&connection);
    drop(connection.session().input_audio().mute().unwrap());
    turn(&connection);
    for event in [
        json!({ "type": "session.input_audio.muted", "event_id": "e0" }),
        json!({ "type": "session.input_transcript.delta", "event_id": "e1", "delta": "Is it ready?", "start_ms": 0, "end_ms": 200 }),
        json!({ "type": "session.output_transcript.delta", "event_id": "e2", "delta": "I will look.", "start_ms": 300, "end_ms": 900 }),
        json!({ "type": "session.delegation.created", "event_id": "e3", "offset_ms": 900, "delegation": { "id": "task_1", "type": "delegation", "target": "responses" } }),
        json!({ "type": "response.event", "event_id": "e4", "event": { "type": "response.created", "response": { "id": "resp_1" } } }),
    ] {
        session.send_raw(event.to_string());
    }
    turn(&connection);
    drop(connection.session().commentary().append("Still looking.").unwrap());
    turn(&connection);
    sent(&session);
    (connection, session)
}

#[test]
fn a_live_session_goes_on_as_after_a_reconnect() {
    let clock = VirtualClock::new();
    let (first, server) = client(&clock);
    let (connection, session) = live(&first, &server);
    let snapshot = connection.snapshot();
    assert_eq!(snapshot.withheld, ["mail"]);
    let written = snapshot.to_json().unwrap();
    assert!(!written.contains("secret") && !format!("{snapshot:?}").contains("secret"), "{written}");
    session.drop_link();
    let opened = serde_json::from_str(LIVE).unwrap();
    let (_, mut expected) = next(&clock, &connection, &server, &opened);
    let said: Vec<_> = expected["sent"][0]["session"]["input"].as_array().unwrap().clone();
    assert_eq!(
        said.iter().map(|item| &item["content"][0]["text"]).collect::<Vec<_>>(),
        ["Is it ready?", "I will look."]
    );
    assert_eq!(expected["sent"][1]["type"], "session.input_audio.mute");
    assert_eq!(expected["lost"], json!([["task_1", "Unfinished"]]));
    assert_eq!((expected["ambiguous"].as_array().unwrap().len(), &expected["cut_short"]), (1, &json!(["resp_1"])));

    let (transport, server) = MockTransport::on(&clock);
    server.greet_with(None::<String>);
    let second = Client::builder(transport).build();
    let snapshot = LiveSnapshot::from_json(&written).unwrap();
    assert_eq!(snapshot.to_json().unwrap(), written);
    let resumed = second.live().resume(snapshot).open().unwrap();
    assert_eq!(resumed.snapshot().turns.len(), 2, "nothing was continued yet");
    let (_, got) = next(&clock, &resumed, &server, &opened);
    // All but the tool whose secret nobody wrote down.
    let tools = expected.pointer_mut("/sent/0/session/delegation/responses/tools").unwrap().as_array_mut().unwrap();
    assert_eq!(tools.pop().unwrap()["server_label"], "mail");
    assert_eq!(got, expected);
    assert_eq!(resumed.snapshot().turns.len(), 2, "and what was said goes on");
}

fn stored(protocol: &str, version: u32) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/snapshots");
    fs::read_to_string(folder.join(format!("{protocol}_version_{version}.json"))).unwrap()
}

#[test]
fn every_version_of_them_resumes_and_keeps_what_it_does_not_know() {
    let clock = VirtualClock::new();
    for version in 1..=TranslationSnapshot::VERSION {
        let text = stored("translation", version);
        let snapshot = TranslationSnapshot::from_json(&text).unwrap();
        assert_eq!(serde_json::to_value(&snapshot).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        let (client, server) = client(&clock);
        server.greet_with(None::<String>);
        let resumed = client.translation().resume(snapshot).open().unwrap();
        let (_, report) = next(&clock, &resumed, &server, &serde_json::from_str(TRANSLATION).unwrap());
        assert_eq!(report["sent"][0]["session"]["audio"]["output"]["language"], "es");
        assert_eq!((&report["sent"][1]["type"], &report["ambiguous"]), (&json!("session.close"), &json!(["evt_1"])));
    }
    for version in 1..=LiveSnapshot::VERSION {
        let text = stored("live", version);
        let snapshot = LiveSnapshot::from_json(&text).unwrap();
        assert_eq!(serde_json::to_value(&snapshot).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        let (client, server) = client(&clock);
        server.greet_with(None::<String>);
        let resumed = client.live().resume(snapshot).open().unwrap();
        let (_, report) = next(&clock, &resumed, &server, &serde_json::from_str(LIVE).unwrap());
        let start = &report["sent"][0]["session"];
        assert_eq!((&start["model"], &start["instructions"]), (&json!("gpt-live-1.1"), &json!("Be brief.")));
        assert_eq!(start["input"][1]["content"][0]["text"], "I will look.");
        let kinds: Vec<_> = report["sent"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
        assert_eq!(kinds, ["session.start", "session.input_audio.mute", "session.commentary.append"]);
        assert_eq!((&report["ambiguous"], &report["cut_short"]), (&json!(["evt_1"]), &json!(["resp_1"])));
        assert_eq!(report["lost"], json!([["task_1", "Unfinished"]]));
    }
}

#[test]
fn a_snapshot_of_another_protocol_is_a_typed_error() {
    let [realtime, translation, live] = ["version_1", "translation_version_1", "live_version_1"].map(|name| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/snapshots/{name}.json")))
            .unwrap()
    });
    let other = |protocol: &str| SnapshotError::Protocol(protocol.into());
    assert_eq!(Snapshot::from_json(&live).unwrap_err(), other("live"));
    assert_eq!(LiveSnapshot::from_json(&translation).unwrap_err(), other("translation"));
    assert_eq!(TranslationSnapshot::from_json(&realtime).unwrap_err(), other("realtime"));
    assert_eq!(LiveSnapshot::from_json("{}").unwrap_err(), SnapshotError::Foreign);
    let changed = |text: &str, member: &str, new: Value| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        value[member] = new;
        value.to_string()
    };
    for (member, new) in [
        ("version", json!(0)),
        ("start", json!(null)),
        ("turns", json!([{ "id": "e1" }])),
        ("turns", json!(7)),
        ("queued", json!([7])),
        ("muted", json!("yes")),
    ] {
        match LiveSnapshot::from_json(&changed(&live, member, new)) {
            Err(SnapshotError::Corrupt(reason)) => assert!(reason.contains(&format!("`{member}`")), "{reason}"),
            other => panic!("{member}: {other:?}"),
        }
    }
    for (member, new) in [("version", json!(0)), ("queued", json!(["x"])), ("intended", json!(7))] {
        match TranslationSnapshot::from_json(&changed(&translation, member, new)) {
            Err(SnapshotError::Corrupt(reason)) => assert!(reason.contains(&format!("`{member}`")), "{reason}"),
            other => panic!("{member}: {other:?}"),
        }
    }
    for text in [&live, &translation] {
        for end in (1..text.trim_end().len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(matches!(LiveSnapshot::from_json(&text[..end]), Err(SnapshotError::Corrupt(_))), "{end}");
            assert!(matches!(TranslationSnapshot::from_json(&text[..end]), Err(SnapshotError::Corrupt(_))), "{end}");
        }
    }
    // Also where it is not read by us: nothing is dialed.
    let (client, server) = client(&VirtualClock::new());
    let foreign: LiveSnapshot = serde_json::from_str("{}").unwrap();
    let error = client.live().resume(foreign).open().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Snapshot(SnapshotError::Foreign)), "{error:?}");
    let foreign: TranslationSnapshot = serde_json::from_str("{}").unwrap();
    let error = client.translation().resume(foreign).open().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Snapshot(SnapshotError::Foreign)), "{error:?}");
    assert!(server.try_accept_as::<Live>().is_none());
}
