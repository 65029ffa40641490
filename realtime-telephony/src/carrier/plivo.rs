//! Plivo audio streaming.

use realtime_audio::{Encoding, Format};
use serde_json::{Map, Value, json};

use super::read;
use crate::{ByteOrder, Frame, Incoming, Start};

pub(super) fn read(event: &str, json: &Value, order: ByteOrder) -> Result<Option<Incoming>, String> {
    Ok(Some(match event {
        "connected" => Incoming::Connected,
        "start" => Incoming::Start(Box::new(start(json, order)?)),
        "media" => Incoming::Media(read::media(json)?),
        "playedStream" => Incoming::Mark(read::mark(&json["name"])?),
        "clearedAudio" => Incoming::Cleared,
        "dtmf" => Incoming::Dtmf(read::dtmf(&json["dtmf"])?),
        "stop" => {
            Incoming::Stop { reason: read::text(&json["reason"]).or_else(|| read::text(&json["stop"]["reason"])) }
        }
        _ => return Ok(None),
    }))
}

fn start(json: &Value, order: ByteOrder) -> Result<Start, String> {
    let start = &json["start"];
    let stream_id = read::text(&start["streamId"]).or_else(|| read::text(&json["streamId"]));
    let format = &start["mediaFormat"];
    let (parameters, parameters_raw) = match &json["extra_headers"] {
        Value::String(text) => (parameters(text), Some(text.clone())),
        other => (read::object(other), other.is_object().then(|| other.to_string())),
    };
    Ok(Start {
        // Required for marking and clearing.
        stream_id: Some(stream_id.ok_or("the start has no streamId")?),
        call_id: read::text(&start["callId"]),
        account_id: read::text(&start["accountId"]),
        from: None,
        to: None,
        client_state: None,
        format: read::format(&format["encoding"], &format["sampleRate"], &format["channels"], order),
        parameters,
        parameters_raw,
    })
}

/// Parses `k=v;k2=v2`, `k=v,k2=v2`, or a JSON object.
fn parameters(text: &str) -> Map<String, Value> {
    if let Ok(Value::Object(object)) = serde_json::from_str(text) {
        return object;
    }
    let separator = if text.contains(';') { ';' } else { ',' };
    let pairs = text.split(separator).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().into(), value.trim().into())).collect()
}

pub(super) fn media(start: &Start, format: Format, payload: String) -> Frame {
    let kind = match format.encoding() {
        Encoding::Pcmu => "audio/x-mulaw",
        Encoding::Pcma => "audio/x-alaw",
        _ => "audio/x-l16",
    };
    let media = json!({ "contentType": kind, "sampleRate": format.rate_hz(), "payload": payload });
    json!({ "event": "playAudio", "streamId": start.stream_id, "media": media }).to_string().into()
}

pub(super) fn mark(start: &Start, name: &str) -> Frame {
    json!({ "event": "checkpoint", "streamId": start.stream_id, "name": name }).to_string().into()
}

pub(super) fn clear(start: &Start) -> Frame {
    json!({ "event": "clearAudio", "streamId": start.stream_id }).to_string().into()
}

pub(super) fn dtmf(digits: &str) -> Frame {
    json!({ "event": "sendDTMF", "dtmf": digits }).to_string().into()
}
