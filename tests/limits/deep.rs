//! JSON as deep as a well: it is read without going down.

use std::{fs, path::Path, thread};

use realtime::event::{ClientEvent, Event, Recognition, ServerEvent, translation};
use serde_json::{Value, json};

use crate::alone;

fn paths(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| paths(value, format!("{path}/{}", key.replace('/', "~1")), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| paths(value, format!("{path}/{at}"), found))
        }
        _ => {}
    }
    if !path.is_empty() && path != "/type" {
        found.push(path);
    }
}

/// With each value in turn replaced by a well.
fn wells<E: Event>(folder: &str) -> usize {
    const MARK: &str = "here is a well";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("realtime-core/testdata/fixtures").join(folder);
    let wells = [
        format!("{}{}", "[".repeat(3_000), "]".repeat(3_000)),
        format!("{}1{}", r#"{"type":"a","x":"#.repeat(1_000), "}".repeat(1_000)),
    ];
    let mut tried = 0;
    for file in fs::read_dir(folder).unwrap() {
        let event: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        let mut found = Vec::new();
        paths(&event, String::new(), &mut found);
        for path in found {
            let mut event = event.clone();
            *event.pointer_mut(&path).unwrap() = json!(MARK);
            let text = event.to_string();
            for well in &wells {
                let event = E::decode(text.replace(&format!("\"{MARK}\""), well).as_bytes());
                // Kept as it is, or found not to fit; never taken for something else.
                assert!(!matches!(event.recognition(), Recognition::Unknown), "{path} of {text}");
                let _ = (event.encode(), event.clone() == event, format!("{event:?}"));
                tried += 1;
            }
        }
    }
    tried
}

#[test]
fn no_message_overflows_the_stack() {
    let _alone = alone();
    // A small stack, as an async runtime's threads may have.
    let run = thread::Builder::new().stack_size(256 << 10).spawn(|| {
        wells::<ServerEvent>("server")
            + wells::<ClientEvent>("client")
            + wells::<translation::ServerEvent>("translation/server")
            + wells::<translation::ClientEvent>("translation/client")
    });
    assert!(run.unwrap().join().unwrap() > 1000);
}
