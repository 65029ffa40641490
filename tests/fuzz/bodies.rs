//! What holds for any input: plain functions, for ordinary tests and for cargo-fuzz (`fuzz/`).

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use realtime_audio::wav::{Wav, encode};
use realtime_core::{
    Protocol, Realtime, RealtimeSettings, Translation,
    auth::Credential,
    dialect::Dialect,
    endpoint::{Endpoint, Extras, Target},
    event::{self, Event, Reading, Recognition},
    live::{self, ForkSettings, Live, LiveFork, LiveSettings, LiveSideband, SidebandSettings},
    rest::{Operation, RestError, RestErrorKind, calls, client_secrets, live_sessions},
    session::{Changes, Playback, RealtimeState, Retention, Setup, State, Timeouts},
    transport::{Instant, Text, Transport},
    types::{AudioFormat, SessionConfig, SessionInfo},
    webhooks::{WebhookError, WebhookEvent, Webhooks},
};
use realtime_mock::{Cassette, Simulator, VirtualClock};
use serde_json::{Value, value::RawValue};

#[path = "../../realtime-core/tests/both/mod.rs"]
mod both;
#[path = "telephone.rs"]
pub(crate) mod telephone;

/// A message of any kind: reading it never fails, and what was read can be written and read again.
pub(crate) fn decode(data: &[u8]) {
    again::<event::ServerEvent>(data);
    again::<event::ClientEvent>(data);
    again::<event::translation::ServerEvent>(data);
    again::<event::translation::ClientEvent>(data);
    leniently(data);
}

