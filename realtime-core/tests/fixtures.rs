//! Every event, in every form that is known of it, read and written: over the files in `testdata/fixtures`.

mod common;
mod style;

use std::{collections::HashSet, fs};

use common::{Fixture, fixtures};
use realtime_core::event::{ClientEvent, Event, Recognition, ServerEvent, translation};
use serde_json::{Value, json};
use style::Style;

/// Makes a test of each function, which runs it over every direction of every protocol.
macro_rules! every_side {
    ($($check:ident),* $(,)?) => {
        mod every_side {
            use realtime_core::event::{ClientEvent, ServerEvent, translation};

            $(#[test]
            fn $check() {
                super::$check::<ServerEvent>("server");
                super::$check::<ClientEvent>("client");
                super::$check::<translation::ServerEvent>("translation/server");
                super::$check::<translation::ClientEvent>("translation/client");
            })*
        }
    };
}

every_side!(
    knows_the_events_of_the_specification,
    reads_each_event_as_what_it_is,
    reads_it_in_whatever_style_it_is_written,
    needs_no_member_that_the_specification_does_not_need,
    takes_wrong_members_for_malformed_and_tells_no_text,
    takes_a_foreign_type_for_unknown,
    takes_half_a_message_for_invalid,
);

fn knows_the_events_of_the_specification<E: Event>(side: &str) {
    // What other servers send, and the service never does.
    const FOREIGN: [&str; 3] = ["response.cancelled", "response.failed", "response.incomplete"];

    let mut kinds: Vec<_> = E::KINDS.iter().filter(|kind| !FOREIGN.contains(kind)).collect();
    kinds.sort_unstable();
    assert_eq!(json!(kinds), spec("spec-events.json")[side.replace('/', "_")]);
    let seen: Vec<_> = fixtures(side).into_iter().map(|fixture| fixture.kind).collect();
    assert!(kinds.iter().all(|kind| seen.iter().any(|seen| seen == *kind)));
}

fn reads_each_event_as_what_it_is<E: Event>(side: &str) {
    for Fixture { name, kind, text, value } in fixtures(side) {
        let mut event = known::<E>(&name, &text);
        assert_eq!(event.kind(), kind);
        assert_eq!(event.event_id().map(|id| id.as_str()), value["event_id"].as_str(), "{name}");
        assert_eq!(known::<E>(&name, event.encode().to_str().unwrap()), event, "{name}");
        event.set_event_id("another".into());
        assert_eq!(event.event_id().map(|id| id.as_str()), Some("another"), "{name}");
    }
}

fn reads_it_in_whatever_style_it_is_written<E: Event>(side: &str) {
    let plain = Style::default();
    for Fixture { name, text, value, .. } in fixtures(side) {
        let event = known::<E>(&name, &text);
        for style in [
            plain,
            Style { spaces: true, ..plain },
            Style { type_last: true, ..plain },
            Style { floats: true, ..plain },
            Style { floats: true, type_last: true, ..plain },
            Style { unknown: true, ..plain },
            Style { unknown: true, type_last: true, ..plain },
            Style { escapes: true, ..plain },
            Style { escapes: true, type_last: true, ..plain },
        ] {
            let text = style.write(&value);
            assert_eq!(known::<E>(&name, &text), event, "{name} {style:?}\n{text}");
        }
        // The same member twice is not what JSON wants, and no reason for more than a complaint.
        let twice = E::decode(Style { twice: true, ..plain }.write(&value).as_bytes());
        assert!(!matches!(twice.recognition(), Recognition::Unknown | Recognition::Invalid(_)), "{name}");
    }
}

fn needs_no_member_that_the_specification_does_not_need<E: Event>(side: &str) {
    let spec = spec("spec-required.json");
    let required = &spec["required"][side.replace('/', "_")];
    for Fixture { name, kind, value, .. } in fixtures(side) {
        for member in style::members(&value, &spec["tags"]) {
            let needed = required[&kind].as_array().unwrap().contains(&json!(member.path));
            let decorates = member.path.ends_with("event_id") || member.path.ends_with(".object");
            if needed && !decorates || member.path == "type" {
                continue;
            }
            for other in [member.removed(&value), member.replaced(&value, Value::Null)] {
                known::<E>(&format!("{name} without {}", member.path), &other.to_string());
            }
        }
    }
}

