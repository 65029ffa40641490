//! Whatever a client sends, the session lives on and says nothing that is no event.

use std::{fs, path::Path, time::Duration};

use realtime::{
    mock::{Pace, Simulator, VirtualClock},
    transport::{Message, Transport},
};
use serde_json::{Value, json};

use crate::{
    Wire,
    client::{handshake, silence, voice},
};

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

#[test]
fn numbers_at_their_limits_do_no_harm() {
    let largest = json!(i64::MAX);
    let mut wire = Wire::open(Simulator::new());
    let vad = json!({ "type": "server_vad", "prefix_padding_ms": largest, "silence_duration_ms": largest });
    let session = json!({
        "type": "realtime", "audio": { "input": { "turn_detection": vad } }, "max_output_tokens": largest,
    });
    wire.send(json!({ "type": "session.update", "session": session }));
    assert_eq!(wire.raw()["type"], "session.updated");
    wire.append(&[voice(400), silence(2_000)].concat());
    assert_eq!(wire.next()["audio_start_ms"], 0);
    wire.send(json!({ "type": "input_audio_buffer.commit" }));
    let id = wire.until("conversation.item.done")[1]["item"]["id"].clone();
    let truncate = json!({
        "type": "conversation.item.truncate", "item_id": id, "content_index": largest, "audio_end_ms": largest,
    });
    assert_eq!(wire.refused(truncate)["code"], "unsupported_content_type");
    wire.send(json!({ "type": "response.create" }));
    while wire.raw()["type"] != "rate_limits.updated" {}
    // Nor do settings that make no sense.
    let clock = VirtualClock::new();
    let simulator = Simulator::new()
        .ping_every(Duration::ZERO)
        .max_duration(Duration::MAX)
        .pace(Pace::LIVE.first(Duration::MAX).text(Duration::MAX).audio(-1.0));
    let mut duplex = clock.block_on(simulator.transport(&clock).connect(handshake("?model=m"))).unwrap();
    let create = Message::Text(json!({ "type": "response.create" }).to_string().into());
    clock.block_on(duplex.write.send(create)).unwrap();
    for kind in ["session.created", "response.created"] {
        let Ok(Some(Message::Text(text))) = clock.block_on(duplex.read.receive()) else { panic!("no {kind}") };
        assert!(text.to_str().unwrap().contains(kind));
    }
}
