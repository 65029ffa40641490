//! What is written, and what is read.

use std::{fs, path::Path};

use realtime::{
    Connection, ErrorKind, Realtime,
    auth::Credential,
    connection::Reconnect,
    event::{ClientEvent, ConversationItemCreate, SessionUpdate},
    mock::{MockSession, VirtualClock},
    session::{LostReason, Media, Snapshot, SnapshotError},
    tools::{AnswerError, Tools},
    types::{ContentPart, Item, McpTool, Message, RealtimeSessionConfig, ResponseConfig, Role, SessionConfig, Tool},
};
use serde_json::{Value, json};

use super::{client, connect, created, grant, report, run, serve, turn};

/// Sends events, and grants them.
fn settle(clock: &VirtualClock, connection: &Connection<Realtime>, session: &MockSession) {
    run(clock, connection, serve(clock, session));
}

fn value(snapshot: &Snapshot) -> Value {
    serde_json::from_str(&snapshot.to_json().unwrap()).unwrap()
}

#[test]
fn every_version_that_was_ever_written_resumes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/snapshots");
    for version in 1..=Snapshot::VERSION {
        let text = fs::read_to_string(folder.join(format!("version_{version}.json"))).unwrap();
        let snapshot = Snapshot::from_json(&text).unwrap();
        assert_eq!((snapshot.version, snapshot.model.as_deref()), (version, Some("gpt-realtime")));
        // Nothing is lost or altered by reading and writing.
        assert_eq!(value(&snapshot), serde_json::from_str::<Value>(&text).unwrap());
        let clock = VirtualClock::new();
        let (client, server) = client(&clock, |builder| builder);
        let connection = client.realtime().resume(snapshot).open().unwrap();
        let tools = Tools::new().add_raw("get_weather", "", json!({}).into(), async |_: Value| "sunny").add_raw(
            "order",
            "",
            json!({}).into(),
            async |_: Value| -> () { panic!("it ran before") },
        );
        drop(connection.use_tools(tools).unwrap());
        let (sent, updates) = run(&clock, &connection, async {
            let session: MockSession = server.accept().await;
            assert!(session.handshake().uri.to_string().ends_with("?model=gpt-realtime"));
            let mut sent = serve(&clock, &session).await;
            // Calls that are answered later are known since version 2.
            let answered = connection.answer_call("call_2", "ordered");
            assert_eq!(answered, if version < 2 { Err(AnswerError::Unknown) } else { Ok(()) });
            sent.extend(serve(&clock, &session).await);
            sent
        });
        let ClientEvent::SessionUpdate(update) = &sent[0] else { panic!("{sent:?}") };
        let SessionConfig::Realtime(config) = &update.session else { panic!() };
        assert_eq!(config.instructions.as_deref(), Some("Be brief."));
        let ids: Vec<_> =
            created(&sent).iter().filter_map(|create| create.item.id()).map(ToString::to_string).collect();
        let mut items = vec!["item_hello", "item_answer", "item_cut", "item_call", "item_order", "item_flight"];
        items.retain(|item| version >= 2 || *item != "item_order");
        assert_eq!(ids[..items.len()], items);
        let texts: Vec<_> = created(&sent).iter().filter_map(|create| Some(create.item.as_message()?.text())).collect();
        assert_eq!(texts, ["Hello.", "Good morning.", "One, two,", "In flight.", "Queued."]);
        let created = created(&sent);
        let outputs = created.iter().filter_map(|create| match &create.item {
            Item::FunctionCallOutput(output) => Some((&*output.call_id, &*output.output)),
            _ => None,
        });
        let expected = [("call_1", "sunny"), ("call_2", "ordered")];
        assert_eq!(outputs.collect::<Vec<_>>(), expected[..usize::try_from(version).unwrap().min(2)]);
        let report = report(updates);
        assert_eq!(report.replayed, items);
        assert_eq!(
            report.lost.iter().map(|lost| (&*lost.item_id, lost.reason)).collect::<Vec<_>>(),
            [("item_evicted", LostReason::Forgotten),]
        );
        assert_eq!((report.ambiguous, report.cut_short), (vec!["evt_delete".into()], vec!["resp_2".into()]));
        assert_eq!((report.audio_ms, report.unsent.len()), (240, 0));
        let usage = connection.state().totals.responses.clone().unwrap();
        assert_eq!((usage.total_tokens, usage.output_tokens), (Some(120), Some(20)));
        assert_eq!(connection.state().totals.transcription_seconds, 1.7);
    }
}

#[test]
fn what_a_newer_version_adds_survives() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.conversation().item().create(Item::user("hello").with_id("item_1")).unwrap());
    settle(&clock, &connection, &session);
    drop(connection.conversation().item().create(Item::user("more").with_id("item_2")).unwrap());
    turn(&connection);
    let mut newer = value(&connection.snapshot());
    newer["version"] = json!(2);
    for path in ["", "/items/0", "/in_flight/0"] {
        newer.pointer_mut(path).unwrap()["new"] = json!({ "number": 1.5e300, "list": [null, "x"] });
    }
    let read = Snapshot::from_json(&newer.to_string()).unwrap();
    assert_eq!(value(&read), newer);
}

