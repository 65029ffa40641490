//! Carriers' media streams: single messages in both directions, signatures, whole calls.

mod auth;
mod frames;
mod session;

use std::path::Path;

use realtime::{
    audio::{Encoding, Format},
    telephony::{Carrier, Frame, Incoming, Media, Settings},
};
use serde_json::{Value, json};

use crate::case::{Outcome, case, each, entries, file_name};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for path in entries(folder) {
        let name = file_name(&path);
        let carrier = match &*name {
            "twilio" => Carrier::Twilio,
            "telnyx" => Carrier::Telnyx,
            "plivo" => Carrier::Plivo,
            "vonage" => Carrier::Vonage,
            _ => {
                outcomes.push(Outcome { name, result: Err("a carrier that is not known here".into()) });
                continue;
            }
        };
        let all = entries(&path).into_iter().flat_map(|path| file(carrier, &path));
        outcomes.extend(all.map(|it| Outcome { name: format!("{name}/{}", it.name), ..it }));
    }
    outcomes
}

fn file(carrier: Carrier, path: &Path) -> Vec<Outcome> {
    match &*file_name(path) {
        "auth.json" => each(path, "cases", |case| auth::verify(carrier, case)),
        "frames.json" => {
            let mut outcomes = each(path, "parse", |case| frames::parse(carrier, case));
            outcomes.extend(each(path, "build", |case| frames::build(carrier, path, case)));
            outcomes
        }
        name if name.ends_with(".jsonl") => vec![case(name, || session::run(carrier, path))],
        // Beside a session, or for people.
        name if name.ends_with(".expect.json") || name.ends_with(".md") => Vec::new(),
        name => vec![Outcome { name: name.into(), result: Err("a file that is not known here".into()) }],
    }
}

/// What is known of a carrier before its first message.
fn settings(carrier: Carrier) -> Settings {
    match carrier {
        Carrier::Telnyx => Settings::telnyx(Format::pcmu()),
        Carrier::Plivo => Settings::plivo(),
        Carrier::Vonage => Settings::vonage(),
        _ => Settings::twilio(),
    }
}

/// A message of a case: `text`, or `binary_base64`.
fn message(case: &Value) -> Result<Frame, String> {
    match (case["text"].as_str(), case["binary_base64"].as_str()) {
        (Some(text), _) => Ok(text.into()),
        (_, Some(text)) => Ok(Frame::Binary(base64(text)?.into())),
        _ => Err(format!("the case has no message: {case}")),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    base64_turbo::STANDARD.decode(text).map_err(|error| format!("the case is not base64: {error:?}"))
}

/// A format of a case. Big-endian only if it says so, or the other order is not given.
fn format(value: &Value, big: bool) -> Result<Format, String> {
    let rate = value["rate"].as_u64().and_then(|rate| u32::try_from(rate).ok()).unwrap_or(8_000);
    let encoding = match (value["encoding"].as_str(), value["byte_order"].as_str()) {
        (Some("pcmu"), _) => Encoding::Pcmu,
        (Some("pcma"), _) => Encoding::Pcma,
        (Some("l16"), Some("big")) => Encoding::PcmBe,
        (Some("l16"), None) if big => Encoding::PcmBe,
        (Some("l16"), _) => Encoding::Pcm,
        _ => return Err(format!("a format that is not known here: {value}")),
    };
    Ok(Format::new(encoding, rate))
}

fn format_value(format: Format) -> Value {
    let rate = format.rate_hz();
    match format.encoding() {
        Encoding::Pcmu => json!({ "encoding": "pcmu", "rate": rate }),
        Encoding::Pcma => json!({ "encoding": "pcma", "rate": rate }),
        Encoding::PcmBe => json!({ "encoding": "l16", "byte_order": "big", "rate": rate }),
        _ => json!({ "encoding": "l16", "byte_order": "little", "rate": rate }),
    }
}

/// What a message says, in the words of the cases.
fn reading(incoming: &Incoming, format: Option<Format>) -> Value {
    match incoming {
        Incoming::Connected => json!({ "kind": "connected" }),
        Incoming::Start(start) => json!({
            "kind": "start", "stream_id": start.stream_id, "call_id": start.call_id,
            "account_id": start.account_id, "from": start.from, "to": start.to,
            "client_state": start.client_state, "format": start.format.clone().ok().map(format_value),
            "format_unsupported": start.format.clone().err().map(|format| format.name),
            "parameters": start.parameters, "parameters_raw": start.parameters_raw,
        }),
        Incoming::Media(media) => media_value(media, format),
        Incoming::Mark(mark) => json!({ "kind": "mark", "name": mark.name, "played": mark.played }),
        Incoming::Cleared => json!({ "kind": "cleared" }),
        Incoming::Stop { reason } => json!({ "kind": "stop", "reason": reason }),
        Incoming::Dtmf(dtmf) => json!({
            "kind": "dtmf", "digit": dtmf.digit, "duration_ms": dtmf.duration_ms, "occurred_at": dtmf.occurred_at,
        }),
        Incoming::Error(error) => {
            json!({ "kind": "error", "code": error.code, "title": error.title, "detail": error.detail })
        }
        Incoming::UnknownNotify(payload) => json!({ "kind": "unknown_notify", "payload": payload.to_value() }),
        Incoming::Unknown(unknown) => json!({ "kind": "unknown", "event": unknown.event }),
        _ => json!({ "kind": "not known here" }),
    }
}

fn media_value(media: &Media, format: Option<Format>) -> Value {
    json!({
        "kind": "media", "track": media.track, "chunk": media.chunk, "timestamp_ms": media.timestamp_ms,
        "bytes": media.audio.len(), "leave_out": media.is_left_out().then_some(true),
        "left_over_half_sample": format.map(|format| media.left_over(format)).filter(|left| *left > 0),
    })
}

/// The audio of a message to a carrier.
fn audio(frame: &Frame) -> Result<Vec<u8>, String> {
    match frame {
        Frame::Binary(audio) => Ok(audio.to_vec()),
        Frame::Text(text) => {
            let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            base64(json["media"]["payload"].as_str().unwrap_or_default())
        }
    }
}

/// Whether a message is the expected one. An `optional` member may be missing, or be the stream's id.
fn same_message(expected: &Value, optional: &Value, stream_id: Option<&str>, came: &Frame) -> Result<(), String> {
    let Frame::Text(text) = came else { return Err(format!("expected {expected}, came a binary message")) };
    let mut came: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut expected = expected.clone();
    for name in optional.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let member = came.as_object_mut().and_then(|members| members.remove(name));
        if let Some(member) = member.filter(|member| member.as_str() != stream_id) {
            return Err(format!("`{name}` is not the stream's id but {member}"));
        }
        expected.as_object_mut().and_then(|members| members.remove(name));
    }
    match crate::case::equal(&expected, &came) {
        true => Ok(()),
        false => Err(format!("expected {expected}, came {came}")),
    }
}
