//! Recorded sessions, held again: the client's frames are sent when they were sent then, and what comes back is
//! compared frame by frame.
//!
//! What streams may come in other pieces: of deltas each is compared with one of its type, and their number is free.

use std::{fs, path::Path, time::Duration};

use realtime::mock::{McpServer, Pace, Phrase, Reply, SimulatedTranscript, Simulator};
use realtime::types::McpListedTool;
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{handshake, silence, voice},
    compare::Ids,
};

struct Line {
    sent: bool,
    frame: Value,
}

impl Line {
    fn kind(&self) -> &str {
        self.frame["type"].as_str().unwrap()
    }
}

/// Deltas, and what comes among them at a time of its own.
fn floats(kind: &str) -> bool {
    kind.ends_with(".delta") || kind.ends_with("input_audio_transcription.segment")
}

/// A recording. Of deltas of one type in a row there is one.
fn recording(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts").join(name);
    let text = fs::read_to_string(path.with_extension("jsonl")).unwrap();
    let line = |text| {
        let mut line: Value = serde_json::from_str(text).unwrap();
        Line { sent: line["dir"] == "c2s", frame: line["frame"].take() }
    };
    let mut lines: Vec<Line> = text.lines().map(line).collect();
    lines.dedup_by(|line, before| floats(line.kind()) && line.kind() == before.kind());
    lines
}

/// What the model of the recording has answered, in order.
fn answers(lines: &[Line]) -> Vec<Reply> {
    let dones = lines.iter().filter(|line| line.kind() == "response.done").map(|line| &line.frame["response"]);
    let answer = |response: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut answer = Reply::nothing();
        for item in response["output"].as_array().unwrap() {
            answer = answer.and(match item["type"].as_str().unwrap() {
                "message" => {
                    let part = &item["content"][0];
                    let mut words = text(part.get("text").unwrap_or(&part["transcript"]));
                    if response["status"] == "cancelled" {
                        words += " and so on, and so forth, until somebody has the kindness to interrupt me";
                    }
                    Reply::text(words)
                }
                "function_call" => Reply::call(text(&item["name"]), text(&item["arguments"])),
                "mcp_approval_request" => {
                    Reply::mcp(text(&item["server_label"]), text(&item["name"]), text(&item["arguments"]))
                }
                // Made by the service once it was approved.
                "mcp_call" => Reply::nothing(),
                other => panic!("{other}"),
            });
        }
        match &response["status_details"]["error"] {
            Value::Null => answer,
            error => answer.and(Reply::failed(serde_json::from_value(error.clone()).unwrap())),
        }
    };
    dones.map(answer).collect()
}

/// What was heard in the recording, in order: its transcript as early or as late as it was.
fn hearings(lines: &[Line]) -> Vec<SimulatedTranscript> {
    let place = |kind: &str, item: &Value| {
        let kind = format!("{kind}.");
        lines.iter().position(|line| format!("{}.", line.kind()).starts_with(&kind) && line.frame["item_id"] == *item)
    };
    let mut heard = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.kind() == "input_audio_buffer.committed") {
        if lines[at - 1].kind() == "input_audio_buffer.timeout_triggered" {
            continue;
        }
        let item = &line.frame["item_id"];
        const KIND: &str = "conversation.item.input_audio_transcription";
        let (done, failed) = (place(&format!("{KIND}.completed"), item), place(&format!("{KIND}.failed"), item));
        let after =
            |kind: &str| lines[at..].iter().position(|line| line.kind() == kind).map_or(usize::MAX, |it| at + it);
        heard.push(match (done, failed) {
            (Some(done), _) => {
                let heard = SimulatedTranscript::text(lines[done].frame["transcript"].as_str().unwrap());
                let next = lines[at + 1..].iter().position(|line| line.kind().ends_with(".committed"));
                match done {
                    _ if done < at => heard.early(),
                    _ if done < after("response.created").min(next.map_or(usize::MAX, |next| at + next)) => {
                        heard.after(Duration::ZERO)
                    }
                    _ if done < after("response.done") && after("response.done") < usize::MAX => {
                        heard.after(Duration::from_millis(310))
                    }
                    _ => heard.after(Duration::from_secs(60)),
                }
            }
            (None, Some(failed)) => {
                let failure = serde_json::from_value(lines[failed].frame["error"].clone()).unwrap();
                SimulatedTranscript::text("Partial").failing(failure).after(Duration::ZERO)
            }
            (None, None) => SimulatedTranscript::default(),
        });
    }
    heard
}

