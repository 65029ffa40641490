//! The same conversations, taken on tokio and resumed in another process on smol and async-std, over real sockets.
//!
//! Time stands still on both sides, unless a test moves it, so that nothing depends on how fast the machine is. What a side
//! has to do is done when an event has gone to the other and back twice.

use std::{
    env,
    io::{self, Read, Write},
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    StreamExt,
    future::{Either, select},
    pin_mut,
};
use realtime::{
    Client, Connection, Json, Realtime,
    async_std::AsyncStdTransport,
    connection::Update,
    event::{ClientEvent, Custom, Event},
    mock::{MockServer, MockSession, MockTransport, Served, Server, VirtualClock},
    session::Snapshot,
    smol::SmolTransport,
    tokio::TokioTransport,
    transport::{Duplex, Handshake, Timer, Transport, TransportError},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    cut::{Continued, Functions, assert_answered_once, continued, greeting, policy, reconnected, transcripts},
    grant,
    input::{Direction, Frame},
    report,
    seeds::is_full,
};

/// One cut in so many, unless all are wanted.
const EVERY: usize = 17;
/// How long the other process may take. Only a fault comes near it.
const MOST: Duration = Duration::from_secs(900);
/// In front of each result that the other process prints.
const RESULT: &str = "RESULT ";
const MARK: &str = "test.mark";

/// A conversation that goes on elsewhere.
#[derive(Deserialize, Serialize)]
struct Case {
    name: String,
    snapshot: String,
    greeting: String,
    with_tools: bool,
    repeat: bool,
}

/// What became of it: how many functions began to run, and all else.
#[derive(Deserialize, Serialize)]
struct Resumed {
    begun: usize,
    continued: Continued,
}

/// The sockets of a runtime, and a clock that stands still.
#[derive(Debug)]
struct Still<T> {
    sockets: T,
    clock: VirtualClock,
}

#[async_trait]
impl<T: Transport> Transport for Still<T> {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        self.sockets.connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clock.clone())
    }
}

/// A scripted server on a port, and a client that reaches it by a runtime's sockets.
struct Place {
    clock: VirtualClock,
    server: MockServer,
    served: Served,
    client: Client,
}

impl Place {
    fn new(sockets: impl Transport, repeat: bool) -> Self {
        let clock = VirtualClock::new();
        let (mock, server) = MockTransport::on(&clock);
        let served = Server::new(mock).start().unwrap();
        let client = Client::builder(Still { sockets, clock: clock.clone() }).base_url(served.url());
        Self { client: client.reconnect(policy(repeat)).build(), clock, server, served }
    }
}

/// Runs the script while the connection is driven. What was read meanwhile.
async fn drive<T>(connection: &Connection<Realtime>, script: impl Future<Output = T>) -> (T, Vec<Update<Realtime>>) {
    let mut updates = Vec::new();
    let output = {
        let read = async {
            let mut stream = connection.updates();
            while let Some(update) = stream.next().await {
                updates.push(update.unwrap());
            }
            panic!("the connection has ended");
        };
        pin_mut!(script, read);
        match select(script, read).await {
            Either::Left((output, _)) => output,
            Either::Right(_) => unreachable!("it never ends"),
        }
    };
    (output, updates)
}

/// Waits until the connection has read what the session has sent, and has written what it can write.
async fn settle(connection: &Connection<Realtime>, session: &MockSession, round: &mut u64) -> Vec<Update<Realtime>> {
    let mut all = Vec::new();
    for _ in 0..2 {
        *round += 1;
        session.send_raw(json!({ "type": MARK, "event_id": format!("mark_{round}") }).to_string());
        let mut updates = connection.updates();
        loop {
            let update = updates.next().await.unwrap().unwrap();
            let is_mark = matches!(&update, Update::Event(event) if event.event_id().is_some_and(|id| *id == *format!("mark_{round}")));
            if is_mark {
                break;
            }
            all.push(update);
        }
    }
    all
}

/// Plays a conversation on tokio, and takes a snapshot at each of these cuts.
async fn snapshots(frames: &[Frame], cuts: &[usize], with_tools: bool, repeat: bool) -> Vec<String> {
    let place = Place::new(TokioTransport::new(), repeat);
    place.server.greet_with(None::<String>);
    let connection = place.client.realtime().model("m").open().unwrap();
    let functions = with_tools.then(|| Functions::of(&connection));
    let (session, _) = drive(&connection, place.server.accept()).await;
    let (mut round, mut taken) = (0, Vec::new());
    for (number, frame) in (1..).zip(frames) {
        let value: serde_json::Value = serde_json::from_slice(&frame.raw).unwrap_or_default();
        let is_answer = with_tools && value["item"]["type"] == "function_call_output";
        match frame.direction {
            _ if is_answer => {}
            Direction::FromServer => session.send_raw(String::from_utf8(frame.raw.clone()).unwrap()),
            Direction::FromClient => drop(connection.send(ClientEvent::decode(&frame.raw))),
        }
        settle(&connection, &session, &mut round).await;
        if cuts.contains(&number) {
            taken.push(connection.snapshot().to_json().unwrap());
        }
    }
    drop((functions, place.served));
    taken
}

