//! Twilio Media Streams.

use serde_json::{Value, json};

use super::read;
use crate::{ByteOrder, Frame, Incoming, Start};

pub(super) fn read(event: &str, json: &Value) -> Result<Option<Incoming>, String> {
    Ok(Some(match event {
        "connected" => Incoming::Connected,
        "start" => Incoming::Start(Box::new(start(json)?)),
        "media" => Incoming::Media(read::media(json)?),
        "mark" => Incoming::Mark(read::mark(&json["mark"]["name"])?),
        "dtmf" => Incoming::Dtmf(read::dtmf(&json["dtmf"])?),
        "stop" => Incoming::Stop { reason: read::text(&json["stop"]["reason"]) },
        _ => return Ok(None),
    }))
}

fn start(json: &Value) -> Result<Start, String> {
    let start = &json["start"];
    let stream_id = read::text(&json["streamSid"]).or_else(|| read::text(&start["streamSid"]));
    let format = &start["mediaFormat"];
    Ok(Start {
        // Required for sending.
        stream_id: Some(stream_id.ok_or("the start has no streamSid")?),
        call_id: read::text(&start["callSid"]),
        account_id: read::text(&start["accountSid"]),
        from: None,
        to: None,
        client_state: None,
        format: read::format(&format["encoding"], &format["sampleRate"], &format["channels"], ByteOrder::Little),
        parameters: read::object(&start["customParameters"]),
        parameters_raw: None,
    })
}

pub(super) fn media(start: &Start, payload: String) -> Frame {
    json!({ "event": "media", "streamSid": start.stream_id, "media": { "payload": payload } }).to_string().into()
}

pub(super) fn mark(start: &Start, name: &str) -> Frame {
    json!({ "event": "mark", "streamSid": start.stream_id, "mark": { "name": name } }).to_string().into()
}

pub(super) fn clear(start: &Start) -> Frame {
    json!({ "event": "clear", "streamSid": start.stream_id }).to_string().into()
}
