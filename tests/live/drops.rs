//! The link breaks after every single frame of every recorded session: nothing is answered twice, what is lost is
//! reported, and a sideband goes on as if nothing had happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{Either, join, select},
};
use realtime::{
    Client, Connection, Protocol,
    connection::{Notice, Reconnect, Update},
    event::Event,
    live::{
        Live, LiveKind, LiveSideband, Task,
        event::{ClientEvent, ServerEvent, SessionStart, SessionStarted},
        state::{DelegationStatus, LiveState},
        types::{CloseReason, SessionResource},
    },
    mock::{MockServer, MockSession, MockTransport},
    session::LostReason,
    tools::Tools,
};
use serde_json::{Value, json};

use crate::support::closed;

/// What the server says in a recorded session, and whether it is one of a sideband.
fn recordings() -> Vec<(String, bool, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts-live");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut recordings = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "jsonl") || !name.starts_with('L') {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let sideband = lines[0]["kind"] == "sideband";
        let frames = lines.iter().filter(|line| line["dir"] == "s2c").map(|line| match line["raw"].as_str() {
            Some(raw) => raw.to_owned(),
            None => line["frame"].to_string(),
        });
        recordings.push((name, sideband, frames.collect()));
    }
    assert!(recordings.len() >= 13, "the recordings are missing");
    recordings
}

/// How often each call and each task was answered, and the backend asked to go on.
#[derive(Debug, Default)]
struct Answers {
    calls: BTreeMap<String, u32>,
    tasks: BTreeMap<String, u32>,
    continues: u32,
}

impl Answers {
    fn note(&mut self, event: &impl Event) {
        let event: Value = serde_json::from_slice(event.encode().as_bytes()).unwrap();
        match event["type"].as_str().unwrap() {
            "response.item.create" => {
                *self.calls.entry(event["item"]["call_id"].as_str().unwrap().into()).or_default() += 1;
            }
            "session.commentary.append" => {
                *self.tasks.entry(event["delegation_id"].as_str().unwrap().into()).or_default() += 1;
            }
            "response.create" => self.continues += 1,
            _ => {}
        }
    }
}

/// Says these frames, and notes what comes back.
async fn say<P: Protocol>(server: &MockServer, session: &MockSession<P>, frames: &[String], answers: &mut Answers) {
    for frame in frames {
        session.send_raw(frame.as_str());
        server.clock().sleep(Duration::from_millis(1)).await;
        while let Some(Some(event)) = session.next().now_or_never() {
            answers.note(&event);
        }
    }
}

/// Does all work that is handed over.
fn work<P: LiveKind>(live: &Connection<P>) {
    live.on_delegation(async |_: Task<P>| "Done.");
    let any = || json!({"type": "object"}).into();
    let tools = ["get_weather", "find_table", "order_status"];
    live.run_tools(
        tools.iter().fold(Tools::new(), |tools, name| tools.add_raw(*name, "Does it.", any(), async |_: Value| "done")),
    );
}

fn unfinished(state: &LiveState) -> BTreeSet<String> {
    let open = |status| {
        !matches!(
            status,
            DelegationStatus::Answered
                | DelegationStatus::Decided
                | DelegationStatus::Completed
                | DelegationStatus::Failed
                | DelegationStatus::Incomplete
        )
    };
    let tasks = state.delegations().filter(|task| open(state.delegation_status(task)));
    tasks.map(|task| task.id.to_string()).collect()
}

fn connect(server_name: &str) -> (Client, MockServer) {
    let (transport, server) = MockTransport::new();
    server.greet_with(None::<String>);
    (Client::builder(transport).api_key(server_name).reconnect(Reconnect::default()).build(), server)
}

