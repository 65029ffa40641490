//! Requests of the REST API as they leave, and what is read out of their answers.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use realtime::{
    auth::Credential,
    endpoint::{Endpoint, Extras},
    live::types::{AcceptSession, MediaForkConfig},
    rest::{BodyKind, Operation, RestError, RestErrorKind, calls, client_secrets, live_sessions},
    types::SessionConfig,
};
use realtime_audio::wav::Wav;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::case::{Outcome, case, each, entries, equal, file_name, json as read_file, listed, same, text};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for path in entries(folder) {
        match &*file_name(&path) {
            "errors.json" => outcomes.extend(each(&path, "cases", error)),
            "retry_after.json" => outcomes.extend(each(&path, "cases", retry_after)),
            "path_segments.json" => outcomes.extend(path_segments(&path)),
            _ => outcomes.extend(endpoint(&path)),
        }
    }
    outcomes
}

/// The cases of one endpoint.
fn endpoint(path: &Path) -> Vec<Outcome> {
    let name = match read_file(path) {
        Ok(file) => text(&file, "endpoint").to_owned(),
        Err(error) => return vec![Outcome { name: file_name(path), result: Err(error) }],
    };
    let mut outcomes = each(path, "requests", |case| request(&name, case));
    outcomes.extend(each(path, "responses", |case| {
        let came = read(&name, answer(case)?)?;
        parsed(&case["parse"], &came)
    }));
    outcomes
}

fn argument<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("the arguments do not fit: {error}"))
}

fn optional<T: DeserializeOwned>(value: &Value) -> Result<Option<T>, String> {
    if value.is_null() { Ok(None) } else { argument(value).map(Some) }
}

pub(crate) type Made = Result<Request<Bytes>, realtime::endpoint::EndpointError>;

/// The request of this endpoint with these arguments.
fn make(name: &str, input: &Value, send: &dyn Fn(&dyn AnyOperation) -> Made) -> Result<Made, String> {
    let (id, arguments) = (text(input, "id"), &input["arguments"]);
    let target = text(arguments, "target_uri");
    let status = arguments["status_code"].as_u64().and_then(|status| u16::try_from(status).ok());
    Ok(match name {
        "realtime.client_secrets.create" => send(&argument::<client_secrets::Create>(arguments)?),
        "realtime.translations.client_secrets.create" => {
            send(&argument::<client_secrets::CreateTranslation>(arguments)?)
        }
        "realtime.calls.create" => send(&argument::<calls::Create>(arguments)?),
        "realtime.calls.accept" => send(&calls::Accept::new(id, argument::<SessionConfig>(arguments)?)),
        "realtime.calls.reject" => {
            let reject = calls::Reject::new(id);
            send(&status.map_or(reject.clone(), |status| reject.status_code(status)))
        }
        "realtime.calls.refer" => send(&calls::Refer::new(id, target)),
        "realtime.calls.hangup" => send(&calls::HangUp::new(id)),
        "live.sessions.create" => send(&argument::<live_sessions::Create>(arguments)?),
        "live.sessions.accept" => {
            send(&live_sessions::Accept::new(id, argument::<AcceptSession>(&arguments["session"])?))
        }
        "live.sessions.reject" => {
            send(&live_sessions::Reject::new(id, status.ok_or("the arguments have no status code")?))
        }
        "live.sessions.refer" => send(&live_sessions::Refer::new(id, target)),
        "live.sessions.hangup" => send(&live_sessions::HangUp::new(id)),
        "live.sessions.fork" => {
            let transport: live_sessions::Transport = argument(&arguments["transport"])?;
            let fork = live_sessions::Fork::new(id, transport);
            let session: Option<MediaForkConfig> = optional(&arguments["session"])?;
            send(&session.map_or(fork.clone(), |session| fork.session(session)))
        }
        "live.sessions.content" => send(&live_sessions::Content::new(id)),
        other => return Err(format!("an endpoint that is not known: {other}")),
    })
}

/// An operation, whatever its answer.
trait AnyOperation {
    fn make(&self, endpoint: &Endpoint, credential: &Credential, extras: &Extras) -> Made;
}

