//! Vonage Voice API WebSockets: binary messages are audio, text messages are JSON.

use realtime_core::Json;
use serde_json::{Value, json};

use super::read;
use crate::{ByteOrder, Frame, Incoming, Mark, Start};

pub(super) fn read(event: &str, json: &Value, order: ByteOrder) -> Result<Option<Incoming>, String> {
    Ok(Some(match event {
        "websocket:connected" => Incoming::Start(Box::new(start(json, order))),
        "websocket:notify" => notify(&json["payload"]),
        "websocket:cleared" => Incoming::Cleared,
        "websocket:dtmf" => Incoming::Dtmf(read::dtmf(json)?),
        _ => return Ok(None),
    }))
}

fn start(json: &Value, order: ByteOrder) -> Start {
    let mut parameters = read::object(json);
    parameters.remove("event");
    let kind = parameters.remove("content-type").unwrap_or_default();
    Start {
        stream_id: None,
        call_id: parameters.get("uuid").and_then(read::text),
        account_id: None,
        from: None,
        to: None,
        client_state: None,
        format: read::format(&kind, &Value::Null, &Value::Null, order),
        parameters,
        parameters_raw: None,
    }
}

/// Our own marks are `{"name": ..}`. Anything else is the application's.
fn notify(payload: &Value) -> Incoming {
    match payload.as_object().map(|members| (members.len(), &payload["name"])) {
        Some((1, Value::String(name))) => Incoming::Mark(Mark { name: name.clone(), played: None }),
        _ => Incoming::UnknownNotify(Json::from(payload.clone())),
    }
}

pub(super) fn mark(name: &str) -> Frame {
    json!({ "action": "notify", "payload": { "name": name } }).to_string().into()
}

pub(super) fn clear() -> Frame {
    json!({ "action": "clear" }).to_string().into()
}
