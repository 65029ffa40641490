//! Any one member of any event, of another type or missing: the event is read all the same, and the rest of it too.

use std::{collections::HashSet, fs, path::Path, sync::Mutex, thread};

use realtime::event::{Event, Reading, Recognition, ServerEvent, translation};
use serde_json::{Value, json};

use super::{Told, testdata};

/// Members without which an event cannot be placed.
const NEEDED: [&str; 2] = ["/item_id", "/item"];

fn wrong() -> Vec<Option<Value>> {
    let values = json!([
        null, "", "x", "12", "6ms", 7, -1, 1.5, 1e300, true, false, [], [1], [null], {}, { "a": 1 }, { "type": null }
    ]);
    let values = values.as_array().unwrap().iter().cloned().map(Some);
    values.chain([None, Some("w".repeat(3_000).into())]).collect()
}

/// The paths of all members and elements.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    let mut add = |name: &str, value: &Value| {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        paths(value, &path, found);
        found.push(path);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| add(key, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| add(&at.to_string(), value)),
        _ => {}
    }
}

fn replace(event: &Value, path: &str, value: Option<&Value>) -> Value {
    let mut event = event.clone();
    let (parent, name) = path.rsplit_once('/').unwrap();
    match (event.pointer_mut(parent), value) {
        (Some(Value::Object(object)), None) => drop(object.remove(&name.replace("~1", "/").replace("~0", "~"))),
        (Some(Value::Array(list)), None) => {
            let at = name.parse::<usize>().unwrap();
            if at < list.len() {
                list.remove(at);
            }
        }
        (Some(parent), Some(value)) => *parent.pointer_mut(&format!("/{name}")).unwrap() = value.clone(),
        (Some(_), None) | (None, _) => {}
    }
    event
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Whether two events are the same but for what stands at the path, or in something around it that cannot be without it.
fn same_but_for(one: &Value, other: &Value, path: &str) -> bool {
    let mut path = path;
    while !path.is_empty() {
        let plain = |value: &Value| without_nulls(&replace(value, path, None));
        let there = |value: &Value| value.pointer(path).is_some();
        if plain(one) == plain(other) || (!there(one) && !there(other) && without_nulls(one) == without_nulls(other)) {
            return true;
        }
        path = path.rsplit_once('/').unwrap().0;
    }
    false
}

/// The event as it is sent.
fn written(event: &impl Event) -> Value {
    serde_json::from_str(event.encode().to_str().unwrap()).unwrap()
}

/// Checks every frame of a folder, on two threads.
fn check<E: Event>(folder: &str, needed: &[&str], then: impl Fn(&[u8]) + Sync) -> usize {
    let next = Mutex::new(fs::read_dir(testdata("realtime-core/testdata/fixtures").join(folder)).unwrap());
    let seen = Mutex::new(HashSet::new());
    thread::scope(|scope| {
        let work = || {
            let mut runs = 0;
            while let Some(entry) = { next.lock().unwrap().next() } {
                let is_new = |member| seen.lock().unwrap().insert(member);
                runs += check_frame::<E>(&entry.unwrap().path(), needed, is_new, &then);
            }
            runs
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Checks the members of a frame that are new: of no other frame of its type.
fn check_frame<E: Event>(
    path: &Path,
    needed: &[&str],
    is_new: impl Fn((String, String)) -> bool,
    then: &impl Fn(&[u8]),
) -> usize {
    let mut runs = 0;
    let event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let right = written(&E::decode(event.to_string().as_bytes()));
    let mut all = Vec::new();
    paths(&event, "", &mut all);
    for path in all.iter().filter(|path| *path != "/type") {
        if !is_new((event["type"].to_string(), path.clone())) {
            continue;
        }
        for value in wrong() {
            runs += 1;
            let frame = replace(&event, path, value.as_ref()).to_string();
            let mut reading = Reading::default();
            let read = E::read(frame.as_bytes(), &mut reading);
            then(frame.as_bytes());
            if needed.contains(&&**path) && matches!(read.recognition(), Recognition::Malformed(_)) {
                assert!(read.encode().to_str().unwrap() == frame, "its text is kept");
                continue;
            }
            assert_eq!(read.recognition(), Recognition::Known, "{path} of {frame}");
            // Another tag makes another thing of the object around it.
            let written = written(&read);
            if !path.ends_with("/type") && !path.ends_with("/object") {
                assert!(same_but_for(&written, &right, path), "{path} of {frame} became {written}");
            }
            for omission in &reading.left_out {
                let told = omission.path.replace(['.', '['], "/").replace(']', "");
                let told = format!("/{told}");
                let names = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
                let (told, path) = (names(&told), names(path));
                let common = told.iter().zip(&path).take_while(|(one, other)| one == other).count();
                assert!(common >= 2, "{told:?} is told for {path:?} of {frame}");
            }
        }
    }
    runs
}

#[test]
fn one_odd_member_costs_itself_and_nothing_else() {
    let runs = check::<ServerEvent>("server", &NEEDED, |frame| {
        let mut told = Told::of(&[r#"{"type":"response.created","response":{"id":"r"}}"#]);
        told.hears(frame);
        let _ = told.report();
    });
    assert!(runs > 10_000, "{runs}");
    assert!(check::<translation::ServerEvent>("translation/server", &[], |_| {}) > 300);
}