fn takes_wrong_members_for_malformed_and_tells_no_text<E: Event>(side: &str) {
    let no_text = [json!(["SECRET"]), json!({"SECRET": "SECRET"}), json!(-7)];
    let no_other = [json!("SECRET"), json!(0.5), json!(true)];
    let tags = &spec("spec-required.json")["tags"];
    let (mut seen, mut malformed) = (HashSet::new(), 0);
    for Fixture { name, kind, value, .. } in fixtures(side) {
        for member in style::members(&value, tags) {
            if !seen.insert((kind.clone(), member.path.clone())) {
                continue;
            }
            for wrong in if member.value(&value).is_string() { &no_text } else { &no_other } {
                let event = E::decode(member.replaced(&value, wrong.clone()).to_string().as_bytes());
                if let Recognition::Malformed(reason) | Recognition::Invalid(reason) = event.recognition() {
                    assert!(!reason.contains("SECRET"), "{name} {}: {reason}", member.path);
                    assert!(!format!("{event:?}").contains("SECRET"), "{event:?}");
                }
                if let Recognition::Malformed(_) = event.recognition() {
                    malformed += 1;
                    assert_eq!(event.kind(), kind);
                    assert_eq!(E::decode(event.encode().as_bytes()), event);
                }
            }
        }
    }
    // No event of a translation is about something that must be named.
    assert!(malformed > 0 || side == "translation/server");
}

fn takes_a_foreign_type_for_unknown<E: Event>(side: &str) {
    for Fixture { name, kind, mut value, .. } in fixtures(side) {
        let foreign = format!("{kind}.newer");
        value["type"] = json!(foreign);
        let text = value.to_string();
        let event = E::decode(text.as_bytes());
        assert_eq!((event.recognition(), event.kind()), (Recognition::Unknown, &*foreign), "{name}");
        assert_eq!(event.event_id().map(|id| id.as_str()), value["event_id"].as_str());
        assert_eq!(event.encode().to_str().unwrap(), text);
    }
}

fn takes_half_a_message_for_invalid<E: Event>(side: &str) {
    for Fixture { name, text, .. } in fixtures(side) {
        let raw = text.trim_end().as_bytes();
        for end in (0..raw.len()).step_by(raw.len() / 12 + 1) {
            let event = E::decode(&raw[..end]);
            assert!(matches!(event.recognition(), Recognition::Invalid(_)), "{name} up to {end}: {event:?}");
            assert_eq!(event.kind(), "");
        }
    }
}

fn spec(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(common::testdata().join(file)).unwrap()).unwrap()
}

/// Reads an event that the table must know.
fn known<E: Event>(name: &str, text: &str) -> E {
    let event = E::decode(text.as_bytes());
    assert_eq!(event.recognition(), Recognition::Known, "{name}\n{text}");
    event
}

fn rewritten<E: Event>(fixture: &Fixture) -> Value {
    serde_json::from_slice(known::<E>(&fixture.name, &fixture.text).encode().as_bytes()).unwrap()
}

/// The same message with so many empty objects in a member that nobody knows that it is read member by member.
fn crowded(text: &str) -> String {
    let objects = vec!["{}"; text.len() / 20 + 6_000].join(",");
    text.replacen('{', &format!(r#"{{"crowd":[{objects}],"#), 1)
}

#[test]
fn both_ways_of_reading_read_the_same() {
    fn both<E: Event>(side: &str) {
        for Fixture { name, text, value, .. } in fixtures(side) {
            for text in [text, Style { type_last: true, ..Style::default() }.write(&value)] {
                let event = known::<E>(&name, &text);
                let mut reading = realtime_core::event::Reading::default();
                let again = E::read(crowded(&text).as_bytes(), &mut reading);
                assert_eq!(again, event, "{name}");
                assert_eq!(reading.left_out, [], "{name}");
            }
        }
    }

    both::<ServerEvent>("server");
    both::<translation::ServerEvent>("translation/server");
}

#[test]
fn writes_a_server_event_as_it_was_read() {
    fn round<E: Event>(side: &str, renamed: &[(&str, &str, &str)]) {
        let mut differences = 0;
        for mut fixture in fixtures(side) {
            let mut written = rewritten::<E>(&fixture);
            style::without_nulls(&mut written);
            style::without_nulls(&mut fixture.value);
            // Padding, which is there to be ignored.
            fixture.value.as_object_mut().unwrap().remove("obfuscation");
            for (_, place, name) in renamed.iter().filter(|(file, ..)| *file == fixture.name) {
                let member = fixture.value.pointer_mut(place).unwrap();
                assert_ne!(member, name);
                *member = json!(name);
                differences += 1;
            }
            assert_eq!(written, fixture.value, "{}", fixture.name);
        }
        assert_eq!(differences, renamed.len());
    }

    round::<ServerEvent>(
        "server",
        // Names of another time or place, written as the service writes them now, there.
        &[
            ("conversation.item.retrieved.variant-offspec_beta_audio_type", "/item/content/0/type", "output_audio"),
            ("response.content_part.added.variant-offspec_ga_named", "/part/type", "text"),
            ("response.content_part.done.variant-offspec_ga_named", "/part/type", "text"),
        ],
    );
    round::<translation::ServerEvent>("translation/server", &[]);
}

#[test]
fn writes_a_client_event_exactly_as_it_was_read() {
    for fixture in fixtures("client") {
        assert_eq!(rewritten::<ClientEvent>(&fixture), fixture.value, "{}", fixture.name);
    }
    for fixture in fixtures("translation/client") {
        assert_eq!(rewritten::<translation::ClientEvent>(&fixture), fixture.value, "{}", fixture.name);
    }
}
