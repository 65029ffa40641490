//! Whole sessions of other services, and the state that they must leave: `testdata/dialects`.

use std::{collections::BTreeSet, fs, io::Cursor};

use serde_json::{Map, Value, json};

use super::{Told, input, look, testdata};

/// Null, absent and empty are the same, and numbers are equal to a millionth.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .filter(|(_, value)| !is_empty(value))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(normal).collect(),
        Value::Number(number) => {
            let rounded = number.as_f64().map(|number| (number * 1e6).round() / 1e6);
            json!(rounded)
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    let nothing = |value: &Value| is_empty(value) || value.as_f64() == Some(0.0);
    normal(one) == normal(other) || (nothing(one) && nothing(other))
}

fn differences(got: &Value, want: &Value, path: &str, found: &mut Vec<(String, Value, Value)>) {
    match (got, want) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differences(&got[key], &want[key], &path, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{path}[{at}]"), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push((path.into(), a.clone(), b.clone())),
    }
}

/// Makes the two comparable: responses by their ids, roles of messages alone, of usage what is expected of it.
fn prepare(report: &mut Value) {
    let responses = report["responses"].as_array().cloned().unwrap_or_default();
    let by_id = responses.into_iter().map(|response| (response["id"].as_str().unwrap().to_owned(), response));
    report["responses"] = by_id.collect::<Map<_, _>>().into();
    for item in report["items"].as_array_mut().into_iter().flatten() {
        if item["type"] != "message" {
            item.as_object_mut().unwrap().remove("role");
        }
    }
    let aside = match report["out_of_band_items"].take() {
        Value::Object(object) => object.into_iter().map(|(_, item)| item).collect(),
        list => list,
    };
    report["out_of_band_items"] = aside;
    for name in ["item_count", "frames"] {
        report.as_object_mut().unwrap().remove(name);
    }
}

fn only(got: &Value, want: &Value) -> Value {
    match want {
        Value::Object(want) => want.iter().map(|(key, value)| (key.clone(), only(&got[key], value))).collect(),
        _ => got.clone(),
    }
}

fn without_zeros(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), without_zeros(value)))
            .filter(|(_, value)| !is_empty(value) && value.as_f64() != Some(0.0))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// What is not as expected. The expectation leaves some things open, and says which.
fn unexpected(mut got: Value, mut want: Value) -> Vec<(String, Value, Value)> {
    let mut rule = |name: &str| want.as_object_mut().unwrap().remove(name).unwrap_or_default();
    let (optional, any, either) = (rule("_optional"), rule("_any"), rule("_either"));
    let (optional_items, must_be_unknown) = (rule("_optional_items"), rule("_must_be_unknown"));
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    prepare(&mut got);
    prepare(&mut want);
    let mut found = Vec::new();
    // A kind may be known meanwhile, unless the state has no other place for it.
    let (told, expected) = (texts(&got["unknown_events"].take()), texts(&want["unknown_events"].take()));
    for kind in told.iter().chain(&expected).collect::<BTreeSet<_>>() {
        let count = |list: &[String]| list.iter().filter(|other| *other == kind).count();
        let (n, most) = (count(&told), count(&expected));
        if n != most && (n > 0 || texts(&must_be_unknown).contains(kind)) {
            found.push((format!("unknown_events {kind}"), n.into(), most.into()));
        }
    }
    want["usage"] = without_zeros(&want["usage"]);
    got["usage"] = without_zeros(&only(&got["usage"], &want["usage"]));
    for tokens in ["/transcription_usage/tokens"] {
        let expected = want.pointer(tokens).map(without_zeros).unwrap_or_default();
        let told = got.pointer(tokens).map(|told| without_zeros(&only(told, &expected))).unwrap_or_default();
        for (state, value) in [(&mut got, told), (&mut want, expected)] {
            if let Some(place) = state.pointer_mut(tokens) {
                *place = value;
            }
        }
    }
    for item in optional_items.as_array().into_iter().flatten() {
        let is = |other: &Value| match item["id"].as_str() {
            Some(id) => other["id"] == id,
            None => other["call_id"] == item["call_id"] && other["type"] == item["type"],
        };
        for state in [&mut got, &mut want] {
            state["items"].as_array_mut().unwrap().retain(|other| !is(other));
        }
    }
    let mut all = Vec::new();
    differences(&normal(&got), &normal(&want), "", &mut all);
    let covers = |rule: &str, path: &str| {
        path == rule || path.strip_prefix(rule).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    all.retain(|(path, got, want)| {
        let is_open = texts(&any).iter().any(|rule| covers(rule, path))
            || (is_empty(got) && texts(&optional).iter().any(|rule| covers(rule, path)))
            // Members that the expectation has for states that show more than this one.
            || (is_empty(got) && (path.ends_with("audio_sha256") || path.starts_with("errors") && path.ends_with("message")))
            || either[path].as_array().is_some_and(|all| all.iter().any(|one| same(one, got)));
        !is_open && !same(got, want)
    });
    found.extend(all);
    found
}

#[test]
fn every_session_of_another_service_leaves_exactly_its_expected_state() {
    let mut sessions = 0;
    for service in ["azure-preview", "dashscope", "hf-s2s", "vllm", "voice-live", "xai"] {
        for entry in fs::read_dir(testdata("testdata/dialects").join(service)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            sessions += 1;
            let frames = input::lines(Cursor::new(fs::read(&path).unwrap())).map(Result::unwrap);
            let want = serde_json::from_slice(&fs::read(path.with_extension("expected.json")).unwrap()).unwrap();
            let found = unexpected(Told::frames(frames).report(), want);
            assert!(found.is_empty(), "{}: {found:#?}", path.display());
        }
    }
    assert_eq!(sessions, 13);
}

#[test]
fn every_odd_frame_leaves_what_it_must() {
    let cases: Value =
        serde_json::from_slice(&fs::read(testdata("testdata/dialects/leniency/cases.json")).unwrap()).unwrap();
    for case in cases.as_array().unwrap() {
        let lines: String = case["lines"].as_array().unwrap().iter().map(|line| format!("{line}\n")).collect();
        let report = Told::frames(input::lines(Cursor::new(lines)).map(Result::unwrap)).report();
        let name = format!("{} {}", case["id"], case["what"]);
        for (path, value) in case["want"].as_object().unwrap() {
            let got = look(&report, path);
            assert!(same(got, value), "{name}: {path} is {got}, wanted {value}");
        }
        for (path, values) in case["either"].as_object().into_iter().flatten() {
            let got = look(&report, path);
            assert!(values.as_array().unwrap().iter().any(|value| same(got, value)), "{name}: {path} is {got}");
        }
    }
    assert_eq!(cases.as_array().unwrap().len(), 41);
}
