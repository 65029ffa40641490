//! What is decoded by hand is decoded as serde decodes it.

use std::{fs, path::Path};

use realtime_core::{event, live};
use serde_json::Value;

use both::{compare, compare_as};
use common::{fixtures, testdata};

mod both;
mod common;

#[path = "../../benches/src/frames.rs"]
#[allow(dead_code, unreachable_pub)] // the benchmarks use the rest
mod frames;

/// The frequent deltas, and those who stand near.
fn hot() -> Vec<String> {
    let mut hot = vec![
        frames::audio_delta(1, 0),
        frames::audio_delta(2, 1),
        frames::audio_delta(3, 2),
        frames::audio_delta(4, 48),
        frames::text_delta(5, " clear!"),
        frames::transcript_delta(6, " 👋 é"),
    ];
    let near = fixtures("server").into_iter().filter(|fixture| fixture.kind.contains("delta"));
    hot.extend(near.map(|fixture| fixture.value.to_string()));
    hot
}

#[test]
fn every_event_that_is_known() {
    let mut known = 0;
    for fixture in fixtures("server") {
        known += u32::from(compare(fixture.text.as_bytes()));
        known += u32::from(compare(fixture.value.to_string().as_bytes()));
    }
    for frame in frames::answer() {
        assert!(compare(frame.as_bytes()));
    }
    assert!(known > 100);
}

#[test]
fn every_event_of_the_recordings() {
    let mut known = 0;
    for path in fs::read_dir(testdata().join("../../testdata/transcripts")).unwrap() {
        let path = path.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            for value in line.as_object().unwrap().values().filter(|value| value.get("type").is_some()) {
                known += u32::from(compare(value.to_string().as_bytes()));
                known += u32::from(compare(ordered(value).as_bytes()));
            }
        }
    }
    assert!(known > 500, "{known}");
}

/// The members as the service orders them, those that are not known at the end.
fn ordered(value: &Value) -> String {
    const ORDER: [&str; 8] =
        ["type", "event_id", "response_id", "item_id", "output_index", "content_index", "delta", "obfuscation"];
    let mut members: Vec<_> = value.as_object().unwrap().iter().collect();
    members.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
    write(&members, ",", ":")
}

fn write(members: &[(&String, &Value)], comma: &str, colon: &str) -> String {
    let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\"{colon}{value}")).collect();
    format!("{{{}}}", members.join(comma))
}

#[test]
fn members_in_any_order_and_spacing() {
    for frame in hot() {
        let value: Value = serde_json::from_str(&frame).unwrap();
        let members: Vec<_> = value.as_object().unwrap().iter().collect();
        for turn in 0..members.len() {
            let mut members = members.clone();
            members.rotate_left(turn);
            for (comma, colon) in [(",", ":"), (", ", ": "), (" ,\n", "\t:")] {
                assert!(compare(write(&members, comma, colon).as_bytes()));
            }
            // One that is missing, or there twice.
            let twice = [&members[..], &members[..1]].concat();
            compare(write(&members[1..], ",", ":").as_bytes());
            compare(write(&twice, ",", ":").as_bytes());
        }
    }
}

#[test]
fn every_character_escaped() {
    for frame in hot() {
        for (at, character) in frame.char_indices().filter(|(_, character)| character.is_alphanumeric()) {
            let rest = &frame[at + character.len_utf8()..];
            let units: String =
                character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            compare(format!("{}{units}{rest}", &frame[..at]).as_bytes());
        }
    }
}

#[test]
fn cut_anywhere() {
    for frame in [hot(), all()].concat() {
        for end in 0..frame.len() {
            assert!(!compare(&frame.as_bytes()[..end]));
        }
    }
}

/// The events of an answer, and one of each type.
fn all() -> Vec<String> {
    let mut all = frames::answer_of(48);
    all.extend([frames::done(), frames::created_with_tools()]);
    all.extend(fixtures("server").into_iter().map(|fixture| fixture.value.to_string()));
    all
}

type Compare = fn(&[u8]) -> bool;

