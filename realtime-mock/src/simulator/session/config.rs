use realtime_core::types::AudioFormat;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Fault;
use crate::simulator::SessionKind;

/// Configuration of a session as reported by `session.updated`, and the parts used by the simulator in parsed form.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) value: Value,
    pub(super) input: AudioFormat,
    pub(super) turns: Option<Turns>,
}

/// Turn detection settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turns {
    /// Threshold from 0 to 1.
    pub(super) threshold: f64,
    pub(super) prefix_ms: u64,
    pub(super) silence_ms: u64,
    pub(super) idle_ms: Option<u64>,
    pub(super) create_response: bool,
    pub(super) interrupt_response: bool,
}

impl Config {
    /// The configuration of a new session.
    pub(super) fn new(kind: SessionKind, id: &str, model: &str, expires_at: u64) -> Self {
        let pcm = json!({ "type": "audio/pcm", "rate": 24_000 });
        let mut input = json!({
            "format": pcm, "transcription": null, "noise_reduction": null, "turn_detection": server_vad(kind),
        });
        let value = if kind == SessionKind::Transcription {
            json!({
                "type": "transcription",
                "object": "realtime.transcription_session",
                "id": id,
                "expires_at": expires_at,
                "audio": { "input": input.take() },
                "include": null,
            })
        } else {
            json!({
                "type": "realtime",
                "object": "realtime.session",
                "id": id,
                "model": model,
                "output_modalities": ["audio"],
                "instructions": "You are a helpful, witty, and friendly AI.",
                "tools": [],
                "tool_choice": "auto",
                "max_output_tokens": "inf",
                "tracing": null,
                "truncation": "auto",
                "prompt": null,
                "expires_at": expires_at,
                "audio": {
                    "input": input.take(),
                    "output": { "format": pcm, "voice": "marin", "speed": 1.0 },
                },
                "include": null,
            })
        };
        Self::of(value)
    }

    fn of(value: Value) -> Self {
        let input = value.pointer("/audio/input/format").map(format).unwrap_or_default();
        let turns = value.pointer("/audio/input/turn_detection").and_then(turns);
        Self { value, input, turns }
    }

    fn kind(&self) -> SessionKind {
        if self.value["type"] == "transcription" { SessionKind::Transcription } else { SessionKind::Realtime }
    }

    /// The configuration after a validated update.
    pub(super) fn updated(&self, update: &Map<String, Value>, spoken: bool) -> Result<Self, Fault> {
        let kind = self.kind();
        if let (Some(now), Some(then)) = (self.value["type"].as_str(), update.get("type").and_then(Value::as_str))
            && now != then
        {
            let message = format!("Passing a {then} session update event to a {now} session is not allowed.");
            return Err(Fault::new("invalid_parameter", message));
        }
        let mut value = self.value.clone();
        for (name, new) in update {
            match name.as_str() {
                "type" => {}
                "model" if *new == self.value["model"] || new.is_null() => {}
                "model" => {
                    let message = "The model of a session cannot be changed.";
                    return Err(Fault::new("invalid_value", message).at("session.model"));
                }
                "audio" => audio(&mut value, new, kind),
                "tracing" | "prompt" | "include" => merge(&mut value, &json!({ name: new })),
                _ if new.is_null() => {}
                _ => merge(&mut value, &json!({ name: new })),
            }
        }
        const VOICE: &str = "/audio/output/voice";
        if spoken && value.pointer(VOICE) != self.value.pointer(VOICE) {
            let message = "Cannot update a conversation's voice if assistant audio is present.";
            return Err(Fault::new("cannot_update_voice", message));
        }
        Ok(Self::of(value))
    }
}

fn audio(session: &mut Value, new: &Value, kind: SessionKind) {
    for (side, members) in new.as_object().into_iter().flatten() {
        for (name, new) in members.as_object().into_iter().flatten() {
            let Some(current) = member(session, &["audio", side, name]) else { continue };
            match name.as_str() {
                "turn_detection" => detection(current, new, kind),
                "transcription" if new.is_object() => {
                    if current.is_null() {
                        *current = json!({ "language": null, "prompt": null });
                    }
                    merge(current, new);
                }
                "transcription" => *current = Value::Null,
                "noise_reduction" => merge(current, new),
                _ if new.is_null() => {}
                "format" => *current = written(&format(new)),
                _ => *current = new.clone(),
            }
        }
    }
}

/// The turn detection after an update. Unset members keep their values, or get the defaults of another type.
fn detection(current: &mut Value, new: &Value, kind: SessionKind) {
    if !new.is_null() && current["type"] != new["type"] {
        *current = match new["type"].as_str() {
            Some("semantic_vad") if kind == SessionKind::Transcription => json!({ "eagerness": "auto" }),
            Some("semantic_vad") => json!({
                "eagerness": "auto", "create_response": true, "interrupt_response": true,
            }),
            _ => server_vad(kind),
        };
    }
    merge(current, new);
}

fn server_vad(kind: SessionKind) -> Value {
    let mut vad = json!({
        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
    });
    if kind == SessionKind::Realtime {
        merge(&mut vad, &json!({ "create_response": true, "interrupt_response": true, "idle_timeout_ms": null }));
    }
    vad
}

/// A member of nested objects, null if missing. `None` if the path leads through another kind of value.
pub(super) fn member<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, name| {
        if value.is_null() {
            *value = json!({});
        }
        Some(value.as_object_mut()?.entry(*name).or_insert(Value::Null))
    })
}

/// Sets the given members. Null instead of an object disables it.
pub(super) fn merge(current: &mut Value, new: &Value) {
    match (&mut *current, new) {
        (Value::Object(current), Value::Object(new)) => {
            current.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        _ => *current = new.clone(),
    }
}

/// The format named by a validated value.
pub(super) fn format(value: &Value) -> AudioFormat {
    AudioFormat::deserialize(value).unwrap_or_default()
}

fn written(format: &AudioFormat) -> Value {
    serde_json::to_value(format).unwrap_or_default()
}

fn turns(value: &Value) -> Option<Turns> {
    let number = |name: &str| value[name].as_f64();
    // A validated, non-negative number of milliseconds.
    let ms = |name: &str| number(name).map(|ms| ms as u64);
    let flag = |name: &str| value[name].as_bool().unwrap_or(true);
    let turns = Turns {
        threshold: number("threshold").unwrap_or(0.5),
        prefix_ms: ms("prefix_padding_ms").unwrap_or(300),
        silence_ms: match value["eagerness"].as_str() {
            Some("low") => 8_000,
            Some("high") => 2_000,
            Some(_) => 4_000,
            None => ms("silence_duration_ms").unwrap_or(500),
        },
        idle_ms: ms("idle_timeout_ms"),
        create_response: flag("create_response"),
        interrupt_response: flag("interrupt_response"),
    };
    value.is_object().then_some(turns)
}
