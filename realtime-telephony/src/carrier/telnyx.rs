//! Telnyx media streaming, in the mode `rtp`.

use serde_json::{Value, json};

use super::read;
use crate::{ByteOrder, CarrierError, Dtmf, Frame, Incoming, Start};

pub(super) fn read(event: &str, json: &Value, order: ByteOrder) -> Result<Option<Incoming>, String> {
    Ok(Some(match event {
        "connected" => Incoming::Connected,
        "start" => Incoming::Start(Box::new(start(json, order)?)),
        "media" => Incoming::Media(read::media(json)?),
        "mark" => Incoming::Mark(read::mark(&json["mark"]["name"])?),
        "dtmf" => Incoming::Dtmf(Dtmf { occurred_at: read::text(&json["occurred_at"]), ..read::dtmf(&json["dtmf"])? }),
        "error" => {
            let payload = &json["payload"];
            Incoming::Error(CarrierError {
                code: read::number(&payload["code"]),
                title: read::text(&payload["title"]),
                detail: read::text(&payload["detail"]),
            })
        }
        "stop" => Incoming::Stop { reason: read::text(&json["stop"]["reason"]) },
        _ => return Ok(None),
    }))
}

fn start(json: &Value, order: ByteOrder) -> Result<Start, String> {
    let start = json["start"].as_object().map(|_| &json["start"]).ok_or("the start says nothing")?;
    let format = &start["media_format"];
    let parameters = [&start["custom_parameters"], &json["custom_parameters"]].into_iter().find(|it| it.is_object());
    Ok(Start {
        stream_id: read::text(&json["stream_id"]).or_else(|| read::text(&start["stream_id"])),
        call_id: read::text(&start["call_control_id"]),
        account_id: read::text(&start["user_id"]),
        from: read::text(&start["from"]),
        to: read::text(&start["to"]),
        client_state: read::text(&start["client_state"]),
        format: read::format(&format["encoding"], &format["sample_rate"], &format["channels"], order),
        parameters: parameters.map(read::object).unwrap_or_default(),
        parameters_raw: None,
    })
}

pub(super) fn media(payload: String) -> Frame {
    json!({ "event": "media", "media": { "payload": payload } }).to_string().into()
}

pub(super) fn mark(name: &str) -> Frame {
    json!({ "event": "mark", "mark": { "name": name } }).to_string().into()
}

pub(super) fn clear() -> Frame {
    json!({ "event": "clear" }).to_string().into()
}