/// Resumes a conversation, and has it go on until nothing more is to be done.
async fn resume(sockets: impl Transport, case: Case) -> Resumed {
    let place = Place::new(sockets, case.repeat);
    place.server.greet_with(Some(case.greeting));
    let snapshot = Snapshot::from_json(&case.snapshot).unwrap();
    let connection = place.client.realtime().resume(snapshot).open().unwrap();
    let functions = case.with_tools.then(|| Functions::of(&connection));
    let (mut sent, mut begun, mut marks) = (Vec::new(), 0, 0);
    let ((), updates) = drive(&connection, async {
        let session: MockSession = place.server.accept().await;
        serve(&place.clock, &connection, &session, &mut sent, &mut marks).await;
        if let Some(functions) = functions {
            begun = functions.begun.load(Ordering::Relaxed);
            functions.gate.send(()).ok();
        }
        serve(&place.clock, &connection, &session, &mut sent, &mut marks).await;
    })
    .await;
    let result = Resumed { begun, continued: continued(&connection, &sent, report(updates)) };
    drop(place.served);
    result
}

/// Grants what the session is sent, until nothing more comes for a second of the connection's clock.
async fn serve(
    clock: &VirtualClock,
    connection: &Connection<Realtime>,
    session: &MockSession,
    sent: &mut Vec<ClientEvent>,
    marks: &mut u64,
) {
    let first = sent.len();
    loop {
        let before = sent.len();
        clock.advance(Duration::from_millis(500));
        // To the server and back, twice: all that follows from what was granted has then come too.
        for _ in 0..4 {
            *marks += 1;
            let mark = json!({ "type": MARK, "number": marks });
            connection.send(Custom::new(Json::new(&mark).unwrap()).unwrap()).unwrap();
            loop {
                let event = session.next().await.expect("the connection is open");
                if matches!(&event, ClientEvent::Custom(_)) {
                    break;
                }
                // Numbered from each call on, as where the time is virtual.
                grant(session, &event, sent.len() - first);
                sent.push(event);
            }
        }
        if sent.len() == before {
            return;
        }
    }
}

/// Run by the test below in another process: conversations in, what becomes of them out.
#[test]
#[ignore = "the other process of `another_process_on_another_runtime_goes_on_as_a_reconnect_does`"]
fn the_other_process() {
    thread::spawn(|| {
        thread::sleep(MOST);
        eprintln!("the other process takes too long");
        std::process::exit(2);
    });
    let mut input = String::new();
    io::stdin().read_to_string(&mut input).unwrap();
    for (number, line) in input.lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        let resumed = match number % 2 {
            0 => smol::block_on(resume(SmolTransport::new(), case)),
            _ => async_std::task::block_on(resume(AsyncStdTransport::new(), case)),
        };
        println!("\n{RESULT}{}", serde_json::to_string(&resumed).unwrap());
    }
}

#[test]
fn another_process_on_another_runtime_goes_on_as_a_reconnect_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    let step = if is_full() { 1 } else { EVERY };
    for (name, frames) in transcripts() {
        let cuts: Vec<_> = (1..=frames.len()).step_by(step).collect();
        for (with_tools, repeat) in [(true, false), (false, true)] {
            let taken = runtime.block_on(snapshots(&frames, &cuts, with_tools, repeat));
            for (cut, snapshot) in cuts.iter().zip(taken) {
                let name = format!("{name} cut at {cut}, with tools: {with_tools}, repeating responses: {repeat}");
                cases.push(Case { name, snapshot, greeting: greeting(&frames), with_tools, repeat });
                expected.push(reconnected(&frames, *cut, with_tools, repeat).1);
            }
        }
    }
    let mut other = Command::new(env::current_exe().unwrap())
        .args(["--exact", "process::the_other_process", "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads all before it writes anything.
    let mut input = other.stdin.take().unwrap();
    for case in &cases {
        writeln!(input, "{}", serde_json::to_string(case).unwrap()).unwrap();
    }
    drop(input);
    let output = other.wait_with_output().unwrap();
    assert!(output.status.success(), "the other process has failed: {}", output.status);
    let output = String::from_utf8(output.stdout).unwrap();
    let results: Vec<Resumed> = output
        .lines()
        .filter_map(|line| line.strip_prefix(RESULT))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(results.len(), cases.len());
    for ((case, expected), Resumed { begun, continued: mut got }) in cases.iter().zip(&expected).zip(results) {
        if case.with_tools {
            // The functions were registered once more.
            let last = got.sent.iter().rposition(|event| event["type"] == "session.update").unwrap();
            got.sent.remove(last);
            let open = Snapshot::from_json(&case.snapshot).unwrap().open_calls().count();
            assert_eq!(begun, open, "{}: every unanswered call runs once", case.name);
            assert_answered_once(&got, &case.name);
        }
        assert_eq!(got, *expected, "{}", case.name);
    }
    println!("{} conversations", cases.len());
    assert!(cases.len() > 80, "the transcripts are missing");
}