impl<O: Operation> AnyOperation for O {
    fn make(&self, endpoint: &Endpoint, credential: &Credential, extras: &Extras) -> Made {
        self.request(endpoint, credential, extras)
    }
}

/// Query parameters and headers of a case.
fn extras(input: &Value, query: &str, headers: &str) -> Extras {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = |name: &str| input[name].as_object().into_iter().flatten();
    let extras = members(query).fold(Extras::new(), |extras, (name, value)| extras.query(name, plain(value)));
    members(headers).fold(extras, |extras, (name, value)| extras.header(name, plain(value)))
}

/// The request of this endpoint as the client sends it.
pub(crate) fn send(name: &str, input: &Value) -> Result<Made, String> {
    let mut all = extras(input, "default_query", "default_headers");
    if let Some(organization) = input["organization"].as_str() {
        all = all.organization(organization);
    }
    if let Some(project) = input["project"].as_str() {
        all = all.project(project);
    }
    let endpoint = Endpoint::gateway(text(input, "base_url")).extras(all);
    let credential = Credential::api_key(text(input, "api_key"));
    make(name, input, &|operation| operation.make(&endpoint, &credential, &extras(input, "query", "headers")))
}

fn request(name: &str, case: &Value) -> Result<(), String> {
    let request = send(name, &case["input"])?.map_err(|error| error.to_string())?;
    let expected = &case["request"];
    same("method", text(expected, "method"), request.method().as_str())?;
    same("url", text(expected, "url").to_owned(), request.uri().to_string())?;
    let mut boundary = String::new();
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let came = request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match value.as_str().unwrap_or_default().strip_suffix("<any>") {
            Some(start) => {
                boundary = came.strip_prefix(start).ok_or_else(|| format!("`{name}` is {came}"))?.to_owned();
            }
            None => same(name, value.as_str().unwrap_or_default(), came)?,
        }
    }
    for place in [expected, &expected["body"], case] {
        if let Some(length) = place["content_length"].as_u64() {
            let came =
                request.headers().get("content-length").and_then(|value| value.to_str().ok()).unwrap_or_default();
            same("content-length", length.to_string(), came.to_owned())?;
        }
    }
    body(&expected["body"], request.body(), &boundary)
}

pub(crate) fn body(expected: &Value, body: &[u8], boundary: &str) -> Result<(), String> {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string());
    match text(expected, "kind") {
        "empty" => same("body", "", &*utf8(body)?),
        "raw" => same("body", text(expected, "text"), &*utf8(body)?),
        "json" => same_json(&expected["json"], body),
        "multipart" => {
            let parts = expected["parts"].as_array().cloned().unwrap_or_default();
            let body = utf8(body)?;
            let inside = body.strip_prefix(&format!("--{boundary}\r\n"));
            let inside = inside.and_then(|body| body.strip_suffix(&format!("\r\n--{boundary}--\r\n")));
            let inside = inside.ok_or("the form has no beginning or no end")?;
            let came: Vec<_> = inside.split(&format!("\r\n--{boundary}\r\n")).collect();
            same("number of parts", parts.len(), came.len())?;
            same("boundaries", parts.len() + 1, body.matches(boundary).count())?;
            parts.iter().zip(came).try_for_each(|(expected, part)| self::part(expected, part))
        }
        kind => Err(format!("a kind of body that is not known: {kind}")),
    }
}

fn part(expected: &Value, part: &str) -> Result<(), String> {
    let (head, body) = part.split_once("\r\n\r\n").ok_or("a part has no head")?;
    let filename = expected["filename"].as_str().map_or(String::new(), |name| format!("; filename=\"{name}\""));
    let disposition = format!("Content-Disposition: form-data; name=\"{}\"{filename}", text(expected, "name"));
    let content_type = format!("Content-Type: {}", text(expected, "content_type"));
    same("head of a part", vec![&*disposition, &content_type], head.split("\r\n").collect())?;
    match expected.get("json") {
        Some(json) => same_json(json, body.as_bytes()),
        None => same("part", text(expected, "text"), body),
    }
}

