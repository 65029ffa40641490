//! Every recorded conversation, cut at every frame: what a reconnect makes of it, a snapshot makes of it.

use std::{
    fs,
    io::BufReader,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, channel::oneshot};
use realtime::{
    Connection, Realtime,
    connection::{Reconnect, Reconnected, Update},
    event::{ClientEvent, Event},
    mock::{MockServer, MockSession, VirtualClock},
    session::Snapshot,
    tools::Tools,
    types::Item,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    client, created,
    input::{self, Direction, Frame},
    marks::without_marks,
    report, run,
    seeds::is_full,
    serve, turn,
};

/// One cut in so many, unless all are wanted.
const EVERY: usize = 7;

/// Functions that run until the gate opens, and how many of them have begun.
pub(super) struct Functions {
    pub(super) begun: Arc<AtomicUsize>,
    pub(super) gate: oneshot::Sender<()>,
}

impl Functions {
    pub(super) fn of(connection: &Connection<Realtime>) -> Self {
        let (gate, opened) = oneshot::channel::<()>();
        let opened = opened.shared();
        let begun = Arc::new(AtomicUsize::new(0));
        let mut tools = Tools::new();
        for name in ["get_weather", "get_local_time"] {
            let (begun, opened) = (begun.clone(), opened.clone());
            tools = tools.add_raw(name, name, json!({}).into(), async move |_: Value| {
                begun.fetch_add(1, Ordering::Relaxed);
                let _ = opened.await;
                name
            });
        }
        drop(connection.use_tools(tools).unwrap());
        Self { begun, gate }
    }
}

/// Everything that can be compared about the session that continues a conversation.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Continued {
    pub(super) sent: Vec<Value>,
    replayed: Vec<String>,
    lost: Vec<String>,
    unsent: Vec<Value>,
    ambiguous: Vec<String>,
    cut_short: Vec<String>,
    audio_ms: u64,
    conversation: Vec<Value>,
    totals: Value,
    pub(super) answered: Vec<String>,
}

/// An event without what differs from connection to connection.
fn plain(event: &ClientEvent) -> Value {
    let text = without_marks(std::str::from_utf8(event.encode().as_bytes()).unwrap());
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value.as_object_mut().unwrap().remove("event_id");
    if let Some(response) = value.get_mut("response").and_then(Value::as_object_mut) {
        response.remove("metadata");
    }
    for item in [value.get_mut("item")].into_iter().flatten().filter(|item| item["type"] == "function_call_output") {
        item.as_object_mut().unwrap().remove("id");
    }
    value
}

/// Serves the next session, opens the gate once all is restored, and serves on.
fn follow(
    clock: &VirtualClock,
    connection: &Connection<Realtime>,
    server: &MockServer,
    functions: Option<Functions>,
) -> (Continued, usize) {
    let mut begun = 0;
    let (sent, updates) = run(clock, connection, async {
        let session: MockSession = server.accept().await;
        let mut sent = serve(clock, &session).await;
        if let Some(functions) = functions {
            begun = functions.begun.load(Ordering::Relaxed);
            functions.gate.send(()).ok();
        }
        sent.extend(serve(clock, &session).await);
        // As long as the link lives, nothing changes.
        clock.sleep(Duration::from_millis(1)).await;
        sent
    });
    (continued(connection, &sent, report(updates)), begun)
}

pub(super) fn continued(
    connection: &Connection<Realtime>,
    sent: &[ClientEvent],
    report: Reconnected<Realtime>,
) -> Continued {
    let ids = |ids: &[realtime::Id]| ids.iter().map(|id| without_marks(id)).collect();
    let state = connection.state();
    let describe = |item: &realtime::session::realtime::ItemState| {
        let text = match &item.item {
            Item::Message(message) => message.text(),
            Item::FunctionCall(call) => format!("{}({})", call.name, call.arguments),
            Item::FunctionCallOutput(output) => output.output.clone(),
            _ => String::new(),
        };
        let text = text + &item.transcript();
        let is_output = matches!(item.item, Item::FunctionCallOutput(_));
        json!([if is_output { String::new() } else { without_marks(&item.id) }, text])
    };
    let outputs = created(sent).into_iter().filter_map(|create| match &create.item {
        Item::FunctionCallOutput(output) => Some(output.call_id.to_string()),
        _ => None,
    });
    Continued {
        sent: sent.iter().map(plain).collect(),
        replayed: ids(&report.replayed),
        lost: report.lost.iter().map(|lost| format!("{} {:?}", without_marks(&lost.item_id), lost.reason)).collect(),
        unsent: report.unsent.iter().map(plain).collect(),
        ambiguous: report.ambiguous.iter().map(|id| without_marks(id)).collect(),
        cut_short: ids(&report.cut_short),
        audio_ms: report.audio_ms,
        conversation: state.conversation.items().map(describe).collect(),
        totals: serde_json::to_value(&state.totals).unwrap(),
        answered: outputs.collect(),
    }
}

