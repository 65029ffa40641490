//! Every Live event, in every form that is known of it, read and written: over the files in `testdata/fixtures/live`.

#[expect(dead_code, reason = "other tests use all of it")]
mod style;

use std::{collections::BTreeSet, fs, path::Path};

use realtime_core::{
    Json,
    event::{Event, Recognition},
    live::{
        event::{ClientEvent, ServerEvent, fork, sideband},
        types::{AcceptSession, MediaForkConfig, MediaSessionConfig},
    },
};
use serde_json::{Value, json};
use style::Style;

/// The members without which an event has no place, by its type. Everything else may be missing or of another type.
const NEEDED: &[(&str, &[&str])] = &[
    ("session.started", &["session", "session.id"]),
    ("session.updated", &["session", "session.id"]),
    ("session.closed", &["session", "session.id", "reason", "usage"]),
    ("session.paused", &[]),
    ("session.resumed", &[]),
    ("session.input_audio.muted", &[]),
    ("session.input_audio.unmuted", &[]),
    ("session.output_audio.fixture.playing", &[]),
    ("session.output_audio.fixture.played", &[]),
    ("session.instructions.appended", &["start_ms", "end_ms"]),
    ("session.thinking.appended", &["start_ms", "end_ms"]),
    ("session.commentary.appended", &["start_ms", "end_ms"]),
    ("session.output_audio.delta", &["delta"]),
    ("session.input_audio.append", &["audio"]),
    ("session.input_transcript.delta", &["event_id", "delta", "start_ms", "end_ms"]),
    ("session.output_transcript.delta", &["event_id", "delta", "start_ms", "end_ms"]),
    ("session.delegation.created", &["delegation", "delegation.id", "delegation.target", "offset_ms"]),
    ("response.event", &["event", "event.type"]),
    ("decision.event", &["event", "event.type", "event.decision"]),
    ("decision.item.created", &["item", "item.id"]),
    ("decision.item.deleted", &["item_id"]),
    ("session.usage.updated", &["usage", "usage.seconds"]),
    ("error", &["error", "error.message"]),
    ("info", &["code"]),
    ("transport.ringing", &["session_id"]),
    ("transport.answered", &["session_id"]),
    ("transport.failed", &["session_id", "error"]),
    ("transport.dtmf.received", &["event"]),
    ("transport.dtmf.sent", &["event"]),
    ("transport.dtmf.send", &["event"]),
];

struct Fixture {
    name: String,
    value: Value,
}

/// The events of a folder. A file has one, or a list of them.
fn fixtures(side: &str) -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures/live").join(side);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap() {
            Value::Array(list) => fixtures
                .extend(list.into_iter().enumerate().map(|(n, value)| Fixture { name: format!("{name}[{n}]"), value })),
            value => fixtures.push(Fixture { name, value }),
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!fixtures.is_empty());
    fixtures
}

/// Runs a check over every direction of every kind of connection.
macro_rules! every_side {
    ($($check:ident),* $(,)?) => {
        mod every_side {
            use super::{ClientEvent, ServerEvent, fork, sideband};

            $(#[test]
            fn $check() {
                super::$check::<ServerEvent>(&["server", "sideband/server", "fork/server"]);
                super::$check::<ClientEvent>(&["client"]);
                super::$check::<fork::ClientEvent>(&["fork/client"]);
                super::$check::<sideband::ClientEvent>(&["sideband/client"]);
            })*
        }
    };
}

every_side!(
    reads_each_event_as_what_it_is_and_writes_the_same_json,
    reads_it_in_whatever_style_it_is_written,
    takes_a_foreign_type_for_unknown,
    takes_half_a_message_for_invalid,
);

fn known<E: Event>(name: &str, text: &str) -> E {
    let event = E::decode(text.as_bytes());
    assert_eq!(event.recognition(), Recognition::Known, "{name}\n{text}");
    event
}

