use bytes::Bytes;
use http::{Response, StatusCode};

use super::*;
use crate::{live::types::MediaSessionConfig, types::RealtimeSessionConfig};

fn answer(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        answer.headers_mut().insert(*name, value.parse().unwrap());
    }
    answer
}

fn sent(operation: &impl Operation, extras: &Extras) -> Request<Bytes> {
    operation.request(&Endpoint::openai(), &Credential::api_key("sk-1"), extras).unwrap()
}

#[test]
fn nothing_prints_a_key_or_a_password() {
    let body = r#"{"value":"ek_s3cr3t","expires_at":1,"session":{"type":"realtime"}}"#;
    let secret = client_secrets::Create::default().read(answer(200, &[], body)).unwrap();
    assert_eq!(secret.value.expose(), "ek_s3cr3t");
    let auth = live_sessions::Digest::new("u", "s3cr3t");
    let trunk = live_sessions::SipTrunk::new("sips:trunk.example.com", "+1", auth);
    let call = live_sessions::Create::new(MediaSessionConfig::new("m"), live_sessions::Transport::sip("+2", trunk));
    let request = sent(&call, &Extras::new());
    assert!(request.body().windows(6).any(|part| part == b"s3cr3t"));
    let error = calls::HangUp::new("c").read(answer(401, &[("x-other", "s3cr3t")], "s3cr3t")).unwrap_err();
    for printed in
        [format!("{secret:?}"), format!("{call:?}"), format!("{:?}", call.parts()), format!("{error:?} {error}")]
    {
        assert!(!printed.contains("s3cr3t"), "{printed}");
    }
}

#[test]
fn an_error_says_what_to_do_with_it() {
    let hang_up = calls::HangUp::new("rtc_1");
    let body = r#"{"error":{"message":"No call.","type":"invalid_request_error","code":"call_not_found"}}"#;
    let error = hang_up.read(answer(404, &[], body)).unwrap_err();
    assert_eq!(error.to_string(), "the server refused the request: 404 Not Found: No call. (call_not_found)");
    assert_eq!((error.kind(), error.is_retryable()), (RestErrorKind::Refused, false));
    for (status, headers, retryable) in [
        (429, &[][..], true),
        (503, &[], true),
        (500, &[("x-should-retry", "false")], false),
        (409, &[("x-should-retry", "true")], true),
        (304, &[], false),
    ] {
        let error = hang_up.read(answer(status, headers, "")).unwrap_err();
        assert_eq!((error.is_retryable(), error.body_kind()), (retryable, BodyKind::Empty), "{status} {headers:?}");
    }
}

#[test]
fn an_answer_of_another_kind_cannot_be_read_and_says_why() {
    let html = answer(200, &[("content-type", "text/html")], "<html>Sign in</html>");
    let create = calls::Create::new("v=0\r\n");
    let secret = client_secrets::Create::default();
    let content = live_sessions::Content::new("live_1");
    for error in [
        create.read(html.clone()).map(drop).unwrap_err(),
        secret.read(html.clone()).map(drop).unwrap_err(),
        content.read(html).map(drop).unwrap_err(),
        create.read(answer(201, &[], "")).map(drop).unwrap_err(),
        secret.read(answer(200, &[], r#"{"expires_at":1}"#)).map(drop).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.is_retryable()), (RestErrorKind::Unreadable, false), "{error}");
        assert!(error.status().is_success() && error.to_string().contains("cannot be read: "), "{error}");
    }
}

#[test]
fn a_request_has_its_own_headers_and_those_of_the_caller() {
    let create = client_secrets::Create::default().session(RealtimeSessionConfig::default()).expires_in(60);
    let extras = Extras::new().safety_identifier("u").header("Accept", "application/x").header("Content-Type", "x/y");
    let request = sent(&create, &extras);
    for (name, value) in [
        ("accept", "application/x"),
        // What the body is, nobody else knows.
        ("content-type", "application/json"),
        ("openai-safety-identifier", "u"),
        ("authorization", "Bearer sk-1"),
        ("content-length", &*request.body().len().to_string()),
    ] {
        assert_eq!(request.headers()[name], value, "{name}");
    }
    let refused = calls::HangUp::new("..").request(&Endpoint::openai(), &Credential::None, &Extras::new());
    assert_eq!(refused.unwrap_err(), EndpointError::PathSegment);
}
