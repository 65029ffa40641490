//! What holds of every run.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use realtime::ErrorKind;
use serde_json::Value;

use crate::{
    change::{Change, How},
    play::{Ended, Run},
    script::{Script, Step},
};

/// The most time for the session to open.
const OPENING: Duration = Duration::from_secs(15);
/// The most time for an answer to an event, and for a response to say something: both may pass, one after the other.
const ANSWER: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(120);
const SLACK: Duration = Duration::from_secs(2);

/// Checks a run of a script that was changed.
pub(crate) fn check(baseline: &Run, run: &Run, original: &Script, script: &Script, change: &Change) {
    assert_eq!(run.armed[1], 0, "timers are armed after the end");
    sent_once(run);
    if let Some((error, at)) = &run.refused {
        assert!(baseline.refused.is_none() && *at <= OPENING + SLACK, "{at:?}: {error:?}");
        let said_before = script.steps[..change.at].iter().any(|step| matches!(step, Step::Say(_)));
        let opening = change.at == 0 || !said_before;
        assert!(opening, "the session did not open: {error:?}");
        return;
    }
    assert_eq!(run.armed[0], 0, "timers are armed while nothing is waited for");
    match &run.probe {
        Some(Ok(time)) => assert!(*time <= SLACK, "the scheduler was free after {time:?}"),
        Some(Err(error)) => panic!("the scheduler is not free: {error}"),
        None => assert!(script.translates),
    }
    for ended in &run.ended {
        // A response lives as long as it says something, an answer is awaited while none is in progress, and who asks
        // for a response waits for those who have asked before.
        let before =
            run.ended.iter().filter(|other| other.kind == "response.create" && other.from < ended.from).count();
        let answers = if ended.kind == "response.create" { before + 1 } else { 1 };
        let bound = run.last.max(ended.from) + ANSWER * answers as u32 + SILENCE + SLACK;
        assert!(ended.to <= bound, "{} ended at {:?}, over {bound:?}", ended.kind, ended.to);
    }
    outcomes(baseline, run, original, change);
    answered_once(run, script);
    told(baseline, run, original, change);
}

/// No event was sent twice.
pub(crate) fn sent_once(run: &Run) {
    let ids = run.sent.iter().filter_map(|event| event["event_id"].as_str());
    let mut once = BTreeSet::new();
    for id in ids {
        assert!(once.insert(id), "{id} was sent twice");
    }
}

/// Everything was asked for and has ended as it does where nothing is changed.
///
/// Another end is right only where the changed event may tell of it: for what was waited for when that came or should
/// have, for later requests of the same kind, since a server that names no request answers the oldest, and for what
/// nothing answers in the undisturbed run either, which is over when the time is. A request that is not refused because
/// the error is missing makes later errors that name nothing ambiguous. Such an end is typed, too.
fn outcomes(baseline: &Run, run: &Run, original: &Script, change: &Change) {
    let numbers = |run: &Run| run.ended.iter().map(|ended| ended.number).collect::<BTreeSet<_>>();
    assert_eq!(numbers(run), numbers(baseline), "not everything was asked for");
    let neighbours = if change.how == How::Swapped { 2 } else { 1 };
    let said: Vec<Duration> = baseline.said.range(change.at..).map(|(_, at)| *at).take(neighbours).collect();
    let may_differ = needed(original, change);
    let waited = |ended: &Ended| said.iter().any(|at| ended.from <= *at && *at <= ended.to + STEP);
    let mut affected: BTreeMap<&str, usize> = BTreeMap::new();
    for ended in baseline.ended.iter().filter(|ended| waited(ended)) {
        let first = affected.entry(&ended.kind).or_insert(ended.number);
        *first = ended.number.min(*first);
    }
    for ended in &run.ended {
        let Some(before) = baseline.ended.iter().find(|other| other.number == ended.number) else { continue };
        if outcome(ended) == outcome(before) {
            continue;
        }
        let is_affected = affected.get(&*before.kind).is_some_and(|first| before.number >= *first);
        let never_answered = matches!(&before.outcome, Err(error) if matches!(error.kind(), ErrorKind::Unanswered(_)));
        let was_refused = matches!(&before.outcome, Err(error) if matches!(error.kind(), ErrorKind::Request(_)));
        let is_ambiguous = was_refused && change.touched(original)[0]["type"] == "error";
        assert!(
            may_differ && (is_affected || never_answered || is_ambiguous),
            "{} {} ended as {:?}, and without the change as {:?}",
            ended.kind,
            ended.number,
            outcome(ended),
            outcome(before)
        );
        match &ended.outcome {
            // Ended by what came later.
            Ok(status) => assert!(STATUS.contains(&&**status), "{} {}: {status}", ended.kind, ended.number),
            Err(error) => {
                let typed = matches!(error.kind(), ErrorKind::Request(_) | ErrorKind::Unanswered(_));
                assert!(typed, "{} {}: {error:?}", ended.kind, ended.number);
            }
        }
    }
}