/// The fixtures of each table, and how they are compared.
fn tables() -> impl Iterator<Item = (Value, Compare)> {
    let tables: [(&str, Compare); 10] = [
        ("server", compare_as::<event::ServerEvent>),
        ("client", compare_as::<event::ClientEvent>),
        ("translation/server", compare_as::<event::translation::ServerEvent>),
        ("translation/client", compare_as::<event::translation::ClientEvent>),
        ("live/server", compare_as::<live::event::ServerEvent>),
        ("live/fork/server", compare_as::<live::event::ServerEvent>),
        ("live/sideband/server", compare_as::<live::event::ServerEvent>),
        ("live/client", compare_as::<live::event::ClientEvent>),
        ("live/fork/client", compare_as::<live::event::fork::ClientEvent>),
        ("live/sideband/client", compare_as::<live::event::sideband::ClientEvent>),
    ];
    tables.into_iter().flat_map(|(folder, compare)| values(folder).into_iter().map(move |value| (value, compare)))
}

#[test]
fn every_table() {
    let mut known = 0;
    for (value, compare) in tables() {
        known += u32::from(compare(value.to_string().as_bytes()));
        known += u32::from(compare(ordered(&value).as_bytes()));
    }
    assert!(known > 500, "{known}");
}

/// The fixtures in a folder. Live's of a type are in one file.
fn values(folder: &str) -> Vec<Value> {
    let texts = texts(&testdata().join("fixtures").join(folder));
    let values = texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
    let values: Vec<_> = values.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value])).collect();
    assert!(!values.is_empty(), "{folder}");
    values
}

fn texts(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Each member of each object away, twice, null, and of another type.
#[test]
fn every_member_changed() {
    fn objects(value: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
        match value {
            Value::Object(members) => {
                change(members);
                members.values_mut().for_each(|value| objects(value, change));
            }
            Value::Array(list) => list.iter_mut().for_each(|value| objects(value, change)),
            _ => {}
        }
    }

    let changes: [fn(&mut Value); 8] = [
        |value| *value = Value::Null,
        |value| *value = 7.into(),
        |value| *value = 7.0.into(),
        |value| *value = "text".into(),
        |value| *value = "te\nxt".into(),
        |value| *value = true.into(),
        |value| *value = serde_json::json!([value.clone()]),
        |value| *value = serde_json::json!({"type": "text", "id": value.clone()}),
    ];
    let both = |text: &str, compare: Compare| {
        let mut known = 0;
        let whole: Value = serde_json::from_str(text).unwrap();
        let mut members = 0;
        objects(&mut whole.clone(), &mut |object| members += object.len());
        for number in 0..members {
            for change in &changes {
                let (mut value, mut at) = (whole.clone(), 0..);
                objects(&mut value, &mut |object| {
                    object.values_mut().filter(|_| at.next() == Some(number)).for_each(change);
                });
                known += u32::from(compare(ordered(&value).as_bytes()));
            }
            let (mut value, mut at) = (whole.clone(), 0..);
            objects(&mut value, &mut |object| object.retain(|_, _| at.next() != Some(number)));
            known += u32::from(compare(ordered(&value).as_bytes()));
        }
        // A name twice, and one that is not known.
        for (at, _) in text.match_indices(['{', ',']) {
            let (head, rest) = text.split_at(at + 1);
            for more in [r#""type":"x","#, r#""id":"x","#, r#""new":[{"a":1}],"#, r#""new":"x","#, " ", "\n"] {
                compare(format!("{head}{more}{rest}").as_bytes());
            }
        }
        known
    };
    let known: u32 = all().iter().map(|text| both(text, compare_as::<event::ServerEvent>)).sum();
    assert!(known > 10_000, "{known}");
    let known: u32 = tables().map(|(value, compare)| both(&ordered(&value), compare)).sum();
    assert!(known > 20_000, "{known}");
}

#[test]
fn spoilt_at_random() {
    const BYTES: &[u8] = b"\"\\{}[]:, 0129.-eE+/=AZaz\n\0\x1f\x7f\x80\xc3\xa9\xff";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for frames in [hot(), all()] {
        let mut known = 0;
        for round in 0..60_000 {
            let mut raw = frames[round % frames.len()].clone().into_bytes();
            for _ in 0..=random(3) {
                let at = random(raw.len());
                match random(5) {
                    0 => raw[at] = BYTES[random(BYTES.len())],
                    1 => raw.insert(at, BYTES[random(BYTES.len())]),
                    2 => drop(raw.remove(at)),
                    3 => {
                        let next = (at + 1) % raw.len();
                        raw.swap(at, next);
                    }
                    _ => {
                        let end = at + random(raw.len() - at);
                        let copy = raw[at..end].to_vec();
                        let to = random(raw.len());
                        raw.splice(to..to, copy);
                    }
                }
                if raw.is_empty() {
                    break;
                }
            }
            known += u32::from(compare(&raw));
        }
        assert!((5_000..55_000).contains(&known), "{known}");
    }
}