/// Plays the frames up to the cut through a connection. With functions, they answer, and not who was recorded.
fn play(connection: &Connection<Realtime>, session: &MockSession, frames: &[Frame], with_tools: bool) {
    for frame in frames {
        let value: Value = serde_json::from_slice(&frame.raw).unwrap_or_default();
        if with_tools && value["item"]["type"] == "function_call_output" {
            continue;
        }
        match frame.direction {
            Direction::FromServer => session.send_raw(String::from_utf8(frame.raw.clone()).unwrap()),
            Direction::FromClient => drop(connection.send(ClientEvent::decode(&frame.raw))),
        }
        let _: Vec<Update<Realtime>> = turn(connection);
        while session.next().now_or_never().flatten().is_some() {}
    }
}

pub(super) fn policy(repeat: bool) -> Reconnect {
    Reconnect::default().repeat_response(repeat).max_retry_after(Duration::ZERO)
}

pub(super) fn greeting(frames: &[Frame]) -> String {
    String::from_utf8(frames[0].raw.clone()).unwrap()
}

/// The snapshot at the cut, and what a reconnect makes of it.
pub(super) fn reconnected(frames: &[Frame], cut: usize, with_tools: bool, repeat: bool) -> (String, Continued) {
    let clock = VirtualClock::new();
    let (first, server) = client(&clock, |builder| builder.reconnect(policy(repeat)));
    let greeting = greeting(frames);
    server.greet_with(None::<String>);
    let connection = first.realtime().model("m").open().unwrap();
    let functions = with_tools.then(|| Functions::of(&connection));
    turn(&connection);
    let session = server.try_accept_as().expect("it connects at once");
    play(&connection, &session, &frames[..cut], with_tools);
    let written = connection.snapshot().to_json().unwrap();

    server.greet_with(Some(greeting));
    session.drop_link();
    (written, follow(&clock, &connection, &server, functions).0)
}

/// Asserts that no call was answered twice.
pub(super) fn assert_answered_once(continued: &Continued, what: &str) {
    let mut once = continued.answered.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), continued.answered.len(), "{what}: answered twice");
}

fn check(name: &str, frames: &[Frame], cut: usize, with_tools: bool, repeat: bool) {
    let (written, expected) = reconnected(frames, cut, with_tools, repeat);
    // Another connection, from what was written.
    let clock = VirtualClock::new();
    let snapshot = Snapshot::from_json(&written).unwrap();
    assert_eq!(snapshot.to_json().unwrap(), written, "{name} cut at {cut}");
    let (second, server) = client(&clock, |builder| builder.reconnect(policy(repeat)));
    server.greet_with(Some(greeting(frames)));
    let open = snapshot.open_calls().count();
    let connection = second.realtime().resume(snapshot).open().unwrap();
    let functions = with_tools.then(|| Functions::of(&connection));
    let (mut got, begun) = follow(&clock, &connection, &server, functions);
    if with_tools {
        // The functions were registered once more.
        let last = got.sent.iter().rposition(|event| event["type"] == "session.update").unwrap();
        got.sent.remove(last);
        assert_eq!(begun, open, "{name} cut at {cut}: every unanswered call runs once");
        assert_answered_once(&got, &format!("{name} cut at {cut}"));
    }
    assert_eq!(got, expected, "{name} cut at {cut}, with tools: {with_tools}, repeating responses: {repeat}");
    let totals = serde_json::to_value(&connection.snapshot().totals).unwrap();
    assert_eq!(totals, expected.totals);
}

/// The recorded conversations and transcriptions, by name.
pub(super) fn transcripts() -> Vec<(String, Vec<Frame>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    names.sort();
    let read = names.into_iter().map(|path| {
        let frames: Vec<_> = input::lines(BufReader::new(fs::File::open(&path).unwrap())).map(Result::unwrap).collect();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), frames)
    });
    read.filter(|(_, frames)| frames.iter().find_map(Frame::protocol) != Some(true)).collect()
}

#[test]
fn a_conversation_cut_anywhere_goes_on_as_after_a_reconnect() {
    let mut cuts = 0;
    for (name, frames) in transcripts() {
        let step = if is_full() { 1 } else { EVERY };
        for cut in (1..=frames.len()).step_by(step) {
            for (with_tools, repeat) in [(false, false), (true, false), (false, true)] {
                check(&name, &frames, cut, with_tools, repeat);
                cuts += 1;
            }
        }
    }
    println!("{cuts} cuts");
    assert!(cuts > 300, "the transcripts are missing");
}
