//! Signed deliveries: accepted or rejected, and read as events.

use std::{
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use realtime::webhooks::{SipHeaders, WebhookData, WebhookError, WebhookEvent, Webhooks};
use serde_json::{Value, json};

use crate::case::{Outcome, each, entries, file_name, listed, text};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for path in entries(folder) {
        outcomes.extend(match &*file_name(&path) {
            "signatures.json" => each(&path, "cases", signature),
            "events.json" => each(&path, "cases", event),
            name => vec![Outcome { name: name.into(), result: Err("a file that is not known here".into()) }],
        });
    }
    outcomes
}

fn receive(case: &Value) -> Result<(), WebhookError> {
    let (headers, body) = (headers(case), body(case));
    let tolerance = Duration::from_secs(case["tolerance_s"].as_u64().unwrap_or(300));
    let now = UNIX_EPOCH + Duration::from_secs(case["now_unix"].as_u64().unwrap_or_default());
    Webhooks::new(text(case, "secret"))?.tolerance(tolerance).verify(&headers, &body, now)
}

fn headers(case: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in case["headers"].as_array().into_iter().flatten() {
        let name = HeaderName::from_bytes(pair[0].as_str().unwrap_or_default().as_bytes());
        let value = HeaderValue::from_bytes(pair[1].as_str().unwrap_or_default().as_bytes());
        // What HTTP cannot carry does not arrive.
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    if let Some(value) = case["signature_repeated"]["value"].as_str() {
        let times = case["signature_repeated"]["times"].as_u64().unwrap_or(1);
        let all = vec![value; usize::try_from(times).unwrap_or(1)].join(" ");
        headers.insert("webhook-signature", HeaderValue::from_str(&all).unwrap());
    }
    headers
}

fn body(case: &Value) -> Vec<u8> {
    match case["body_base64"].as_str() {
        Some(encoded) => base64_turbo::STANDARD.decode(encoded).unwrap(),
        None => text(case, "body").as_bytes().to_vec(),
    }
}

fn signature(case: &Value) -> Result<(), String> {
    let came = receive(case);
    let verdict = text(case, "verdict");
    let wrong_reason = || {
        let reasons = match &case["reason"] {
            Value::Null => return false,
            Value::Array(reasons) => reasons.clone(),
            reason => vec![reason.clone()],
        };
        // The one distinction that matters: a mistake in the configuration, or a delivery that cannot be trusted.
        let secret = matches!(came, Err(WebhookError::Secret));
        came.is_err() && !reasons.iter().any(|reason| (reason == "secret") == secret)
    };
    let fits = match (verdict, &came) {
        ("accept", came) => came.is_ok(),
        ("reject", came) => came.is_err() && !wrong_reason(),
        ("either", _) => !wrong_reason(),
        _ => false,
    };
    let expected = format!("expected {verdict} {}", case["reason"]);
    if fits { Ok(()) } else { Err(format!("{expected}, came {came:?}")) }
}

fn event(case: &Value) -> Result<(), String> {
    receive(case).map_err(|error| format!("refused: {error}"))?;
    let body = body(case);
    let came = match WebhookEvent::read(&body) {
        Ok(event) => reading(&event, &body),
        Err(WebhookError::Decode(_)) => json!({ "error": "decode" }),
        Err(other) => json!({ "error": other.to_string() }),
    };
    listed(&case["expect"], &came)
}

fn reading(event: &WebhookEvent, body: &[u8]) -> Value {
    let kind = if event.data == WebhookData::Unknown { "unknown" } else { &event.kind };
    let raw_kept = serde_json::from_slice::<Value>(body).is_ok_and(|whole| event.raw.to_value() == whole);
    let mut came = json!({
        "kind": kind, "type": event.kind, "id": event.id, "created_at": event.created_at, "raw_kept": raw_kept,
    });
    let sip = |headers: &SipHeaders| headers.iter().map(|header| json!([header.name, header.value])).collect();
    match &event.data {
        WebhookData::CallIncoming(call) => {
            came["call_id"] = json!(call.call_id);
            came["sip_headers"] = sip(&call.sip_headers);
            came["sip_media_security"] = json!(call.sip_media_security);
        }
        WebhookData::LiveTransportIncoming(transport)
        | WebhookData::LiveTransportConnected(transport)
        | WebhookData::LiveCallIncoming(transport) => {
            came["session_id"] = json!(transport.session_id);
            came["transport"] = json!(transport.transport);
            came["sip_headers"] = sip(&transport.sip_headers);
            came["sip_media_security"] = json!(transport.sip_media_security);
        }
        _ => {}
    }
    came
}