/// What is appended at a line: so long a voice, or silence long enough to end a turn.
fn audio(lines: &[Line], at: usize, ulaw: bool) -> Vec<u8> {
    if lines[at].kind() == "session.input_audio_buffer.append" {
        return voice(200);
    }
    let next = lines[at + 1..].iter().find(|line| line.kind() != "input_audio_buffer.append" && !floats(line.kind()));
    let last = lines[at + 1].kind() != "input_audio_buffer.append";
    let pcm = match next.map(Line::kind) {
        Some("input_audio_buffer.speech_started") => voice(100),
        Some("input_audio_buffer.speech_stopped") if last => silence(400),
        Some("input_audio_buffer.speech_stopped") => voice(100),
        _ if ulaw => return vec![0x55; 800],
        _ => silence(100),
    };
    assert!(!ulaw);
    pcm
}

/// Holds the recorded session again.
fn hold(name: &str, simulator: Simulator, query: &str, skip: &[&str], lines: Vec<Line>) {
    let (answers, hearings) = (answers(&lines), hearings(&lines));
    let simulator = simulator
        .pace(Pace::LIVE)
        .answer(move |turn| {
            let answer = answers.get(turn.number() as usize).cloned().unwrap_or_default();
            if turn.metadata("interleaved").is_some() { answer.interleaved() } else { answer }
        })
        .transcribe(move |utterance| hearings.get(utterance.number as usize).cloned().unwrap_or_default());
    let mut wire = Wire::connect(simulator, handshake(query));
    let (mut ids, mut due, mut floated) = (Ids::default(), Vec::new(), Vec::new());
    let like_recorded = |frame: &Value| {
        let recorded = lines.iter().find(|line| !line.sent && line.frame["type"] == frame["type"]);
        Ids::default()
            .compare(&recorded.unwrap().frame, frame, "")
            .unwrap_or_else(|it| panic!("{name}: {it}: {frame}"));
        frame["type"].clone()
    };
    for (at, line) in lines.iter().enumerate() {
        let kind = line.kind();
        if skip.contains(&kind) {
            continue;
        }
        if floats(kind) {
            due.push(kind);
        } else if line.sent {
            // What was sent among the deltas of a response is sent among them again.
            while due.iter().any(|kind: &&str| kind.starts_with("response.")) {
                let frame = wire.next();
                let kind = frame["type"].as_str().unwrap();
                assert!(floats(kind), "{name}:{at}: {frame}");
                if let Some(at) = due.iter().position(|due| *due == kind) {
                    due.remove(at);
                }
                floated.push(like_recorded(&frame));
            }
            due.clear();
            let mut frame = ids.ours(&line.frame);
            if let Some(sound) = frame.get_mut("audio") {
                let config = wire.simulator.sessions()[0].config();
                let ulaw = config["audio"]["input"]["format"]["type"] == "audio/pcmu";
                *sound = json!(realtime::Audio::from(audio(&lines, at, ulaw)));
            }
            wire.send(frame);
        } else {
            due.clear();
            let frame = loop {
                let frame = wire.next();
                match frame["type"].as_str().unwrap() {
                    kind if floats(kind) => floated.push(like_recorded(&frame)),
                    _ => break frame,
                }
            };
            if let Err(difference) = ids.compare(&line.frame, &frame, kind) {
                panic!("{name}:{}: {difference}\nrecorded: {}\nours: {frame}", at + 1, line.frame);
            }
        }
    }
    // Whatever streamed then, streams now.
    for line in lines.iter().filter(|line| floats(line.kind()) && !skip.contains(&line.kind())) {
        assert!(floated.contains(&line.frame["type"]), "{name}: no {}", line.kind());
    }
}