fn same_json(expected: &Value, came: &[u8]) -> Result<(), String> {
    let came: Value = serde_json::from_slice(came).map_err(|error| error.to_string())?;
    if equal(expected, &came) { Ok(()) } else { Err(format!("expected {expected}, came {came}")) }
}

fn answer(case: &Value) -> Result<Response<Bytes>, String> {
    let body = match case["body_base64"].as_str() {
        Some(encoded) => base64_turbo::STANDARD.decode(encoded).map_err(|error| error.to_string())?,
        None => text(case, "body").as_bytes().to_vec(),
    };
    let mut answer = Response::new(Bytes::from(body));
    let status = case["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    *answer.status_mut() = StatusCode::from_u16(status).map_err(|error| error.to_string())?;
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
        answer.headers_mut().append(name, value);
    }
    Ok(answer)
}

/// What is read out of an answer of this endpoint, as JSON.
fn read(name: &str, answer: Response<Bytes>) -> Result<Value, String> {
    let secret = |value: &str, expires_at: Option<u64>, session: Value| json!({ "value": value, "expires_at": expires_at, "session": session });
    let created = |created: live_sessions::Created| {
        let transport = json!(created.transport);
        let sdp = created.transport.sdp();
        json!({ "session_id": created.session.id, "transport_type": transport["type"], "sdp": sdp })
    };
    let nothing = |()| json!({});
    let id = "x";
    let result = match name {
        "realtime.client_secrets.create" => client_secrets::Create::default()
            .read(answer)
            .map(|it| secret(it.value.expose(), it.expires_at, json!(it.session))),
        "realtime.translations.client_secrets.create" => {
            client_secrets::CreateTranslation::new(client_secrets::TranslationSession::new("m"))
                .read(answer)
                .map(|it| secret(it.value.expose(), it.expires_at, json!(it.session)))
        }
        "realtime.calls.create" => {
            calls::Create::new("v=0").read(answer).map(|it| json!({ "call_id": it.call_id, "sdp": it.sdp }))
        }
        "realtime.calls.accept" => {
            calls::Accept::new(id, realtime::types::RealtimeSessionConfig::default()).read(answer).map(nothing)
        }
        "realtime.calls.reject" => calls::Reject::new(id).read(answer).map(nothing),
        "realtime.calls.refer" => calls::Refer::new(id, id).read(answer).map(nothing),
        "realtime.calls.hangup" => calls::HangUp::new(id).read(answer).map(nothing),
        "live.sessions.create" => live_sessions::Create::new(
            realtime::live::types::MediaSessionConfig::new("m"),
            live_sessions::Transport::webrtc("v=0"),
        )
        .read(answer)
        .map(created),
        "live.sessions.accept" => {
            live_sessions::Accept::new(id, realtime::live::types::AcceptConfig::new("m")).read(answer).map(nothing)
        }
        "live.sessions.reject" => live_sessions::Reject::new(id, 486).read(answer).map(nothing),
        "live.sessions.refer" => live_sessions::Refer::new(id, id).read(answer).map(nothing),
        "live.sessions.hangup" => live_sessions::HangUp::new(id).read(answer).map(nothing),
        "live.sessions.fork" => {
            live_sessions::Fork::new(id, live_sessions::Transport::webrtc("v=0")).read(answer).map(created)
        }
        "live.sessions.content" => live_sessions::Content::new(id).read(answer).map(|bytes| recording(&bytes)),
        other => return Err(format!("an endpoint that is not known: {other}")),
    };
    Ok(result.unwrap_or_else(|error| match error.kind() {
        RestErrorKind::Unreadable => json!({ "error": "decode", "status": error.status().as_u16() }),
        _ => json!({ "error": "refused", "status": error.status().as_u16() }),
    }))
}

/// What is in a recording.
fn recording(bytes: &Bytes) -> Value {
    let Ok(wav) = Wav::parse(bytes) else { return json!({ "bytes": bytes.len() }) };
    let (format, frames) = (wav.format(), wav.frames());
    let bits = format.bytes_per_sample() * 8;
    let samples = wav.samples::<i16>();
    let side = |first: usize| samples.iter().skip(first).step_by(2).copied().collect::<Vec<_>>();
    json!({
        "bytes": bytes.len(),
        "wav": { "channels": format.channels(), "rate": format.rate_hz(), "bits": bits, "frames": frames },
        "left": side(0),
        "right": side(1),
        "left_is": "input",
        "right_is": "output",
    })
}