/// What is read the fast way is read member by member, too, and neither panics.
fn leniently(data: &[u8]) {
    let Some(start) = data.iter().position(|byte| *byte == b'{') else { return };
    let objects = vec!["{}"; data.len() / 20 + 6_000].join(",");
    let crowd = format!(r#""crowd":[{objects}],"#);
    let (head, rest) = data.split_at(start + 1);
    let mut reading = Reading::default();
    let lenient = event::ServerEvent::read(&[head, crowd.as_bytes(), rest].concat(), &mut reading);
    let strict = event::ServerEvent::decode(data);
    if strict.recognition() == Recognition::Known && rest.trim_ascii_start().starts_with(b"\"") {
        assert_eq!(lenient.recognition(), Recognition::Known, "{strict:?}");
    }
    assert!(reading.left_out.len() <= 16);
}

/// Decoded by hand and by serde it is the same event.
fn again<E: Event>(data: &[u8]) {
    both::compare_as::<E>(data);
    let event = E::decode(data);
    let text = event.encode();
    // What is no event, or has another shape, is kept as it came.
    if matches!(event.recognition(), Recognition::Invalid(_) | Recognition::Malformed(_)) {
        assert_eq!(text.as_bytes().len(), event.encode().as_bytes().len());
        return;
    }
    let twice = E::decode(text.as_bytes());
    assert_eq!(twice.kind(), event.kind());
    assert_eq!(twice.event_id(), event.event_id());
    let written = twice.encode();
    let value = |text: &Text| serde_json::from_slice::<Value>(text.as_bytes()).unwrap();
    if twice == event {
        // JSON that is kept as it came may lose blanks.
        assert!(written == text || value(&written) == value(&text), "{event:?} is written in two ways");
    } else {
        assert!(is_near(&value(&text), &value(&written)), "{event:?} became {twice:?}");
    }
}

/// An event of the client in the older words: it stays JSON of the same type, and what a flat server hands back of a
/// configuration is read as one.
pub(crate) fn dialect(data: &[u8]) {
    let event = event::ClientEvent::decode(data);
    if event.recognition() != Recognition::Known {
        return;
    }
    let Ok(text) = Dialect::Flat.encode(&event) else { return };
    assert!(serde_json::from_slice::<&RawValue>(text.as_bytes()).is_ok(), "no JSON: {text:?}");
    // What is kept as it came may have half of a surrogate pair in it, which no string holds.
    let Ok(mut value) = serde_json::from_slice::<Value>(text.as_bytes()) else { return };
    assert_eq!(value["type"], event.kind());
    let event::ClientEvent::SessionUpdate(update) = &event else { return };
    value["type"] = "session.updated".into();
    let told = event::ServerEvent::decode(value.to_string().as_bytes());
    let event::ServerEvent::SessionUpdated(told) = &told else { panic!("{told:?}") };
    let (SessionConfig::Realtime(config), SessionInfo::Realtime(info)) = (&update.session, &told.session) else {
        return;
    };
    // What the flat form says of the sound is what was said.
    let asked = config.audio.as_ref().and_then(|audio| audio.output.as_ref()).and_then(|output| output.format.as_ref());
    let read = info.audio.as_ref().and_then(|audio| audio.output.as_ref()).and_then(|output| output.format.as_ref());
    if let Some(format @ (AudioFormat::Pcmu | AudioFormat::Pcma)) = asked {
        assert_eq!(read, Some(format), "{value}");
    }
    if config.instructions.as_deref().is_some_and(|text| !text.is_empty()) {
        assert_eq!(config.instructions, info.instructions, "{value}");
    }
}

/// A session whose streams come under the newer names, and the same with each event of them under both: what is said in
/// the end is the same.
pub(crate) fn twins(data: &[u8]) {
    let mut states = [RealtimeState::default(), RealtimeState::default()];
    for (number, frame) in (1..).zip(data.split(|byte| *byte == b'\n')) {
        let now = Instant::from_origin(Duration::from_millis(number * 100));
        let hear = |state: &mut RealtimeState, frame: &[u8]| {
            let mut changes = Changes::default();
            let mut event = event::ServerEvent::read(frame, &mut changes.reading);
            State::<Realtime>::received(state, &mut event, now, &mut changes);
        };
        let Some(older) = older_name(frame) else { continue };
        let [once, twice] = &mut states;
        hear(once, frame);
        hear(twice, frame);
        if let Some(older) = older {
            hear(twice, &older);
        }
    }
    let said = |state: &RealtimeState| -> Vec<_> {
        let items = state.conversation.items();
        items.map(|item| (item.id.clone(), item.text(), item.transcript(), item.audio_bytes())).collect()
    };
    assert_eq!(said(&states[0]), said(&states[1]));
}

/// The event under its older name, if it has one. None if it comes by that name already.
fn older_name(frame: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut reading = Reading::default();
    let event = event::ServerEvent::read(frame, &mut reading);
    if reading.older_name {
        return None;
    }
    let newer = format!(r#"{{"type":"{}""#, event.kind());
    let (Some(rest), true) = (frame.strip_prefix(newer.as_bytes()), event.recognition() == Recognition::Known) else {
        return Some(None);
    };
    let names = ["output_audio.", "output_audio_transcript.", "output_text."];
    let has_older =
        names.iter().any(|name| event.kind().strip_prefix("response.").is_some_and(|kind| kind.starts_with(name)));
    let older = newer.replace("response.output_", "response.");
    Some(has_older.then(|| [older.as_bytes(), rest].concat()))
}

/// A message that may be a delta: read by hand and by the general path, it is the same.
pub(crate) fn deltas(data: &[u8]) {
    both::compare(data);
}

/// Whether they are the same but for the last bit of a fraction: `serde_json` reads those fast, not exactly.
fn is_near(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= one.abs() * 1e-12,
            _ => one == other,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_near(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let near = |(key, value)| other.get(key).is_some_and(|other| is_near(value, other));
            one.len() == other.len() && one.iter().all(near)
        }
        (one, other) => one == other,
    }
}

/// A session that meets these frames, a line each; those of the client begin with `>`. The first byte decides what it
/// keeps and follows.
pub(crate) fn session(data: &[u8]) {
    let (flags, frames) = data.split_first().map_or((0, data), |(flags, frames)| (*flags, frames));
    let (mut memory, mut setup) = (Retention::default(), Setup::default().restore(flags & 16 != 0));
    if flags & 1 != 0 {
        memory.items = Some(4);
        memory.responses = Some(2);
        setup.kept_errors = Some(2);
    }
    memory.audio = flags & 2 != 0;
    let playback = match flags & 12 {
        4 => Some(Playback::default()),
        8 => Some(Playback::queued()),
        _ => None,
    };
    // The audio that waits to be played is shared, so that it can be taken without a lock of the session.
    let views = if playback.is_none() { 4 } else { 0 };
    follow::<Realtime>(frames, &RealtimeSettings::default().memory(memory).playback(playback), &setup, views);
    follow::<Translation>(frames, &(), &setup, views);
}

/// A Live session that meets these frames, a line each; those of the client begin with `>`. The first byte decides what it
/// keeps, and which kind of connection it is. Each frame is read and written as an event of every table, too.
pub(crate) fn live(data: &[u8]) {
    let (flags, frames) = data.split_first().map_or((0, data), |(flags, frames)| (*flags, frames));
    for frame in frames.split(|byte| *byte == b'\n').take(64) {
        let frame = frame.strip_prefix(b">").unwrap_or(frame);
        again::<live::event::ServerEvent>(frame);
        again::<live::event::ClientEvent>(frame);
        again::<live::event::fork::ClientEvent>(frame);
        again::<live::event::sideband::ClientEvent>(frame);
    }
    let mut setup = Setup::default().restore(flags & 16 != 0);
    if flags & 1 != 0 {
        setup.kept_errors = Some(2);
    }
    match flags & 6 {
        2 => follow::<LiveFork>(frames, &ForkSettings::default(), &setup, 4),
        4 => follow::<LiveSideband>(frames, &SidebandSettings::default(), &setup, 4),
        _ => follow::<Live>(frames, &LiveSettings::default(), &setup, 4),
    }
}

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

/// `most_views` is how many views of the state are taken.
fn follow<P: Protocol>(frames: &[u8], settings: &P::Settings, setup: &Setup, most_views: usize) {
    let mut state = P::State::default();
    state.configure(settings, setup);
    // Views of it, and what they showed when they were taken.
    let mut views: Vec<(P::State, String)> = Vec::new();
    for (number, frame) in (1..).zip(frames.split(|byte| *byte == b'\n')) {
        let now = Instant::from_origin(Duration::from_millis(number * 100));
        if number % 16 == 0 && views.len() < most_views {
            views.push((state.clone(), format!("{state:?}")));
        }
        if let Some(frame) = frame.strip_prefix(b">") {
            let event = P::ClientEvent::decode(frame);
            let _ = state.admits(&event, now);
            state.sent(number, &event, now);
        } else {
            let mut changes = Changes::default();
            // Ten events a second.
            let timeouts = Timeouts::new(SECOND, SECOND, SECOND);
            if state.due(&timeouts).is_some_and(|at| now >= at) {
                state.expire(&timeouts, now, &mut changes);
                assert!(state.due(&timeouts).is_none_or(|at| at > now), "given up, and still due");
            }
            state.received(&mut P::ServerEvent::decode(frame), now, &mut changes);
            // Each request is settled once.
            let mut settled: Vec<u64> = changes.settled.iter().map(|(request, _)| *request).collect();
            settled.sort_unstable();
            let all = settled.len();
            settled.dedup();
            assert_eq!(all, settled.len(), "settled twice");
            while state.next_outgoing().is_some() {}
        }
    }
    for (view, shown) in views {
        assert!(format!("{view:?}") == shown, "a view has changed");
    }
    let now = Instant::from_origin(Duration::from_secs(1 << 30));
    let _ =
        (state.is_quiet(now), state.expires_at(), state.deadline(), state.sample_bytes(), state.input_ms(usize::MAX));
    for repeat in [false, true] {
        let (plan, next) = state.restoration(repeat, now);
        assert_eq!(plan.replayed.iter().filter(|id| plan.lost.iter().any(|lost| lost.item_id == **id)).count(), 0);
        // What is asked for is asked for in words that are understood.
        for (_, event) in &plan.events {
            let text = event.encode();
            assert_eq!(P::ClientEvent::decode(text.as_bytes()).kind(), event.kind());
        }
        let _ = format!("{next:?}");
    }
}

/// A file that may be a cassette: what can be read can be written and read again.
pub(crate) fn cassette(data: &[u8]) {
    let Ok(cassette) = Cassette::read(data) else { return };
    let mut text = Vec::new();
    cassette.write(&mut text).unwrap();
    assert!(Cassette::read(&text[..]).unwrap() == cassette);
}

/// A delivery: a line each for the secret, the id, the timestamp and the signatures, and the body behind them. What was
/// not signed is refused, what was signed is not, and either can be read.
pub(crate) fn webhooks(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (secret, id, timestamp, signature, body) = (part(), part(), part(), part(), part());
    let _ = WebhookEvent::read(body);
    let Ok(webhooks) = Webhooks::new(&String::from_utf8_lossy(secret)) else { return };
    assert!(!format!("{webhooks:?}").contains(&*String::from_utf8_lossy(secret)) || secret.len() < 20);
    let mut headers = http::HeaderMap::new();
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)] {
        let Ok(value) = http::HeaderValue::from_bytes(value) else { return };
        headers.append(name, value);
    }
    let number = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse::<u32>().ok()).map(u64::from);
    let now = UNIX_EPOCH + Duration::from_secs(number.unwrap_or(1_795_600_800));
    let verdict = webhooks.verify(&headers, body, now);
    assert!(!matches!(verdict, Err(WebhookError::Secret | WebhookError::Decode(_))), "{verdict:?}");
    // By the form in which it is signed here.
    let (Some(number), Ok(id)) = (number.filter(|it| it.to_string().as_bytes() == timestamp), std::str::from_utf8(id))
    else {
        return;
    };
    if verdict.is_err() && !id.is_empty() {
        let right = webhooks.sign(id, number, body);
        let text = std::str::from_utf8(signature).ok().filter(|text| text.is_ascii()).unwrap_or_default();
        assert!(text.split_ascii_whitespace().all(|token| token != right), "{verdict:?}");
        headers.append("webhook-signature", right.parse().unwrap());
        assert!(webhooks.verify(&headers, body, now).is_ok());
    }
}

