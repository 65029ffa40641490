//! Whether a request comes from the carrier.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use realtime::telephony::{
    Carrier,
    auth::{AuthError, Plivo, Telnyx, Twilio, Vonage},
};
use serde_json::Value;

use crate::case::text;

pub(super) fn verify(carrier: Carrier, case: &Value) -> Result<(), String> {
    let came = ask(carrier, case);
    match (text(case, "verdict"), came.is_ok()) {
        ("accept", true) | ("reject", false) | ("either", _) => Ok(()),
        (verdict, _) => Err(format!("expected {verdict} {}, came {came:?}", case["reason"])),
    }
}

fn ask(carrier: Carrier, case: &Value) -> Result<(), AuthError> {
    let headers = headers(case);
    let (url, body) = (text(case, "url"), text(case, "body").as_bytes());
    let now = UNIX_EPOCH + Duration::from_secs(case["now_unix"].as_u64().unwrap_or_default());
    let tolerance = Duration::from_secs(case["tolerance_s"].as_u64().unwrap_or(300));
    match carrier {
        Carrier::Telnyx => {
            Telnyx::new(text(case, "public_key_base64"))?.tolerance(tolerance).verify(&headers, body, now)
        }
        Carrier::Plivo => Plivo::new(text(case, "auth_token"))?.verify(url, &headers),
        Carrier::Vonage => Vonage::new(text(case, "secret"))?.tolerance(tolerance).verify(&headers, body, now),
        _ => {
            let configured = &case["configured"];
            let twilio = match text(configured, "algorithm") {
                "HMAC_SHA256" => Twilio::shared_key(text(configured, "key_name"), text(configured, "key"))?,
                _ => Twilio::new(text(case, "auth_token"))?,
            };
            twilio.verify(url, &[], &headers)
        }
    }
}

fn headers(case: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &Value| {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_str().unwrap_or_default().as_bytes());
        // What HTTP cannot carry does not arrive.
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    };
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        add(name, value);
    }
    for pair in case["headers"].as_array().into_iter().flatten() {
        add(pair[0].as_str().unwrap_or_default(), &pair[1]);
    }
    headers
}
