//! Each rule of reading what other servers send, by itself.

mod items;
mod openings;
mod responses;
mod values;

use realtime::{
    event::{Event, Reading, Recognition, ServerEvent},
    types::{AudioFormat, SessionInfo, TurnDetection},
};
use serde_json::{Value, json};

use super::{Told, look};

const OPEN: &str = r#"{"type":"response.created","response":{"id":"r","status":"in_progress"}}"#;
const CREATED: &str = r#"{"type":"session.created","session":{"type":"realtime","id":"s","model":"m"}}"#;

/// Reads frames and compares values of the report. Every frame must be known.
#[track_caller]
fn check(frames: &[&str], wanted: &[(&str, Value)]) {
    for frame in frames {
        let event = ServerEvent::decode(frame.as_bytes());
        assert_eq!(event.recognition(), Recognition::Known, "{frame}: {event:?}");
    }
    let report = Told::of(frames).report();
    for (path, value) in wanted {
        let got = look(&report, path);
        let nothing = |value: &Value| value.is_null() || *value == "" || *value == json!([]);
        assert!(got == value || (nothing(got) && nothing(value)), "{frames:?}: {path} is {got}, wanted {value}");
    }
}
