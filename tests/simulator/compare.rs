use std::collections::HashMap;

use serde_json::Value;

/// Members whose very words are compared. Of others only the kind is.
const EXACT: &[&str] = &[
    "type",
    "object",
    "status",
    "role",
    "reason",
    "code",
    "param",
    "name",
    "text",
    "arguments",
    "output_modalities",
    "server_label",
    "approve",
    "voice",
    "model",
    "instructions",
    "tool_choice",
];

/// What differs from recording to recording, by what the model is and what it says: its kind, and whether it is there.
const FREE: &[&str] = &["logprobs", "languages", "message"];

/// The ids of a recording, and which ids of ours stand for them.
#[derive(Default)]
pub(crate) struct Ids(HashMap<String, String>);

impl Ids {
    /// The frame of a recording with our ids in it.
    pub(crate) fn ours(&self, frame: &Value) -> Value {
        match frame {
            Value::String(text) => self.0.get(text).unwrap_or(text).as_str().into(),
            Value::Array(list) => list.iter().map(|value| self.ours(value)).collect(),
            Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), self.ours(value))).collect(),
            other => other.clone(),
        }
    }

    /// Whether our frame is what the recorded one is: the same members, the same kinds of values, the same ids where
    /// those are the same there.
    pub(crate) fn compare(&mut self, recorded: &Value, ours: &Value, path: &str) -> Result<(), String> {
        let name = path.rsplit('.').next().unwrap_or_default();
        match (recorded, ours) {
            _ if FREE.contains(&name) => Ok(()),
            // At the end there is none.
            _ if name == "elapsed_ms" => Ok(()),
            // Other words make other segments.
            (Value::String(_), Value::String(_)) if path == ".text" => Ok(()),
            // Some models are paid by the second and some by tokens.
            _ if path == "conversation.item.input_audio_transcription.completed.usage" => Ok(()),
            (Value::String(theirs), Value::String(ours)) if is_id(theirs) => {
                match self.0.insert(theirs.clone(), ours.clone()) {
                    Some(before) if before != *ours => Err(format!("{path}: {before} was expected, not {ours}")),
                    _ => Ok(()),
                }
            }
            (Value::Object(theirs), Value::Object(ours)) => {
                let names = |object: &serde_json::Map<String, Value>| {
                    object.keys().filter(|name| !FREE.contains(&name.as_str())).cloned().collect::<Vec<_>>()
                };
                if names(theirs) != names(ours) {
                    return Err(format!("{path}: {:?} were expected, not {:?}", names(theirs), names(ours)));
                }
                theirs.iter().try_for_each(|(name, value)| {
                    self.compare(value, ours.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"))
                })
            }
            (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
                theirs.iter().zip(ours).try_for_each(|(theirs, ours)| self.compare(theirs, ours, path))
            }
            _ if EXACT.contains(&name) && recorded != ours => {
                Err(format!("{path}: {recorded} was expected, not {ours}"))
            }
            _ if std::mem::discriminant(recorded) != std::mem::discriminant(ours) => {
                Err(format!("{path}: something like {recorded} was expected, not {ours}"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the text is an id that the recorded service has made.
fn is_id(text: &str) -> bool {
    text.split_once("_Dg").is_some_and(|(prefix, rest)| {
        prefix.bytes().all(|byte| byte.is_ascii_lowercase()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
