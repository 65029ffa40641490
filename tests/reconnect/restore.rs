//! What of a conversation can be made anew: the link breaks after every frame of every recorded session.

use std::{
    collections::BTreeSet,
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
    event::{ClientEvent, ConversationItemAdded, ConversationItemCreate, Event, EventOf, ResponseCreate},
    mock::{MockSession, MockTransport, Simulator, SimulatorTransport},
    session::{Lost, LostReason},
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
        Item::McpCall(call) => {
            let result = serde_json::to_value(call).unwrap();
            format!("{} {} {} {}", call.name, call.arguments, result["output"], result["error"])
        }
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
    /// What the service received, and with which code it refused it.
    received: Vec<(String, Option<&'static str>)>,
    /// How many requests for a response had never left.
    unasked: usize,
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
    let mut unasked = 0;
    for (from_server, frame) in &frames[1..] {
        if *from_server {
            session.send_raw(frame.as_str());
            clock.block_on(connection.next()).unwrap().unwrap();
        } else {
            let event = ClientEvent::decode(frame.as_bytes());
            unasked += usize::from(event.kind() == ResponseCreate::KIND);
            connection.send(event).unwrap();
        }
        // A request for a response may wait for its turn, if the recorded client did not.
        let _ = connection.flush().now_or_never();
        while let Some(Some(event)) = session.next().now_or_never() {
            unasked -= usize::from(event.kind() == ResponseCreate::KIND);
        }
    }
    let state = connection.state();
    let old = conversation(state.conversation.items().map(|item| &item.item));
    drop(state);
    session.drop_link();
    let reconnected = clock.block_on(async {
        let mut updates = connection.updates();
        loop {
            if let Update::Notice(Notice::Reconnected(reconnected)) = updates.next().await.unwrap().unwrap() {
                break *reconnected;
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
    Outcome { old, new: conversation(items.iter()), reconnected, received, unasked }
}

/// The frames of a recording: whether the server sent it, and its text. An item that the recorded client left without an
/// id has the one that the server then gave it.
fn frames(path: &Path) -> Vec<(bool, String)> {
    let lines = fs::read_to_string(path).unwrap();
    let mut lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for at in 0..lines.len() {
        let frame = &lines[at]["frame"];
        if frame["type"] == ConversationItemCreate::KIND && frame["item"]["id"].is_null() {
            let same = |added: &&Value| {
                let (sent, added) = (&frame["item"], &added["frame"]);
                added["type"] == ConversationItemAdded::KIND
                    && ["type", "role", "call_id"].iter().all(|key| added["item"][key] == sent[key])
            };
            let id = lines[at..].iter().find(same).map(|added| added["frame"]["item"]["id"].clone());
            lines[at]["frame"]["item"]["id"] = id.unwrap_or_else(|| format!("item_{at}").into());
        }
    }
    lines.into_iter().map(|line| (line["dir"] == "s2c", line["frame"].to_string())).collect()
}

/// What the protocol forces: what was spoken and never transcribed cannot be said again, nor what was cut short before
/// there was anything of it, nor a call that has no arguments or no result yet.
fn is_forced(lost: &Lost, words: &str) -> bool {
    match lost.reason {
        LostReason::NoTranscript => words.ends_with(": "),
        LostReason::Unfinished => true,
        _ => false,
    }
}

#[test]
fn after_a_drop_at_any_point_the_conversation_is_the_same_text_for_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // What a translation has said is not restored: there is no event that could.
    names.retain(|path| {
        path.extension().is_some_and(|it| it == "jsonl") && !path.ends_with("10_translation_session.jsonl")
    });
    names.sort();
    let (mut points, mut kept, mut lost_items, mut pending) = (0, 0, BTreeSet::new(), BTreeSet::new());
    for path in &names {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let frames = frames(path);
        for end in 1..=frames.len() {
            points += 1;
            let at = format!("{name} after frame {end}");
            let Outcome { old, new, reconnected, received, unasked } = break_after(&frames[..end]);
            for (kind, refused) in &received {
                assert_eq!(*refused, None, "{at}: {kind}");
            }
            // Nothing is answered twice: no request that had left is repeated, and every item is created once.
            let count = |wanted: &str| received.iter().filter(|(kind, _)| kind == wanted).count();
            assert_eq!(count(ResponseCreate::KIND), unasked, "{at}");
            let answers = new.iter().filter(|(id, _)| !reconnected.replayed.iter().any(|replayed| **replayed == **id));
            assert!(unasked > 0 || answers.count() == 0, "{at}: {new:?}");
            for (id, words) in &old {
                let lost = reconnected.lost.iter().find(|lost| *lost.item_id == **id);
                match (lost, new.iter().find(|(new, _)| new == id)) {
                    (Some(lost), None) if is_forced(lost, words) => {
                        _ = lost_items.insert((name, id.clone(), lost.reason))
                    }
                    (None, Some((_, again))) => assert_eq!(words, again, "{at}: {id}"),
                    (lost, same) => panic!("{at}: {id} {words:?} is {lost:?} and {same:?}"),
                }
                kept += usize::from(lost.is_none());
            }
            // What had been sent, and what the server had not confirmed yet.
            pending.extend(
                new.iter().filter(|(id, _)| !old.iter().any(|(old, _)| old == id)).map(|(id, _)| (name, id.clone())),
            );
            let common = |items: &Conversation, others: &Conversation| -> Vec<String> {
                let ids = items.iter().map(|(id, _)| id);
                ids.filter(|id| others.iter().any(|(other, _)| other == *id)).cloned().collect()
            };
            assert_eq!(common(&old, &new), common(&new, &old), "{at}");
        }
    }
    // What the recordings hold. Another number says that something else is lost, or made anew.
    assert_eq!((points, kept, lost_items.len(), pending.len()), (894, 3282, 61, 21));
}