fn reads_each_event_as_what_it_is_and_writes_the_same_json<E: Event>(sides: &[&str]) {
    for Fixture { name, value } in sides.iter().flat_map(|side| fixtures(side)) {
        let mut event = known::<E>(&name, &value.to_string());
        assert_eq!(event.kind(), value["type"], "{name}");
        assert_eq!(event.event_id().map(|id| id.as_str()), value["event_id"].as_str(), "{name}");
        let mut written: Value = serde_json::from_slice(event.encode().as_bytes()).unwrap();
        numbers_alike(&mut written);
        assert_eq!(written, meaningful(&name, value), "{name}");
        event.set_event_id("another".into());
        assert_eq!(event.event_id().map(|id| id.as_str()), Some("another"), "{name}");
    }
}

/// The value without the nulls that say what their absence says: of the event itself, save `delegation_id` of what adds
/// context, and in what the server says beside the objects that are kept whole.
fn meaningful(name: &str, mut value: Value) -> Value {
    let written = name.starts_with("session.") && name.contains(".append") && !name.contains("appended");
    value.as_object_mut().unwrap().retain(|key, value| !value.is_null() || written && key == "delegation_id");
    numbers_alike(&mut value);
    value
}

/// `12` and `12.0` are one number.
fn numbers_alike(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(numbers_alike),
        Value::Object(object) => object.values_mut().for_each(numbers_alike),
        Value::Number(number) => *value = json!(number.as_f64().unwrap()),
        _ => {}
    }
}

fn reads_it_in_whatever_style_it_is_written<E: Event>(sides: &[&str]) {
    let plain = Style::default();
    for Fixture { name, value } in sides.iter().flat_map(|side| fixtures(side)) {
        let event = known::<E>(&name, &value.to_string());
        for style in [
            Style { spaces: true, ..plain },
            Style { type_last: true, ..plain },
            Style { escapes: true, ..plain },
            Style { escapes: true, type_last: true, ..plain },
        ] {
            assert_eq!(known::<E>(&name, &style.write(&value)), event, "{name} {style:?}");
        }
        // What is kept whole keeps these, so the events differ.
        for style in [Style { floats: true, ..plain }, Style { unknown: true, type_last: true, ..plain }] {
            assert_eq!(known::<E>(&name, &style.write(&value)).kind(), event.kind(), "{name} {style:?}");
        }
    }
}

fn takes_a_foreign_type_for_unknown<E: Event>(sides: &[&str]) {
    for Fixture { name, mut value } in sides.iter().flat_map(|side| fixtures(side)) {
        value["type"] = json!("session.newer");
        let text = value.to_string();
        let event = E::decode(text.as_bytes());
        assert_eq!((event.recognition(), event.kind()), (Recognition::Unknown, "session.newer"), "{name}");
        assert_eq!(event.encode().to_str().unwrap(), text);
    }
}

fn takes_half_a_message_for_invalid<E: Event>(sides: &[&str]) {
    for Fixture { name, value } in sides.iter().flat_map(|side| fixtures(side)) {
        let text = value.to_string();
        for end in (0..text.len()).step_by(text.len() / 12 + 1) {
            let event = E::decode(&text.as_bytes()[..end]);
            assert!(matches!(event.recognition(), Recognition::Invalid(_)), "{name} up to {end}: {event:?}");
        }
    }
}

#[test]
fn each_table_has_the_events_of_its_kind_of_connection() {
    fn kinds<E: Event>(sides: &[&str], count: usize) -> BTreeSet<&'static str> {
        let kinds: BTreeSet<_> = E::KINDS.iter().copied().collect();
        let seen: BTreeSet<_> = sides
            .iter()
            .flat_map(|side| fixtures(side))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|fixture| fixture.value["type"].as_str().unwrap().to_owned())
            .collect();
        assert!(seen.iter().all(|kind| kinds.contains(&**kind)), "{seen:?}");
        assert_eq!(kinds.len(), count);
        kinds
    }

    let server = kinds::<ServerEvent>(&["server", "sideband/server", "fork/server"], 30);
    assert_eq!(server, NEEDED.iter().map(|(kind, _)| *kind).collect());
    let primary = kinds::<ClientEvent>(&["client"], 15);
    assert_eq!(kinds::<fork::ClientEvent>(&["fork/client"], 15), primary);
    let sideband = kinds::<sideband::ClientEvent>(&["sideband/client"], 14);
    let lacking: Vec<_> = primary.difference(&sideband).copied().collect();
    assert_eq!(lacking, ["session.input_audio.append", "session.start"]);
    assert_eq!(sideband.difference(&primary).copied().collect::<Vec<_>>(), ["transport.dtmf.send"]);
}

