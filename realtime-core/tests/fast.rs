//! The deltas that are read by hand are read as the general path reads them.

use std::fs;

use serde_json::Value;

use both::compare;
use common::{fixtures, testdata};

mod both;
mod common;

#[path = "../../benches/src/frames.rs"]
#[allow(dead_code, unreachable_pub)] // the benchmarks use the rest
mod frames;

/// The three shapes, and those who stand near.
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
    for frame in hot() {
        for end in 0..frame.len() {
            assert!(!compare(&frame.as_bytes()[..end]));
        }
    }
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
    let hot = hot();
    let mut known = 0;
    for round in 0..60_000 {
        let mut raw = hot[round % hot.len()].clone().into_bytes();
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