const MODEL: &str = "?model=gpt-realtime-2.1";

/// The instructions that the recorded service begins with are its own.
fn with_instructions(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        if let Some(instructions) = line.frame.pointer_mut("/session/instructions")
            && instructions.as_str().unwrap().starts_with("You are a helpful")
        {
            *instructions = "You are a helpful, witty, and friendly AI.".into();
        }
    }
    lines
}

fn replay(name: &str, skip: &[&str]) {
    hold(name, Simulator::new(), MODEL, skip, with_instructions(recording(name)));
}

#[test]
fn text_chat() {
    replay("01_text_chat", &[]);
}

#[test]
fn audio_with_turn_detection() {
    replay("02_audio_vad_chat", &[]);
}

#[test]
fn barge_in() {
    replay("03_barge_in", &[]);
}

#[test]
fn parallel_function_calls() {
    let mut lines = with_instructions(recording("04_function_calls_parallel"));
    // The third response interleaves its calls. The first that begins ends last, and it is the second of its outputs.
    let third = lines.iter_mut().filter(|line| line.kind() == "response.create").nth(2).unwrap();
    third.frame["response"]["metadata"] = json!({ "interleaved": "yes" });
    let third = lines.iter_mut().filter(|line| line.kind() == "response.done").nth(2).unwrap();
    third.frame["response"]["output"].as_array_mut().unwrap().swap(1, 2);
    let mut responses = 0;
    for line in &mut lines {
        responses += usize::from(line.kind() == "response.created");
        if responses == 3 && line.frame["response"].is_object() {
            line.frame["response"]["metadata"] = json!({ "interleaved": "yes" });
        }
    }
    hold("04_function_calls_parallel", Simulator::new(), MODEL, &[], lines);
}

#[test]
fn mcp_with_approvals() {
    let mut lines = with_instructions(recording("05_mcp_approval"));
    // What follows calls tools without the approval that the session asks for.
    let end = lines.iter().enumerate().filter(|(_, line)| line.kind() == "response.create").nth(4).unwrap().0;
    lines.truncate(end);
    let listed = lines.iter().filter(|line| line.kind() == "conversation.item.done").map(|line| &line.frame["item"]);
    let mut server = McpServer::new("dmcp").answer(|_, _| Ok("4".into()));
    for tool in listed.flat_map(|item| item["tools"].as_array().into_iter().flatten()) {
        server = server.tool(serde_json::from_value::<McpListedTool>(tool.clone()).unwrap());
    }
    hold("05_mcp_approval", Simulator::new().mcp(server), MODEL, &[], lines);
}

#[test]
fn errors() {
    let mut lines = with_instructions(recording("07_errors"));
    // One error comes out of the blue.
    lines.retain(|line| line.frame["error"]["type"] != "server_error");
    hold("07_errors", Simulator::new(), MODEL, &[], lines);
}

#[test]
fn transcription() {
    let lines = recording("09_transcription_session");
    let name = "09_transcription_session";
    hold(name, Simulator::new(), "?intent=transcription", &[], lines);
}

#[test]
fn idle_timeout() {
    replay("12_idle_timeout", &[]);
}

#[test]
fn audio_by_hand_in_g711() {
    // Over WebSocket there is neither an output buffer nor a telephone's keys.
    let sip = [
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.clear",
        "output_audio_buffer.cleared",
        "input_audio_buffer.dtmf_event_received",
    ];
    replay("15_manual_audio_g711_sip", &sip);
}

#[test]
fn translation() {
    let lines = recording("10_translation_session");
    let words = |kind: &str| {
        lines
            .iter()
            .filter(|line| line.kind() == kind)
            .map(|line| line.frame["delta"].as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let phrase = Phrase::new(words("session.input_transcript.delta"), words("session.output_transcript.delta"));
    let simulator = Simulator::new().translate(move |_| phrase.clone());
    let mut lines = lines;
    // The language that it begins with is not the client's to say.
    lines[0].frame["session"]["audio"]["output"]["language"] = "en".into();
    hold("10_translation_session", simulator, "/translations?model=gpt-realtime-translate", &[], lines);
}
