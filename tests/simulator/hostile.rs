//! Whatever a client sends, the session lives on and says nothing that is no event.

use std::{fs, path::Path};

use realtime::mock::Simulator;
use serde_json::{Value, json};

use crate::{Wire, client::handshake};

fn events(side: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("realtime-core/testdata/fixtures").join(side);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
}

/// The event with each of its values in turn left out, and replaced by values of every kind.
fn spoilt(event: &Value) -> Vec<Value> {
    fn paths(value: &Value, path: String, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                object
                    .iter()
                    .for_each(|(name, value)| paths(value, format!("{path}/{}", name.replace('/', "~1")), found));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(at, value)| paths(value, format!("{path}/{at}"), found));
            }
            _ => {}
        }
        if !path.is_empty() {
            found.push(path);
        }
    }
    let mut found = Vec::new();
    paths(event, String::new(), &mut found);
    let mut spoilt = Vec::new();
    for path in found {
        for value in
            [json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("é"), json!([{}]), json!({ "x": [] })]
        {
            let mut event = event.clone();
            *event.pointer_mut(&path).unwrap() = value;
            spoilt.push(event);
        }
        let mut event = event.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        if let Some(Value::Object(object)) = event.pointer_mut(parent) {
            object.remove(name);
        }
        spoilt.push(event);
    }
    spoilt
}

#[test]
fn spoilt_events_do_no_harm() {
    for (side, url) in
        [("client", "?model=m"), ("client", "?intent=transcription"), ("translation/client", "/translations?model=m")]
    {
        let alive = if side == "client" { "input_audio_buffer.clear" } else { "session.update" };
        let (sign, answer) = match alive {
            "session.update" => (json!({ "type": alive, "session": {} }), "session.updated"),
            _ => (json!({ "type": alive }), "input_audio_buffer.cleared"),
        };
        // A close ends the session, as it should.
        for event in events(side).into_iter().filter(|event| event["type"] != "session.close") {
            let mut wire = Wire::connect(Simulator::new().answer(|_| "Ah."), handshake(url));
            wire.send(event.clone());
            for spoilt in spoilt(&event) {
                wire.send(spoilt);
            }
            wire.send(sign.clone());
            wire.until(answer);
        }
    }
}
