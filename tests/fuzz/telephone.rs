//! Messages and signed requests of telephone carriers.

use std::time::{Duration, UNIX_EPOCH};

use realtime_core::{transport::Instant, types::AudioFormat};
use realtime_telephony::{
    Bridge, BridgeEvent, CarrierStream, Frame, Part, Settings,
    auth::{Plivo, Telnyx, Twilio, Vonage},
};
use serde_json::Value;

/// A call: the first byte chooses the carrier, and each line is a message of it; `#` stands before a binary one, and
/// `>`, `!` and `*` let the application play, interrupt and mark. Whatever comes, the call goes on, what is sent can be
/// read, and nobody has heard more than was sent.
pub(crate) fn carriers(data: &[u8]) {
    let (carrier, lines) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let settings = match carrier & 3 {
        0 => Settings::twilio(),
        1 => Settings::telnyx(realtime_audio::Format::pcma()),
        2 => Settings::plivo(),
        _ => Settings::vonage(),
    };
    let session = if carrier & 4 == 0 { AudioFormat::Pcmu } else { AudioFormat::pcm() };
    let (mut bridge, mut stream) = (Bridge::new(settings, session.clone(), session), CarrierStream::new(settings));
    let part = Part::new("item", 0);
    for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n').take(256)) {
        let now = Instant::from_origin(Duration::from_millis(number * 20));
        let text = String::from_utf8_lossy(line);
        let asked = match line.first() {
            Some(b'>') => bridge.play(now, &part, line),
            Some(b'*') => bridge.finish(now),
            Some(b'!') => {
                bridge.interrupt(now);
                Ok(())
            }
            _ => {
                let frame = line
                    .strip_prefix(b"#")
                    .map_or_else(|| Frame::from(&*text), |bytes| Frame::Binary(bytes.to_vec().into()));
                // Read by both alike.
                assert_eq!(bridge.receive(now, &frame).is_ok(), stream.receive(&frame).is_ok());
                Ok(())
            }
        };
        let _ = (asked, stream.mark(now, &text), stream.dtmf(&text), stream.clear(now));
        let sent = stream.media(now, &part, line).unwrap_or_default();
        for frame in std::iter::from_fn(|| bridge.next_frame(now)).chain(sent) {
            if let Frame::Text(text) = frame {
                serde_json::from_str::<Value>(&text).unwrap();
            }
        }
        while let Some(event) = bridge.next_event() {
            if let BridgeEvent::Heard { part, ms } = event {
                let sent = bridge.stream().sent(&part).unwrap_or_default();
                assert!(Duration::from_millis(ms) <= sent, "{ms} ms of {sent:?}");
            }
        }
        while stream.next_media().is_some() {}
    }
    bridge.hang_up();
    assert_eq!(bridge.deadline(), None);
}

/// A request that may come from a carrier: a line each for a key, a URL, two header values, and the body behind them.
/// Without the key nothing is believed.
pub(crate) fn carrier_requests(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n').map(|part| String::from_utf8_lossy(part));
    let mut part = || parts.next().unwrap_or_default();
    let (key, url, signature, other, body) = (part(), part(), part(), part(), part());
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("x-twilio-signature", &signature),
        ("x-twilio-webhooks-signature-settings", &other),
        ("x-plivo-signature-v3", &signature),
        ("x-plivo-signature-v3-nonce", &other),
        ("telnyx-signature-ed25519", &signature),
        ("telnyx-timestamp", &other),
        ("authorization", &signature),
    ] {
        let Ok(value) = http::HeaderValue::from_str(value) else { return };
        headers.append(name, value);
    }
    let now = UNIX_EPOCH + Duration::from_secs(1_795_600_800);
    let _ = Telnyx::new(&key).map(|telnyx| telnyx.verify(&headers, body.as_bytes(), now));
    let wrong = "another key than any of the corpus";
    assert!(Twilio::new(wrong).unwrap().verify(&url, &[], &headers).is_err());
    assert!(Twilio::shared_key("name", wrong).unwrap().verify(&url, &[], &headers).is_err());
    assert!(Plivo::new(wrong).unwrap().verify(&url, &headers).is_err());
    assert!(Vonage::new(wrong).unwrap().verify(&headers, body.as_bytes(), now).is_err());
    let Ok(twilio) = Twilio::new(&key) else { return };
    let _ = (twilio.verify(&url, &[], &headers), Plivo::new(&key).map(|plivo| plivo.verify(&url, &headers)));
    let _ = Vonage::new(&key).map(|vonage| vonage.verify(&headers, body.as_bytes(), now));
}
