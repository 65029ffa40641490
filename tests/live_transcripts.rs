//! Whole Live sessions, line by line, and the state that they must leave: `testdata/transcripts-live`.

#[path = "../examples/inspect/input.rs"]
#[expect(dead_code, reason = "the example reads from elsewhere too")]
mod input;
#[path = "../examples/inspect/live.rs"]
mod live;

use std::{collections::BTreeSet, fs, io::BufReader, path::Path};

use serde_json::{Value, json};

/// Every difference, by its path. Null, absent and empty are the same.
fn differences(got: &Value, expected: &Value, path: &str, found: &mut Vec<String>) {
    if is_blank(got) && is_blank(expected) {
        return;
    }
    match (got, expected) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let at = |object: &serde_json::Map<_, _>| object.get(key).cloned().unwrap_or_default();
                differences(&at(a), &at(b), &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                found.push(format!("{path}: {} elements, expected {}: {got} {expected}", a.len(), b.len()));
            }
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{path}[{at}]"), found);
            }
        }
        (a, b) if a.as_f64().is_some() && a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: {a}, expected {b}")),
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

#[test]
fn every_live_transcript_leaves_exactly_its_expected_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transcripts-live");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        seen += 1;
        let lines = live::lines(BufReader::new(fs::File::open(&path).unwrap())).unwrap();
        let kind = live::kind(&lines).expect("the line that opens says the kind");
        let got = live::replay(&lines, kind, |_, _| {});
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
        let mut found = Vec::new();
        differences(&got, &expected, "", &mut found);
        assert!(found.is_empty(), "{}:\n{}", path.display(), found.join("\n"));
        // A comparison that finds nothing is no proof: the state of another kind of connection differs.
        differences(&json!({ "kind": "other" }), &expected, "", &mut found);
        assert!(!found.is_empty());
    }
    assert!(seen >= 13, "the transcripts are missing");
}

/// What lines of one's own leave.
fn left(lines: &[Value]) -> Value {
    let text: Vec<_> = lines.iter().map(Value::to_string).collect();
    let lines = live::lines(text.join("\n").as_bytes()).unwrap();
    live::replay(&lines, live::kind(&lines).unwrap(), |_, _| {})
}

fn open(kind: &str, path: &str) -> Value {
    json!({"dir": "open", "at_ms": 0, "kind": kind, "path": path})
}

fn sent(at: u64, frame: Value) -> Value {
    json!({"dir": "c2s", "at_ms": at, "frame": frame})
}

fn came(at: u64, frame: Value) -> Value {
    json!({"dir": "s2c", "at_ms": at, "frame": frame})
}

fn nested(delegation: Option<&str>, event: Value) -> Value {
    came(2, json!({"type": "response.event", "delegation_id": delegation, "event": event}))
}

fn started(id: &str) -> Value {
    came(1, json!({"type": "session.started", "event_id": "e1", "session": {"id": id}}))
}

#[test]
fn a_fork_knows_where_it_comes_from_and_gets_an_id_of_its_own() {
    let state = left(&[
        open("fork", "/v1/live/sessions/live%5Fold%2f1/fork?x=1"),
        sent(0, json!({"type": "session.start", "session": {}})),
        came(1, json!({"type": "error", "error": {"message": "x"}})),
        started("live_new"),
    ]);
    assert_eq!(state["source_session_id"], "live_old/1");
    assert_eq!((&state["session_id"], &state["phase"]), (&json!("live_new"), &json!("open")));
    assert_eq!(state["errors"][0]["fatal"], true);
}

#[test]
fn a_decision_counts_for_a_task_that_is_told_of_later() {
    let decided = |id: &str, of: Value| {
        let decision = json!({"answers": [{"type": "refusal"}], "model": "m", "usage": {"input_tokens": 2, "x": true}});
        let mut event = json!({
            "type": "decision.event", "event_id": id, "event": {"type": "decision.completed", "decision": decision},
        });
        event.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        came(2, event)
    };
    let state = left(&[
        open("primary", "/v1/live/sessions"),
        started("s"),
        sent(1, json!({"type": "decision.create", "event_id": "ask-1"})),
        decided("d1", json!({"delegation_id": "task"})),
        decided("d2", json!({"delegation_id": null, "trigger_id": "t", "source_event_id": "e9"})),
        decided("d3", json!({})),
        came(
            3,
            json!({
                "type": "session.delegation.created", "event_id": "e2", "offset_ms": 1.5,
                "delegation": {"id": "task", "target": "decisions"},
            }),
        ),
        came(4, json!({"type": "decision.item.created", "event_id": "e3", "item": {"id": "i"}})),
        came(4, json!({"type": "decision.item.created", "event_id": "e4", "item": {"id": "i"}})),
    ]);
    assert_eq!(state["delegations"][0]["status"], "decided");
    let sources: Vec<_> = state["decisions"].as_array().unwrap().iter().map(|decision| &decision["source"]).collect();
    assert_eq!(sources, ["delegation", "trigger", "request"]);
    assert_eq!(state["decision_usage"], json!({"input_tokens": 6}));
    assert_eq!((&state["decision_requests"], &state["decision_items"]), (&json!(["ask-1"]), &json!(["i"])));
}