/// How a response ends, and how everything else.
const STATUS: [&str; 5] = ["", "completed", "cancelled", "failed", "incomplete"];

/// How long the server waits after each step.
const STEP: Duration = Duration::from_millis(1);

/// What became of a request: the status of a response, the server's words, or what it did not do.
fn outcome(ended: &Ended) -> String {
    match &ended.outcome {
        Ok(status) => format!("ok {status}"),
        Err(error) => match error.kind() {
            ErrorKind::Request(refusal) => format!("refused {}", refusal.error.message),
            // What was waited for has an id that depends on what was sent before.
            ErrorKind::Unanswered(_) => "unanswered".into(),
            _ => format!("{error:?}"),
        },
    }
}

/// Whether the outcome of a request may hang on what is changed.
fn needed(original: &Script, change: &Change) -> bool {
    match &change.how {
        How::Doubled => false,
        How::Omitted | How::Delayed | How::Swapped => true,
        How::Malformed(path, _) => {
            let Step::Say(text) = &original.steps[change.at] else { return true };
            let event: Value = serde_json::from_str(text).unwrap();
            let is_error = event["type"] == "error";
            // What tells which request an event answers, and how.
            const TELLS: [&str; 11] = [
                "/type",
                "/item_id",
                "/response_id",
                "/item/id",
                "/item/type",
                "/item/role",
                "/item/call_id",
                "/item/name",
                "/response/id",
                "/response/status",
                "/response/conversation_id",
            ];
            is_error || TELLS.contains(&&**path) || path.starts_with("/response/metadata")
        }
    }
}

/// No call was answered twice. How many were answered.
pub(crate) fn answered_once(run: &Run, script: &Script) -> usize {
    let mut calls: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let said: Vec<Value> = said(script).collect();
    for event in &said {
        for item in [&event["item"]].into_iter().chain(event["response"]["output"].as_array().into_iter().flatten()) {
            if let (Some("function_call"), Some(call)) = (item["type"].as_str(), item["call_id"].as_str()) {
                calls.entry(call).or_default().insert(item["id"].to_string());
            }
        }
    }
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &run.sent {
        if let ("function_call_output", Some(call)) =
            (event["item"]["type"].as_str().unwrap_or_default(), event["item"]["call_id"].as_str())
        {
            *answers.entry(call).or_default() += 1;
        }
    }
    for (call, times) in &answers {
        let calls = calls.get(call).map_or(1, BTreeSet::len).max(1);
        assert!(*times <= calls, "{call} was answered {times} times");
    }
    answers.values().sum()
}

fn said(script: &Script) -> impl Iterator<Item = Value> + '_ {
    script.steps.iter().filter_map(|step| match step {
        Step::Say(text) => serde_json::from_str(text).ok(),
        _ => None,
    })
}

/// What the events that were not changed have told is in the state, as it is where nothing is changed.
fn told(baseline: &Run, run: &Run, original: &Script, change: &Change) {
    let changed = change.touched(original);
    // The items and responses that the changed events are about, under whatever ids.
    let mut touched = BTreeSet::new();
    changed.iter().for_each(|event| strings(event, &mut touched));
    let kept: Vec<Value> = said(original).filter(|event| !changed.contains(event)).collect();
    let items = |run: &Run| -> BTreeMap<String, Value> {
        let out_of_band = run.told["out_of_band_items"].as_object().into_iter().flat_map(|items| items.values());
        let items = run.told["items"].as_array().into_iter().flatten().chain(out_of_band);
        items.map(|item| (item["id"].as_str().unwrap_or_default().to_owned(), item.clone())).collect()
    };
    let (before, after) = (items(baseline), items(run));
    for (id, item) in &before {
        let Some(now) = after.get(id) else {
            assert!(!kept.iter().any(|event| tells_of(event, id)), "{id} is not in the conversation: {item}");
            continue;
        };
        // Some servers name a call by its own id alone.
        let is_touched = touched.contains(id) || item["call_id"].as_str().is_some_and(|call| touched.contains(call));
        if is_touched && change.how != How::Delayed {
            continue;
        }
        for member in ["text", "transcript", "arguments", "name", "call_id", "output", "role", "type"] {
            assert_eq!(now[member], item[member], "{member} of {id}");
        }
    }
}

/// Whether an event tells something of an item that is to be seen.
fn tells_of(event: &Value, id: &str) -> bool {
    let says = ["delta", "transcript", "text", "arguments"];
    let says =
        event["item_id"] == id && says.iter().any(|name| event[name].as_str().is_some_and(|said| !said.is_empty()));
    says || event["item"]["id"] == id && event["item"]["type"].is_string()
}

fn strings(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(members) => members.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}
