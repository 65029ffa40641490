//! Whole sessions, frame by frame, and the state that they must leave: `testdata/transcripts`.

#[path = "../examples/inspect/input.rs"]
#[expect(dead_code, reason = "the example reads from elsewhere too")]
mod input;
#[path = "../examples/inspect/state.rs"]
mod state;

use std::{collections::BTreeSet, fs, path::Path};

use input::{Direction, Frame};
use realtime::{
    Protocol, Realtime, RealtimeSettings, Translation,
    event::Event,
    session::{Changes, Retention, Setup, State},
    transport::Instant,
};
use serde_json::{Value, json};
use state::Report;

fn replay<P: Protocol<State: Report>>(frames: &[Frame], settings: &P::Settings) -> Value {
    let mut state = P::State::default();
    state.configure(settings, &Setup::default().kept_errors(None));
    let mut counts = [0, 0];
    for (seq, frame) in (1..).zip(frames) {
        let now = Instant::default();
        match frame.direction {
            Direction::FromServer => {
                let mut changes = Changes::default();
                let mut event = P::ServerEvent::read(&frame.raw, &mut changes.reading);
                state.received(&mut event, now, &mut changes);
            }
            Direction::FromClient => state.sent(seq, &P::ClientEvent::decode(&frame.raw), now),
        }
        counts[frame.direction as usize] += 1;
    }
    let mut report = state.report();
    report["frames"] = json!({ "c2s": counts[1], "s2c": counts[0] });
    report
}

/// Every difference, by its path. Null, absent and empty are the same for texts; the order of responses says nothing.
fn differences(got: &Value, expected: &Value, path: &str, found: &mut Vec<String>) {
    match (got, expected) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let (a, b) = (a.get(key), b.get(key));
                let blank = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || value == "");
                let text = matches!(key.as_str(), "text" | "transcript" | "arguments" | "output");
                if !(text && blank(a) && blank(b)) {
                    let absent = json!("(absent)");
                    differences(a.unwrap_or(&absent), b.unwrap_or(&absent), &format!("{path}/{key}"), found);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let (mut a, mut b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
            if path == "/responses" {
                a.sort_by_key(|response| response["id"].to_string());
                b.sort_by_key(|response| response["id"].to_string());
            }
            if a.len() != b.len() {
                found.push(format!("{path}: {} elements, expected {}", a.len(), b.len()));
            }
            for (at, (a, b)) in a.iter().zip(&b).enumerate() {
                differences(a, b, &format!("{path}[{at}]"), found);
            }
        }
        (a, b) if a.as_f64().is_some() && a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: {a}, expected {b}")),
    }
}

#[test]
fn every_transcript_leaves_exactly_its_expected_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    names.sort();
    assert!(names.len() >= 11, "the transcripts are missing");
    for path in names {
        let file = std::io::BufReader::new(fs::File::open(&path).unwrap());
        let frames: Vec<_> = input::lines(file).map(Result::unwrap).collect();
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
        let translation = frames.iter().find_map(Frame::protocol) == Some(true);
        let settings = RealtimeSettings::default().memory(Retention::unlimited());
        let got =
            if translation { replay::<Translation>(&frames, &()) } else { replay::<Realtime>(&frames, &settings) };
        let mut found = Vec::new();
        differences(&got, &expected, "", &mut found);
        assert!(found.is_empty(), "{}:\n{}", path.display(), found.join("\n"));
    }
}
