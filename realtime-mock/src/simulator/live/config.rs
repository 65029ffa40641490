//! The configuration of a session: initial, forked, and updated.

use realtime_core::types::AudioFormat;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        session::{Fault, shape::Shape},
        settings::Settings,
    },
    shapes,
};

/// Maximum number of history messages in a new session.
const MOST_INPUT: usize = 128;

/// Whether the model that is asked for is one of those that there are.
pub(in crate::simulator) fn check_model(settings: &Settings, asked: &Value) -> Result<(), Fault> {
    let model = asked["model"].as_str().unwrap_or_default();
    if settings.models.is_empty() || settings.models.iter().any(|known| known == model) {
        return Ok(());
    }
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    Err(Fault::new("model_not_found", message).at("session.model"))
}

/// The session requested by `session.start`, as the server describes it.
pub(in crate::simulator) fn resolve(asked: &Value, id: &str, expires_at: u64) -> Result<Value, Fault> {
    check_format(asked)?;
    if asked["input"].as_array().is_some_and(|input| input.len() > MOST_INPUT) {
        let message = format!("Invalid 'session.input': at most {MOST_INPUT} messages.");
        return Err(Fault::new("invalid_value", message).at("session.input"));
    }
    let one_part = |item: &Value| item["content"].as_array().is_some_and(|parts| parts.len() == 1);
    if !asked["input"].as_array().is_none_or(|input| input.iter().all(one_part)) {
        let message = "Invalid 'session.input': each message has exactly one part.";
        return Err(Fault::new("invalid_value", message).at("session.input"));
    }
    let mut session = json!({ "audio": { "format": pcm(), "output": { "voice": "marin" } }, "input": [] });
    lay_over(&mut session, asked);
    // Unset members are absent.
    if let Value::Object(members) = &mut session {
        members.retain(|_, value| !value.is_null());
    }
    described(&mut session, id, expires_at);
    Ok(session)
}

/// The initial configuration of a fork.
pub(in crate::simulator) fn fork(stored: &Value, asked: &Value, id: &str, expires_at: u64) -> Result<Value, Fault> {
    check_format(asked)?;
    let mut session = stored.clone();
    if !asked["delegation"].is_null() {
        if stored["delegation"]["type"] != "responses" {
            let message = "The stored session does not delegate to Responses.";
            return Err(Fault::new("invalid_value", message).at("session.delegation"));
        }
        change_delegation(&mut session, &asked["delegation"])?;
    }
    if let Value::Object(members) = &mut session {
        members.remove("client");
    }
    let format = &asked["audio"]["format"];
    session["audio"]["format"] = if format.is_null() { pcm() } else { format.clone() };
    if let Some(store) = asked["store"].as_bool() {
        session["store"] = store.into();
    }
    described(&mut session, id, expires_at);
    Ok(session)
}

/// Applies an update.
pub(super) fn update(session: &mut Value, asked: &Value) -> Result<(), Fault> {
    let Value::Object(members) = asked else {
        return Err(Fault::new("invalid_type", "Invalid type for 'session': expected an object.").at("session"));
    };
    for name in members.keys() {
        let param = format!("session.{name}");
        let is = |table: &[super::super::session::shape::Member]| table.iter().any(|member| member.0 == name);
        if is(shapes::UPDATE) {
            continue;
        }
        if is(shapes::SESSION) {
            let message = format!("'{param}' cannot change after session startup.");
            return Err(Fault::new("immutable_field_update", message).at(param));
        }
        return Err(Fault::unknown(&param));
    }
    Shape::Object(shapes::UPDATE).check(asked, "session")?;
    let mut changed = session.clone();
    if !asked["delegation"].is_null() {
        change_delegation(&mut changed, &asked["delegation"])?;
    }
    if let Some(triggers) = members.get("triggers") {
        changed["triggers"] = triggers.clone();
    }
    *session = changed;
    Ok(())
}

/// The encoding of a session's audio.
pub(super) fn format(session: &Value) -> AudioFormat {
    AudioFormat::deserialize(&session["audio"]["format"]).unwrap_or_default()
}

/// The configured worker of a session.
pub(super) fn target(session: &Value) -> &str {
    session["delegation"]["type"].as_str().unwrap_or("client")
}

fn change_delegation(session: &mut Value, asked: &Value) -> Result<(), Fault> {
    let kind = asked["type"].as_str().unwrap_or_default();
    if kind != target(session) {
        let message = "The delegation type cannot change after session startup.";
        return Err(Fault::new("immutable_field_update", message).at("session.delegation.type"));
    }
    if session["delegation"].is_null() {
        session["delegation"] = json!({ "type": kind });
    }
    for member in ["responses", "decisions"] {
        if let Value::Object(changes) = &asked[member] {
            lay_over(&mut session["delegation"][member], &Value::Object(changes.clone()));
        }
    }
    if !asked["acknowledgement_delay_ms"].is_null() {
        session["delegation"]["acknowledgement_delay_ms"] = asked["acknowledgement_delay_ms"].clone();
    }
    Ok(())
}

/// The service only accepts these rates, and always reports one.
fn check_format(asked: &Value) -> Result<(), Fault> {
    let format = &asked["audio"]["format"];
    let rates: &[u64] = match format["type"].as_str() {
        Some("audio/pcm") => &[24_000, 16_000],
        Some(_) => &[8_000],
        None => return Ok(()),
    };
    match format["rate"].as_u64() {
        Some(rate) if rates.contains(&rate) => Ok(()),
        rate => {
            let message = format!("Invalid value: '{}'. Supported values are: {rates:?}.", rate.unwrap_or_default());
            Err(Fault::new("invalid_value", message).at("session.audio.format.rate"))
        }
    }
}

fn pcm() -> Value {
    json!({ "type": "audio/pcm", "rate": 24_000 })
}

fn described(session: &mut Value, id: &str, expires_at: u64) {
    session["id"] = id.into();
    session["expires_at"] = expires_at.into();
    session["status"] = "active".into();
}

/// Merges objects member by member, recursively. A list, or an object of another `type`, is replaced as a whole.
fn lay_over(under: &mut Value, over: &Value) {
    match (&mut *under, over) {
        (Value::Object(under), Value::Object(over)) if under.get("type") == over.get("type") => {
            lay_members(under, over)
        }
        _ => *under = over.clone(),
    }
}

fn lay_members(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match under.get_mut(name) {
            Some(present) => lay_over(present, value),
            None => drop(under.insert(name.clone(), value.clone())),
        }
    }
}
