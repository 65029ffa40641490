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
struct Functions {
    begun: Arc<AtomicUsize>,
    gate: oneshot::Sender<()>,
}

impl Functions {
    fn of(connection: &Connection<Realtime>) -> Self {
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
#[derive(Debug, PartialEq)]
struct Continued {
    sent: Vec<Value>,
    replayed: Vec<String>,
    lost: Vec<String>,
    unsent: Vec<Value>,
    ambiguous: Vec<String>,
    cut_short: Vec<String>,
    audio_ms: u64,
    conversation: Vec<Value>,
    totals: Value,
    answered: Vec<String>,
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

fn continued(connection: &Connection<Realtime>, sent: &[ClientEvent], report: Reconnected<Realtime>) -> Continued {
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

fn check(name: &str, frames: &[Frame], cut: usize, with_tools: bool, repeat: bool) {
    let clock = VirtualClock::new();
    let policy = Reconnect::default().repeat_response(repeat).max_retry_after(Duration::ZERO);
    let (first, server) = client(&clock, |builder| builder.reconnect(policy.clone()));
    let greeting = String::from_utf8(frames[0].raw.clone()).unwrap();
    server.greet_with(None::<String>);
    let connection = first.realtime().model("m").open().unwrap();
    let functions = with_tools.then(|| Functions::of(&connection));
    turn(&connection);
    let session = server.try_accept_as().expect("it connects at once");
    play(&connection, &session, &frames[..cut], with_tools);
    let written = connection.snapshot().to_json().unwrap();

    // A reconnect of the same connection.
    server.greet_with(Some(greeting.clone()));
    session.drop_link();
    let (expected, _) = follow(&clock, &connection, &server, functions);

    // Another connection, from what was written.
    let snapshot = Snapshot::from_json(&written).unwrap();
    assert_eq!(snapshot.to_json().unwrap(), written, "{name} cut at {cut}");
    let (second, server) = client(&clock, |builder| builder.reconnect(policy));
    server.greet_with(Some(greeting));
    let open = snapshot.open_calls().count();
    let connection = second.realtime().resume(snapshot).open().unwrap();
    let functions = with_tools.then(|| Functions::of(&connection));
    let (mut got, begun) = follow(&clock, &connection, &server, functions);
    if with_tools {
        // The functions were registered once more.
        let last = got.sent.iter().rposition(|event| event["type"] == "session.update").unwrap();
        got.sent.remove(last);
        assert_eq!(begun, open, "{name} cut at {cut}: every unanswered call runs once");
        let mut once = got.answered.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), got.answered.len(), "{name} cut at {cut}: answered twice");
    }
    assert_eq!(got, expected, "{name} cut at {cut}, with tools: {with_tools}, repeating responses: {repeat}");
    let totals = serde_json::to_value(&connection.snapshot().totals).unwrap();
    assert_eq!(totals, expected.totals);
}

#[test]
fn a_conversation_cut_anywhere_goes_on_as_after_a_reconnect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    names.sort();
    let mut cuts = 0;
    for path in names {
        let frames: Vec<_> = input::lines(BufReader::new(fs::File::open(&path).unwrap())).map(Result::unwrap).collect();
        if frames.iter().find_map(Frame::protocol) == Some(true) {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
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