#[test]
fn foreign_and_corrupt_snapshots_are_typed_errors() {
    let clock = VirtualClock::new();
    let (connection, session) = connect(&clock);
    drop(connection.conversation().item().create(Item::user("hello").with_id("item_1")).unwrap());
    settle(&clock, &connection, &session);
    let good = value(&connection.snapshot());
    let with = |path: &str, member: &str, new: Value| {
        let mut changed = good.clone();
        changed.pointer_mut(path).unwrap()[member] = new;
        Snapshot::from_json(&changed.to_string())
    };
    for foreign in ["{}", r#"{"format":"zip","items":7}"#, r#"{"type":"session.created"}"#, r#"{"format":1}"#] {
        assert_eq!(Snapshot::from_json(foreign), Err(SnapshotError::Foreign), "{foreign}");
    }
    assert_eq!(with("", "protocol", json!("live")), Err(SnapshotError::Protocol("live".into())));
    for (path, member, new, named) in [
        ("", "version", json!(0), "`version`"),
        ("", "items", json!({}), "`items`"),
        ("/items/0", "item", json!("x"), "`items`: `item`"),
        ("/items/0", "id", json!(""), "`items`: number 0"),
        ("", "queued", json!([7]), "`queued`"),
        ("", "in_flight", json!([{ "event": { "type": "input_audio_buffer.commit" } }]), "`in_flight`: number 0"),
        ("", "audio_ms", json!(-1), "`audio_ms`"),
    ] {
        match with(path, member, new) {
            Err(SnapshotError::Corrupt(reason)) => assert!(reason.contains(named), "{reason}"),
            other => panic!("{path}/{member}: {other:?}"),
        }
    }
    let text = good.to_string();
    for end in 1..text.len() {
        assert!(matches!(Snapshot::from_json(&text[..end]), Err(SnapshotError::Corrupt(_))), "{end}");
    }
    // Also where it is not read by us: nothing is dialed.
    let (client, server) = client(&clock, |builder| builder);
    let foreign: Snapshot = serde_json::from_str("{}").unwrap();
    let error = client.realtime().resume(foreign).open().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Snapshot(SnapshotError::Foreign)), "{error:?}");
    assert!(server.try_accept_as::<Realtime>().is_none());
}

#[test]
fn no_secret_is_written() {
    let clock = VirtualClock::new();
    let (client, server) = client(&clock, |builder| builder.credentials(Credential::api_key("sk-secret-key")));
    let connect = client.realtime().model("m").query("tenant", "secret-tenant").header("X-Tenant", "secret-header");
    let connection = clock.block_on(connect.connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    let mail = McpTool::new("mail").server_url("https://mail.example").authorization("secret-token");
    let files = McpTool::new("files").header("X-Key", "secret-mcp-header");
    let open = McpTool::new("open").server_url("https://open.example");
    let tools = || -> Vec<Tool> { vec![mail.clone().into(), files.clone().into(), open.clone().into()] };
    let update = || SessionUpdate::new(RealtimeSessionConfig::default().tools(tools()));
    connection.send(update()).unwrap();
    settle(&clock, &connection, &session);
    // In flight, held back, and queued.
    let response = || ResponseConfig::default().tools(tools());
    let first = connection.response().create(response()).unwrap();
    turn(&connection);
    let second = connection.response().create(response()).unwrap();
    turn(&connection);
    connection.send(update()).unwrap();
    let snapshot = connection.snapshot();
    assert_eq!((snapshot.in_flight.len(), snapshot.queued.len()), (1, 2));
    assert_eq!(snapshot.withheld, ["mail", "files"]);
    let written = snapshot.to_json().unwrap();
    assert!(!written.contains("secret") && !format!("{snapshot:?}").contains("secret"), "{written}");
    assert!(written.contains("https://open.example"));
    drop((first, second));
}

#[test]
fn images_are_included_as_far_as_is_wanted() {
    let clock = VirtualClock::new();
    let (client, server) = client(&clock, |builder| builder.reconnect(Reconnect::default()));
    let connection = clock.block_on(client.realtime().model("m").connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    for number in 0..3 {
        let image = ContentPart::input_image(format!("data:image/png;base64,AAA{number}"));
        let message = Message::new(Role::User, [ContentPart::input_text("look"), image]).id(format!("item_{number}"));
        let added = connection.conversation().item().create(message).unwrap();
        run(&clock, &connection, async {
            let mut create = session.expect::<ConversationItemCreate>().await;
            // The service does not return images.
            if let Item::Message(message) = &mut create.item {
                message.content.pop();
            }
            grant(&session, &create.into(), 0);
            added.await.unwrap()
        });
    }
    for (media, expected) in [(Media::None, 0), (Media::Last(1), 1), (Media::Last(9), 3), (Media::All, 3)] {
        let snapshot = connection.snapshot_with(media);
        let kept: Vec<_> = snapshot.items.iter().filter(|saved| saved.sent.is_some()).map(|saved| &*saved.id).collect();
        assert_eq!(kept, ["item_0", "item_1", "item_2"][3 - expected..]);
        assert_eq!(snapshot.to_json().unwrap().matches("data:image").count(), expected);
    }
}