#[test]
fn a_refused_continuation_is_owed_again_unless_a_response_has_begun_since() {
    let call = |response: &str, call: &str| {
        [
            nested(Some("task"), json!({"type": "response.created", "response": {"id": response}})),
            nested(
                Some("task"),
                json!({"type": "response.output_item.done", "item": {
                    "id": format!("item_{call}"), "type": "function_call", "call_id": call, "name": "f", "arguments": "{}",
                }}),
            ),
            nested(Some("task"), json!({"type": "response.completed", "response": {"id": response}})),
            sent(
                2,
                json!({"type": "response.item.create", "event_id": format!("out_{call}"), "item": {
                    "type": "function_call_output", "call_id": call, "output": "1", "unknown": [1],
                }}),
            ),
            sent(2, json!({"type": "response.create", "event_id": format!("go_{call}")})),
        ]
    };
    let refused = |named: &str| came(3, json!({"type": "error", "error": {"message": "x", "client_event_id": named}}));
    let mut lines = vec![open("primary", "/v1/live/sessions"), started("s")];
    lines.extend(call("r1", "c1"));
    let state = left(&lines);
    assert_eq!(
        (&state["calls"][0]["output"], &state["delegations"][0]["status"]),
        (&json!("continued"), &json!("continuing"))
    );
    lines.push(refused("go_c1"));
    let state = left(&lines);
    assert_eq!(
        (&state["calls"][0]["output"], &state["continue"]),
        (&json!("sent"), &json!({"owed": true, "sent": 1, "refused": 1}))
    );
    lines.push(refused("out_c1"));
    let state = left(&lines);
    assert_eq!((&state["calls"][0]["output"], &state["continue"]["owed"]), (&json!("owed"), &json!(false)));

    let mut lines = vec![open("primary", "/v1/live/sessions"), started("s")];
    lines.extend(call("r1", "c1"));
    lines.push(nested(None, json!({"type": "response.created", "response": {"id": "r2"}})));
    lines.push(refused("go_c1"));
    let state = left(&lines);
    assert_eq!((&state["calls"][0]["output"], &state["continue"]["refused"]), (&json!("continued"), &json!(0)));
    lines.push(nested(
        None,
        json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max"}}}),
    ));
    let state = left(&lines);
    assert_eq!(
        (&state["responses"][1]["status"], &state["responses"][1]["error"]),
        (&json!("incomplete"), &json!("max"))
    );
}

#[test]
fn what_was_sent_is_settled_when_the_session_ends_and_not_when_a_link_does() {
    let append = sent(1, json!({"type": "session.thinking.append", "content": "x", "delegation_id": null}));
    let play = sent(1, json!({"type": "session.output_audio.fixture.play", "audio": "AQ"}));
    let lost = json!({"dir": "close", "at_ms": 5, "by": "network"});
    let lines = [open("sideband", "/v1/live/sessions/s/attach"), append, play];
    let state = left(&[&lines[..], &[lost.clone(), open("sideband", "/v1/live/sessions/s/attach")]].concat());
    assert_eq!(
        (&state["appends"][0]["state"], &state["fixtures"][0]["state"]),
        (&json!("pending"), &json!("requested"))
    );
    assert_eq!((&state["phase"], &state["closed"], &state["session_id"]), (&json!("open"), &Value::Null, &json!("s")));
    let state = left(&[&lines[..], &[lost]].concat());
    assert_eq!(
        (&state["appends"][0]["state"], &state["fixtures"][0]["state"]),
        (&json!("unconfirmed"), &json!("unfinished"))
    );
    assert_eq!((&state["phase"], &state["audio"]["fixture"]), (&json!("detached"), &json!({"events": 1, "bytes": 0})));
}
