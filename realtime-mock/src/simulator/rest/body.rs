//! Request bodies: an SDP offer, alone or in a form.

use serde_json::{Map, Value};

use super::Refusal;
use crate::simulator::session::Fault;

/// The SDP offer and the session configuration of a request for a call.
pub(super) fn offer(content_type: &str, body: &[u8]) -> Result<(String, Option<Map<String, Value>>), Refusal> {
    let text = |body: &[u8]| match std::str::from_utf8(body) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Refusal::from(Fault::new("invalid_offer", "The SDP offer is not UTF-8."))),
    };
    let Some(parameters) = content_type.strip_prefix("multipart/form-data") else {
        if content_type.split(';').next().map(str::trim) != Some("application/sdp") {
            let message = "Unsupported content type: send the offer as application/sdp or in a multipart form.";
            return Err(Fault::new("unsupported_content_type", message).into());
        }
        return Ok((text(body)?, None));
    };
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="));
    let boundary = boundary.map(|boundary| boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or_else(|| Fault::new("invalid_form", "The form has no boundary."))?;
    let parts = parts(body, boundary);
    let part = |name: &str| {
        let marks = [format!("name=\"{name}\""), format!("name={name}")];
        let named =
            |head: &str| head.split([';', '\r', '\n']).any(|piece| marks.iter().any(|mark| piece.trim() == mark));
        parts.iter().find(|(head, _)| named(head)).map(|(_, body)| *body)
    };
    let session = match part("session").map(serde_json::from_slice) {
        None => None,
        Some(Ok(Value::Object(session))) => Some(session),
        Some(_) => return Err(Fault::new("invalid_type", "'session' must be a JSON object.").at("session").into()),
    };
    let offer = part("sdp").ok_or_else(|| Fault::missing("sdp"))?;
    Ok((text(offer)?, session))
}

/// The headers and the body of every part of a form (RFC 2046, section 5.1).
fn parts<'a>(form: &'a [u8], boundary: &str) -> Vec<(String, &'a [u8])> {
    let mark = format!("\r\n--{boundary}");
    let first = format!("--{boundary}");
    let mut rest = match form.strip_prefix(first.as_bytes()) {
        Some(rest) => rest,
        None => return Vec::new(),
    };
    let mut parts = Vec::new();
    while let Some(end) = memchr::memmem::find(rest, mark.as_bytes()) {
        let part = rest.get(..end).unwrap_or_default();
        let part = part.strip_prefix(b"\r\n").unwrap_or(part);
        if let Some(head) = memchr::memmem::find(part, b"\r\n\r\n") {
            let (head, body) = part.split_at(head);
            parts.push((String::from_utf8_lossy(head).into_owned(), body.get(4..).unwrap_or_default()));
        }
        rest = rest.get(end + mark.len()..).unwrap_or_default();
    }
    parts
}

/// An answer that declines every stream of an offer with port 0 (RFC 3264, section 6), because there is no media.
pub(super) fn declined(offer: &str) -> Result<String, Refusal> {
    if !offer.starts_with("v=0") {
        return Err(Fault::new("invalid_offer", "The SDP offer cannot be read.").at("sdp").into());
    }
    let mut answer = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    for stream in offer.lines().filter(|line| line.starts_with("m=")) {
        let mut words = stream.split(' ');
        if let (Some(media), Some(_)) = (words.next(), words.next()) {
            let rest: Vec<_> = words.collect();
            answer.push_str(&format!("{media} 0 {}\r\n", rest.join(" ")));
        }
    }
    Ok(answer)
}

/// A stereo recording of 20 ms at 24,000 Hz.
pub(super) fn silent_wav() -> Vec<u8> {
    const DATA: u32 = 480 * 4;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + DATA).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    for word in [16_u32, 1 | 2 << 16, 24_000, 96_000, 4 | 16 << 16] {
        wav.extend(word.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend(DATA.to_le_bytes());
    wav.resize(wav.len() + DATA as usize, 0);
    wav
}