fn pointer(path: &str) -> (String, &str) {
    match path.rsplit_once('.') {
        Some((object, key)) => (format!("/{}", object.replace('.', "/")), key),
        None => (String::new(), path),
    }
}

#[test]
fn only_a_needed_member_makes_an_event_malformed() {
    let wrong = [json!(true), json!(7), json!("SECRET"), json!(["SECRET"]), json!({"SECRET": "SECRET"}), Value::Null];
    let class = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    let mut checked = 0;
    for Fixture { name, value } in fixtures("server").into_iter().chain(fixtures("sideband/server")) {
        let kind = value["type"].as_str().unwrap().to_owned();
        let (_, needed) = NEEDED.iter().find(|(named, _)| *named == kind).unwrap();
        for path in *needed {
            let (object, key) = pointer(path);
            let right = class(&value.pointer(&object).unwrap()[key]);
            let mut variants: Vec<_> = wrong.iter().filter(|wrong| class(wrong) != right).cloned().map(Some).collect();
            variants.push(None);
            for variant in variants {
                let mut value = value.clone();
                let members = value.pointer_mut(&object).unwrap().as_object_mut().unwrap();
                match &variant {
                    Some(wrong) => members.insert(key.to_owned(), wrong.clone()),
                    None => members.remove(key),
                };
                let event = ServerEvent::decode(value.to_string().as_bytes());
                let Recognition::Malformed(reason) = event.recognition() else {
                    panic!("{name} with {path} = {variant:?}: {event:?}");
                };
                assert!(!reason.contains("SECRET"), "{name} {path}: {reason}");
                assert_eq!(event.kind(), kind);
                checked += 1;
            }
        }
        for member in style::members(&value, &json!([])) {
            let path = member.path.as_str();
            // Members of a list have no place in the table, and none of them is needed.
            if path == "type" || needed.contains(&path) {
                continue;
            }
            known::<ServerEvent>(&format!("{name} without {path}"), &member.removed(&value).to_string());
            for wrong in &wrong {
                known::<ServerEvent>(
                    &format!("{name} with {path} = {wrong}"),
                    &member.replaced(&value, wrong.clone()).to_string(),
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn audio_that_is_not_padded_base64_is_an_event_without_audio() {
    for (text, length) in
        [("AQID", 3), ("AQ==", 1), ("AQ", 0), ("AQI", 0), ("AQ-_", 0), ("A Q==", 0), ("!", 0), ("", 0)]
    {
        let event =
            ServerEvent::decode(json!({"type": "session.output_audio.delta", "delta": text}).to_string().as_bytes());
        let ServerEvent::SessionOutputAudioDelta(delta) = event else { panic!("{text}: {event:?}") };
        assert_eq!(delta.delta.len(), length, "{text}");
    }
}

#[test]
fn the_session_of_every_rest_request_goes_back_to_the_same_json() {
    fn round<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str, value: &Value) {
        let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), *value, "{name}");
    }

    let mut seen = 0;
    for Fixture { name, value } in fixtures("rest") {
        let Some(session) = value.get("session").filter(|_| name.contains(".request")) else { continue };
        // As a part of a body, where it is read from text.
        let session: &Value = &serde_json::from_str(Json::from(session).as_str()).unwrap();
        match name.split('.').next() {
            Some("accept") => round::<AcceptSession>(&name, session),
            Some("create") => round::<MediaSessionConfig>(&name, session),
            Some("fork") => round::<MediaForkConfig>(&name, session),
            _ => panic!("{name}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 15);
}