#[test]
fn a_primary_that_breaks_after_any_frame_answers_nothing_twice_and_tells_what_is_lost() {
    let (mut breaks, mut answered) = (0, 0);
    for (name, sideband, frames) in recordings() {
        if sideband {
            continue;
        }
        for cut in 0..=frames.len() {
            let (client, server) = connect("k");
            let mut answers = Answers::default();
            let script = async {
                let first: MockSession<Live> = server.accept_as().await;
                first.expect::<SessionStart>().await;
                say(&server, &first, &frames[..cut], &mut answers).await;
                first.drop_link();
                let second: MockSession<Live> = server.accept_as().await;
                let _: SessionStart = second.expect().await;
                second.send(SessionStarted::new(SessionResource::new("live_again")).event_id("again"));
                while let Some(event) = second.next().await {
                    answers.note(&event);
                    if let ClientEvent::SessionClose(_) = event {
                        second.send(closed("live_again", CloseReason::CloseRequested).event_id("again_closed"));
                    }
                }
            };
            let talk = async {
                let live = client.live().model("gpt-live-1").open().unwrap();
                work(&live);
                let (mut open, mut told) = (None, None);
                {
                    let mut updates = live.updates();
                    while let Some(update) = updates.next().await {
                        match update {
                            Ok(Update::Notice(Notice::Reconnecting { attempt: 1, .. })) => {
                                open = Some(unfinished(&live.state()));
                            }
                            Ok(Update::Notice(Notice::Reconnected(reconnected))) => {
                                let unfinished =
                                    reconnected.lost.iter().filter(|lost| lost.reason == LostReason::Unfinished);
                                told = Some(unfinished.map(|lost| lost.item_id.to_string()).collect::<BTreeSet<_>>());
                                break;
                            }
                            Ok(_) => {}
                            Err(_) => break,
                        }
                    }
                }
                let again = told.is_some();
                if again {
                    assert_eq!(told, open, "{name}, cut after {cut} frames");
                    live.finish().await.unwrap();
                }
                again
            };
            // A session that ended, or was never opened, is not begun again: then nobody comes a second time.
            let both = join(talk, async {
                let late = server.clock().sleep(Duration::from_secs(120));
                match select(Box::pin(script), late).await {
                    Either::Left(_) => true,
                    Either::Right(_) => false,
                }
            });
            let (again, _) = server.clock().block_on(both);
            breaks += u32::from(again);
            answered += answers.calls.len() + answers.tasks.len();
            let once = |counts: &BTreeMap<String, u32>| counts.values().all(|count| *count == 1);
            assert!(once(&answers.calls) && once(&answers.tasks), "{name}, cut after {cut} frames: {answers:?}");
            assert!(answers.continues <= answers.calls.len() as u32, "{name}, cut after {cut} frames: {answers:?}");
        }
    }
    assert!(breaks > 200 && answered > 200, "{breaks} sessions were begun again, {answered} answers given");
}

/// The ids of the events that a reader is given, in order, with the link broken after so many frames.
fn watch(name: &str, frames: &[String], cut: Option<usize>) -> (Vec<String>, Answers) {
    let (client, server) = connect("k");
    let mut answers = Answers::default();
    let script = async {
        let mut session: MockSession<LiveSideband> = server.accept_as().await;
        let cut = match cut {
            None => 0,
            Some(cut) => {
                say(&server, &session, &frames[..cut], &mut answers).await;
                session.drop_link();
                session = server.accept_as().await;
                // What was said in the last three seconds is said again.
                let again: Vec<_> =
                    frames[..cut].iter().rev().filter(|frame| frame.contains("event_id")).take(20).cloned().collect();
                let again: Vec<_> = again.into_iter().rev().collect();
                say(&server, &session, &again, &mut answers).await;
                cut
            }
        };
        say(&server, &session, &frames[cut..], &mut answers).await;
        session.close(1000, "");
        session.closed().await;
    };
    let talk = async {
        let live = client.live().attach("live_1").open().unwrap();
        work(&live);
        let mut ids = Vec::new();
        let mut updates = live.updates();
        while let Some(update) = updates.next().await {
            match update {
                Ok(Update::Event(ServerEvent::Malformed(_) | ServerEvent::Invalid(_) | ServerEvent::Unknown(_))) => {}
                Ok(Update::Event(event)) => ids.extend(event.event_id().map(|id| id.to_string())),
                Ok(Update::Notice(Notice::Reconnected(_))) => assert!(cut.is_some(), "{name}"),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        ids
    };
    let (ids, ()) = server.clock().block_on(join(talk, script));
    (ids, answers)
}

#[test]
fn a_sideband_that_breaks_after_any_frame_goes_on_and_is_told_everything_once() {
    for (name, sideband, frames) in recordings() {
        if !sideband {
            continue;
        }
        let (whole, before) = watch(&name, &frames, None);
        for cut in 1..frames.len() {
            let (ids, answers) = watch(&name, &frames, Some(cut));
            assert_eq!(ids, whole, "{name}, cut after {cut} frames");
            assert_eq!(answers.tasks, before.tasks, "{name}, cut after {cut} frames");
            assert!(answers.tasks.values().all(|count| *count == 1), "{name}: {answers:?}");
        }
    }
}
