//! What of a conversation can be made anew: the link breaks after every frame of every recorded session.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use realtime::{
    Client, Realtime,
    connection::{Notice, Reconnect, Reconnected, Update},
    endpoint::Handshake,
    event::{ClientEvent, Event, ServerEvent},
    mock::{MockSession, MockTransport, Simulator, SimulatorTransport},
    session::LostReason,
    transport::{Duplex, Timer, Transport, TransportError},
    types::Item,
};
use serde_json::Value;

/// A scripted server, and after it the service.
#[derive(Debug)]
struct Then {
    first: MockTransport,
    service: SimulatorTransport,
    used: AtomicBool,
}

#[async_trait]
impl Transport for Then {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        match self.used.swap(true, Ordering::Relaxed) {
            false => self.first.connect(handshake).await,
            true => self.service.connect(handshake).await,
        }
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.first.timer()
    }
}

/// What is said in an item.
fn words(item: &Item) -> String {
    match item {
        Item::Message(message) => {
            let parts = message.content.iter().filter_map(|part| part.readable());
            format!("{:?}: {}", message.role, parts.collect::<Vec<_>>().join("|"))
        }
        Item::FunctionCall(call) => format!("{} {:?} {}", call.name, call.call_id, call.arguments),
        Item::FunctionCallOutput(output) => format!("{} {:?}", output.call_id, output.output),
        Item::McpCall(call) => format!("{} {} {:?}", call.name, call.arguments, call.output),
        Item::McpApprovalRequest(request) => format!("{} {}", request.name, request.arguments),
        Item::McpApprovalResponse(response) => format!("{} {}", response.approval_request_id, response.approve),
        other => format!("{other:?}"),
    }
}

type Conversation = Vec<(String, String)>;

fn conversation<'a>(items: impl Iterator<Item = &'a Item>) -> Conversation {
    // The service tells its client of an MCP server's tools by itself.
    let said = items.filter(|item| !matches!(item, Item::McpListTools(_)));
    said.map(|item| (item.id().unwrap().to_string(), words(item))).collect()
}

struct Outcome {
    old: Conversation,
    new: Conversation,
    reconnected: Reconnected<Realtime>,
    received: Vec<(String, Option<&'static str>)>,
}

/// Plays so many frames, and then the link breaks.
fn break_after(frames: &[(bool, String)]) -> Outcome {
    let (first, server) = MockTransport::new();
    let clock = server.clock().clone();
    let simulator = Simulator::new();
    let transport = Then { first, service: simulator.transport(&clock), used: AtomicBool::default() };
    server.greet_with(Some(frames[0].1.as_str()));
    let client = Client::builder(transport).reconnect(Reconnect::default()).build();
    let connect = match frames[0].1.contains(r#""type":"transcription""#) {
        true => client.realtime().transcription(),
        false => client.realtime().model("gpt-realtime"),
    };
    let connection = clock.block_on(connect.connect()).unwrap();
    let session: MockSession = server.try_accept_as().unwrap();
    clock.block_on(connection.next()).unwrap().unwrap();
    for (from_server, frame) in &frames[1..] {
        if *from_server {
            session.send_raw(frame.as_str());
            clock.block_on(connection.next()).unwrap().unwrap();
        } else {
            connection.send(ClientEvent::decode(frame.as_bytes())).unwrap();
            // A request for a response may wait for its turn, if the recorded client did not.
            let _ = connection.flush().now_or_never();
            while let Some(Some(_)) = session.next().now_or_never() {}
        }
    }
    let state = connection.state();
    let old = conversation(state.items().map(|item| &item.item));
    drop(state);
    session.drop_link();
    let reconnected = clock.block_on(async {
        let mut updates = connection.updates();
        loop {
            match updates.next().await.unwrap().unwrap() {
                Update::Notice(Notice::Reconnected(reconnected)) => break *reconnected,
                _ => {}
            }
        }
    });
    // Until nothing more happens.
    clock.block_on(async {
        let quiet = clock.sleep(Duration::from_secs(5));
        let read = async { while connection.next().await.is_some() {} };
        futures::pin_mut!(quiet, read);
        futures::future::select(quiet, read).await;
    });
    let sessions = simulator.sessions();
    assert_eq!(sessions.len(), 1);
    let items = sessions[0].items();
    let received = sessions[0].received().into_iter().map(|event| (event.kind.to_string(), event.refused)).collect();
    Outcome { old, new: conversation(items.iter()), reconnected, received }
}

fn frames(path: &Path) -> Vec<(bool, String)> {
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["dir"] == "s2c", line["frame"].to_string())
    };
    fs::read_to_string(path).unwrap().lines().map(read).collect()
}

#[test]
fn after_a_drop_at_any_point_the_conversation_is_the_same_text_for_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    names.sort();
    let mut points = 0;
    let mut differences: BTreeMap<String, usize> = BTreeMap::new();
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let frames = frames(&path);
        // What a translation has said is not restored: there is no event that could.
        if ServerEvent::decode(frames[0].1.as_bytes()).kind() == "translation" || name.starts_with("10_") {
            continue;
        }
        for end in 1..=frames.len() {
            points += 1;
            let at = || format!("{name} after frame {end}");
            let Outcome { old, new, reconnected, received } = break_after(&frames[..end]);
            for (kind, refused) in &received {
                assert!(
                    matches!(
                        kind.as_str(),
                        "session.update" | "conversation.item.create" | "conversation.item.delete" | "response.create"
                    ),
                    "{}: {kind}",
                    at()
                );
                assert_eq!(*refused, None, "{}: {kind}", at());
            }
            let mut note = |what: &str| *differences.entry(format!("{name}: {what}")).or_default() += 1;
            for (id, words) in &old {
                let lost = reconnected.lost.iter().find(|lost| lost.item_id == *id);
                let same = new.iter().find(|(new, _)| new == id);
                match (lost, same) {
                    (Some(lost), None) => note(&format!("{id} lost, {:?}", lost.reason)),
                    (None, Some((_, again))) if words == again => {}
                    (None, Some((_, again))) => note(&format!("{id} {words:?} became {again:?}")),
                    (lost, same) => panic!("{}: {id} is {lost:?} and {same:?}", at()),
                }
            }
            for (id, words) in &new {
                if !old.iter().any(|(old, _)| old == id) {
                    note(&format!("{id} {words:?} was on its way"));
                }
            }
            let order = |items: &Conversation, others: &Conversation| -> Vec<String> {
                items
                    .iter()
                    .filter(|(id, _)| others.iter().any(|(other, _)| other == id))
                    .map(|(id, _)| id.clone())
                    .collect()
            };
            assert_eq!(order(&old, &new), order(&new, &old), "{}", at());
            let _ = LostReason::Unknown;
        }
    }
    let mut list = String::new();
    for (what, times) in differences {
        writeln!(list, "{times}x {what}").unwrap();
    }
    println!("{points} points\n{list}");
}
