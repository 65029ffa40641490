//! What is done to one of the server's events.

use std::fmt;

use serde_json::{Value, json};

use crate::script::{Script, Step};

/// Beyond all bounds that a wait has.
pub(crate) const DELAY: u64 = 400;

#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The step that it is done to.
    pub(crate) at: usize,
    pub(crate) how: How,
    kind: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum How {
    Omitted,
    Doubled,
    Delayed,
    Swapped,
    /// The leaf at this path is another value.
    Malformed(String, Value),
}

impl Change {
    pub(crate) fn all(script: &Script, all_leaves: bool) -> Vec<Self> {
        let mut changes = Vec::new();
        for (at, step) in script.steps.iter().enumerate() {
            let Step::Say(text) = step else { continue };
            let event: Value = serde_json::from_str(text).unwrap();
            let kind = event["type"].as_str().unwrap_or_default();
            let mut add = |how| changes.push(Self { at, how, kind: kind.into() });
            add(How::Omitted);
            add(How::Doubled);
            add(How::Delayed);
            if script.steps[at + 1..].iter().any(|step| matches!(step, Step::Say(_))) {
                add(How::Swapped);
            }
            let mut leaves = Vec::new();
            find(&event, String::new(), &mut leaves);
            leaves.retain(|path| path != "/event_id");
            let odd = [json!({ "x": [] }), json!(-1.5), Value::Null, json!(true), json!("é"), json!([{}])];
            // One after the other, so that all leaves of a kind have their turn over a session.
            let chosen = if leaves.is_empty() { 0 } else { at * 7 % leaves.len() };
            for (number, path) in leaves.into_iter().enumerate() {
                if all_leaves || number == chosen {
                    let value = odd[(at + number) % odd.len()].clone();
                    add(How::Malformed(path, value));
                }
            }
        }
        changes
    }

    pub(crate) fn apply(&self, script: &Script) -> Script {
        let mut script = script.clone();
        let steps = &mut script.steps;
        match &self.how {
            How::Omitted => drop(steps.remove(self.at)),
            How::Doubled => steps.insert(self.at, steps[self.at].clone()),
            How::Delayed => steps.insert(self.at, Step::Pause(DELAY)),
            How::Swapped => {
                let next = (self.at + 1..steps.len()).find(|at| matches!(steps[*at], Step::Say(_)));
                steps.swap(self.at, next.unwrap());
            }
            How::Malformed(path, value) => {
                let Step::Say(text) = &mut steps[self.at] else { unreachable!() };
                let mut event: Value = serde_json::from_str(text).unwrap();
                *event.pointer_mut(path).unwrap() = value.clone();
                *text = event.to_string();
            }
        }
        script
    }

    /// The events that are not as they were.
    pub(crate) fn touched(&self, original: &Script) -> Vec<Value> {
        let said = |step: &Step| match step {
            Step::Say(text) => serde_json::from_str(text).ok(),
            _ => None,
        };
        let neighbours = if self.how == How::Swapped { 2 } else { 1 };
        original.steps[self.at..].iter().filter_map(said).take(neighbours).collect()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} {} {:?}", self.at, self.kind, self.how)
    }
}

/// The leaves of a JSON value, and its lists and objects that are empty.
fn find(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| {
                find(value, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), found)
            });
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| find(value, format!("{path}/{at}"), found));
        }
        _ => found.push(path),
    }
}