/// An answer of the REST API: a line each for the status, the location and the content type, and the body behind them. A
/// refusal keeps its status, whatever comes with it, and what is read as an answer was one of success.
pub(crate) fn rest_answers(data: &[u8]) {
    fn read<O: Operation>(operation: &O, answer: &http::Response<Bytes>) {
        if let Err(error) = operation.read(answer.clone()) {
            assert_eq!(error.status(), answer.status());
            let refused = !answer.status().is_success();
            assert_eq!(error.kind() == RestErrorKind::Refused, refused, "{error:?}");
            assert!(!error.to_string().is_empty() && (refused || !error.is_retryable()));
            let _ = error.retry_after(Some(Duration::from_secs(1_795_600_800)));
        } else {
            assert!(answer.status().is_success());
        }
    }

    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (status, location, content_type, body) = (part(), part(), part(), part());
    let mut answer = http::Response::new(Bytes::copy_from_slice(body));
    let status = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()).unwrap_or(200_u16);
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in [("location", location), ("retry-after", location), ("content-type", content_type)] {
        if let Ok(value) = http::HeaderValue::from_bytes(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    read(&client_secrets::Create::default(), &answer);
    let session = client_secrets::TranslationSession::new("gpt-realtime-translate");
    read(&client_secrets::CreateTranslation::new(session), &answer);
    read(&calls::Create::new("v=0"), &answer);
    read(&calls::HangUp::new("rtc_1"), &answer);
    read(&live_sessions::Fork::new("live_1", live_sessions::WebRtc::new("v=0")), &answer);
    read(&live_sessions::Content::new("live_1"), &answer);
}

/// A request to the simulator's REST API: a line each for the path and the content type, and the body behind them. It is
/// answered, and a refusal is one that the client reads.
pub(crate) fn rest_requests(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (path, content_type, body) = (part(), part(), part());
    let path = String::from_utf8_lossy(path);
    let request = http::Request::post(&*path).header("content-type", content_type).body(Bytes::copy_from_slice(body));
    let Ok(request) = request else { return };
    let clock = VirtualClock::new();
    let http = Simulator::new().transport(&clock).http().unwrap();
    let answer = clock.block_on(http.send(request)).unwrap();
    if !answer.status().is_success() {
        let error = RestError::refused(&answer);
        assert!(error.message().is_some() && error.code().is_some() && error.request_id().is_some(), "{error:?}");
    }
}

/// A file that may be WAV: what can be read has whole frames, all of them samples, and can be written and read again,
/// unless its rate is one that is not written.
pub(crate) fn wav(data: &[u8]) {
    let Ok(wav) = Wav::parse(data) else { return };
    let channels = u64::from(wav.format().channels());
    assert_eq!(wav.samples::<i16>().len() as u64, wav.frames() * channels);
    assert!(wav.audio().len() + wav.left_over() <= data.len());
    let Ok(file) = encode(wav.format(), wav.audio()) else { return };
    let again = Wav::parse(&file).unwrap();
    assert_eq!((again.format(), again.audio()), (wav.format(), wav.audio()));
    assert_eq!((again.missing_bytes(), again.left_over()), (0, 0));
}

/// Lines that become a URL: a base, a target, the name and the value of a query parameter and of a header. Whatever can
/// be connected to is safe to connect to, and to print.
pub(crate) fn urls(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (form, base, target) = (line(), line(), line());
    let (name, value, header, content) = (line(), line(), line(), line());
    let targets = [
        Target::Model(target.into()),
        Target::Call(target.into()),
        Target::Translation(target.into()),
        Target::Transcription,
    ];
    let flags = form.as_bytes().first().map_or(0, |byte| byte.wrapping_sub(b'0'));
    let endpoint = match flags & 3 {
        0 => Endpoint::gateway(base),
        1 => Endpoint::azure(base),
        2 => Endpoint::azure_preview(base, "2025-04-01"),
        _ => Endpoint::openai().websocket_base(base),
    };
    let extras = Extras::new().query(name, value);
    let extras = if header.is_empty() { extras } else { extras.header(header, content) };
    let endpoint = endpoint.browser(flags & 4 != 0).beta(flags & 8 != 0);
    let credential = Credential::api_key("sk-of-the-fuzzer-alone");
    for target in targets {
        let _ = format!("{endpoint:?} {target:?}");
        let Ok(handshake) = endpoint.handshake(&target, &credential, &extras) else { continue };
        let uri = &handshake.uri;
        assert!(matches!(uri.scheme_str(), Some("ws" | "wss")), "{uri}");
        assert!(uri.host().is_some_and(|host| !host.is_empty()), "{uri}");
        assert!(
            !uri.to_string().contains(['@', '#', ' ', '\r', '\n']) || !uri.authority().unwrap().as_str().contains('@'),
            "{uri}"
        );
        let end = if matches!(target, Target::Translation(_)) { "/realtime/translations" } else { "/realtime" };
        assert!(uri.path().ends_with(end), "{uri}");
        let query = uri.query().unwrap_or_default();
        let values = |name: &str| form_values(query, name);
        if let Target::Call(id) = &target {
            assert_eq!(values("call_id"), [id.as_str()], "{uri}");
        }
        assert!(values("call_id").len() <= 1 && values("intent").len() <= 1 + usize::from(name == "intent"), "{uri}");
        let shown = format!("{handshake:?} {}", handshake.url());
        assert!(!shown.contains("of-the-fuzzer-alone"), "{shown}");
        // The same arguments give the same result.
        assert_eq!(endpoint.handshake(&target, &credential, &extras).unwrap().uri, *uri);
    }
}

fn form_values(query: &str, name: &str) -> Vec<String> {
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            match hex.filter(|_| *byte == b'%') {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => {
                    bytes.push(*byte);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| plain(key) == name).map(|(_, value)| plain(value)).collect()
}