/// Whether everything that is expected came: of an object a part is enough.
fn parsed(expected: &Value, came: &Value) -> Result<(), String> {
    let members = expected.as_object().ok_or("the case expects nothing that has members")?;
    if came.get("error").is_some() && expected.get("error").is_none() {
        return Err(format!("came {came}"));
    }
    for (name, value) in members {
        let other = came.get(name).unwrap_or(&Value::Null);
        match value {
            Value::Object(_) => parsed(value, other).map_err(|error| format!("`{name}`: {error}"))?,
            value if equal(value, other) => {}
            value => return Err(format!("`{name}`: expected {value}, came {other}")),
        }
    }
    Ok(())
}

/// The path, after the base URL, of a request with this id.
pub(crate) fn segment(it: &Value) -> Result<Result<String, realtime::endpoint::EndpointError>, String> {
    let base = "https://api.openai.com/v1";
    let input = json!({
        "base_url": base,
        "api_key": "k",
        "id": it["id"],
        "arguments": { "type": "realtime", "target_uri": "tel:+1", "status_code": 486 },
    });
    let path = |request: Request<Bytes>| request.uri().to_string().strip_prefix(base).unwrap_or("elsewhere").to_owned();
    Ok(send(text(it, "endpoint"), &input)?.map(path))
}

/// The clock of a case.
fn unix(case: &Value) -> Option<Duration> {
    case["now_unix"].as_u64().map(Duration::from_secs)
}

fn milliseconds(wait: Option<Duration>) -> Value {
    wait.map_or(Value::Null, |wait| json!(wait.as_secs_f64() * 1e3))
}

fn error(case: &Value) -> Result<(), String> {
    let error = RestError::refused(&answer(case)?);
    let kind = match error.body_kind() {
        BodyKind::ErrorObject => "error_object",
        BodyKind::OtherJson => "other_json",
        BodyKind::Empty => "empty",
        BodyKind::Text => "text",
        _ => "a kind that is not known here",
    };
    let came = json!({
        "status": error.status().as_u16(),
        "message": error.message(),
        "type": error.error_type(),
        "param": error.param(),
        "code": error.code(),
        "request_id": error.request_id(),
        "body_kind": kind,
        "retry_after_ms": milliseconds(error.retry_after(unix(case))),
    });
    let mut expected = case["parse"].clone();
    // The opinion of another library.
    expected.as_object_mut().map(|expected| expected.remove("sdk_would_retry"));
    listed(&expected, &came)?;
    // Every endpoint tells the same error.
    match read(text(case, "endpoint"), answer(case)?)? {
        refused if refused["error"] == "refused" => same("status", &case["status"], &refused["status"]),
        other => Err(format!("the endpoint made {other} of it")),
    }
}

fn retry_after(case: &Value) -> Result<(), String> {
    let mut busy = answer(case)?;
    *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let came = milliseconds(RestError::refused(&busy).retry_after(unix(case)));
    if equal(&case["delay_ms"], &came) { Ok(()) } else { Err(format!("expected {}, came {came}", case["delay_ms"])) }
}

fn path_segments(path: &Path) -> Vec<Outcome> {
    let file = match read_file(path) {
        Ok(file) => file,
        Err(error) => return vec![Outcome { name: file_name(path), result: Err(error) }],
    };
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    let one = |(number, it): (usize, &Value)| {
        let name = format!("{}: {number} {}", file_name(path), text(it, "endpoint"));
        case(name, || {
            let came = segment(it)?.map_or_else(|_| json!("refuse"), |path| json!({ "path": path }));
            if equal(&it["expect"], &came) { Ok(()) } else { Err(format!("expected {}, came {came}", it["expect"])) }
        })
    };
    cases.iter().enumerate().map(one).collect()
}
