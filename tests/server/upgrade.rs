//! What is a request to upgrade, and what is refused, and how.

use std::{sync::Arc, time::Duration};

use futures::AsyncWriteExt;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use realtime::{
    mock::VirtualClock,
    server::{AcceptError, AcceptErrorKind, Acceptor, Arrival, Incoming, RequestLimits, UpgradeRequest},
    transport::Timer,
};

use crate::script::Script;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A valid request, with these lines in the place of those that begin alike.
fn request(changes: &[&str]) -> String {
    let mut lines: Vec<String> = [
        "GET /v1/realtime?model=gpt-realtime&x=a%20b HTTP/1.1",
        "Host: example.test",
        "Connection: keep-alive, Upgrade",
        "Upgrade: WebSocket",
        "Sec-WebSocket-Version: 13",
        &format!("Sec-WebSocket-Key: {KEY}"),
    ]
    .map(String::from)
    .to_vec();
    for change in changes {
        let name = change.split_inclusive([' ', ':']).next().unwrap();
        match lines.iter_mut().find(|line| line.starts_with(name)) {
            Some(line) => (*change).clone_into(line),
            None => lines.push((*change).to_owned()),
        }
    }
    lines.retain(|line| !line.ends_with(": -"));
    lines.join("\r\n") + "\r\n\r\n"
}

fn accept_on(clock: &VirtualClock, client: &Script, limits: RequestLimits) -> Result<Incoming, AcceptError> {
    let acceptor = Acceptor::new(Arc::new(clock.clone())).limits(limits);
    clock.block_on(acceptor.accept(client.clone()))
}

fn accept(client: &Script) -> Result<Incoming, AcceptError> {
    accept_on(&VirtualClock::new(), client, RequestLimits::default())
}

/// Refused with this status, and the client is told a reason that contains this.
fn refused(what: &str, client: &Script, status: u16, reason: &str) {
    let error = accept(client).expect_err(what);
    let refusal = error.refusal().unwrap_or_else(|| panic!("{what}: {error:?}"));
    assert_eq!(refusal.status().as_u16(), status, "{what}");
    let written = client.written();
    assert!(written.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {written}");
    assert!(written.contains("\r\nConnection: close\r\n") && written.contains(reason), "{what}: {written}");
}

#[test]
fn a_request_is_shown_and_accepted_however_it_is_cut() {
    let lines = ["Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-secret", "Content-Length: 0"];
    let bytes = request(&lines).into_bytes();
    for size in [1, 2, 7, 100, bytes.len()] {
        let client = Script::pieces(bytes.chunks(size));
        let clock = VirtualClock::new();
        let mut incoming = accept_on(&clock, &client, RequestLimits::default()).unwrap();
        let asked = incoming.request();
        assert_eq!(asked.path(), "/v1/realtime");
        assert_eq!(asked.query("model").as_deref(), Some("gpt-realtime"));
        assert_eq!(asked.query("x").as_deref(), Some("a b"));
        assert_eq!(asked.handshake().uri, "ws://example.test/v1/realtime?model=gpt-realtime&x=a%20b");
        assert_eq!(asked.subprotocols().len(), 2);
        assert_eq!(asked.credential().unwrap().expose(), "sk-secret");
        assert!(asked.headers().is_empty(), "{:?}", asked.headers());
        assert!(!format!("{incoming:?}").contains("sk-secret"));
        incoming
            .request_mut()
            .response_headers_mut()
            .insert(HeaderName::from_static("x-request-id"), HeaderValue::from_static("req_1"));
        drop(clock.block_on(incoming.accept()).unwrap());
        let written = client.written();
        assert!(written.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{written}");
        for line in [
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
            "sec-websocket-protocol: realtime",
            "x-request-id: req_1",
        ] {
            let count = written.to_lowercase().lines().filter(|written| *written == line).count();
            assert_eq!(count, 1, "{line}: {written}");
        }
        assert!(written.ends_with("\r\n\r\n"));
    }
}

#[test]
fn a_server_with_frames_of_its_own_gets_the_stream_and_answers_alike() {
    let bytes = [request(&[]).as_bytes(), b"early"].concat();
    let (theirs, ours) = (Script::pieces([&*bytes]), Script::pieces([&*bytes]));
    let clock = VirtualClock::new();
    drop(clock.block_on(accept(&ours).unwrap().accept()).unwrap());

    let (request, mut stream, rest, _place) = accept(&theirs).unwrap().into_parts();
    assert_eq!((request.path(), &*rest), ("/v1/realtime", &b"early"[..]));
    assert_eq!(theirs.written(), "", "nothing is answered by itself");
    clock.block_on(stream.write_all(&request.encode_response())).unwrap();
    assert_eq!(theirs.written(), ours.written());
}

#[test]
fn what_is_no_upgrade_is_refused_and_told_why() {
    for (what, changes, status, reason) in [
        ("HTTP/1.0", &["GET /v1/realtime HTTP/1.0"][..], 505, "HTTP/1.1"),
        ("HTTP/1.2", &["GET /v1/realtime HTTP/1.2"], 505, "HTTP/1.1"),
        ("a POST", &["GET -", "POST /v1/realtime HTTP/1.1"], 400, "not HTTP"),
        ("no Host", &["Host: -"], 400, "Host"),
        ("an empty Host", &["Host: "], 400, "Host"),
        ("a Host that is none", &["Host: a b"], 400, "Host"),
        ("two Hosts", &["X: y\r\nHost: other.test"], 400, "Host"),
        ("no Upgrade", &["Upgrade: -"], 426, "A proxy in front"),
        ("another Upgrade", &["Upgrade: h2c"], 426, "A proxy in front"),
        ("no Connection", &["Connection: -"], 426, "A proxy in front"),
        ("another Connection", &["Connection: keep-alive"], 426, "A proxy in front"),
        ("no version", &["Sec-WebSocket-Version: -"], 426, "sec-websocket-version: 13"),
        ("version 8", &["Sec-WebSocket-Version: 8"], 426, "sec-websocket-version: 13"),
        ("two versions", &["Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"], 426, "must be 13"),
        ("no key", &["Sec-WebSocket-Key: -"], 400, "16 bytes"),
        ("a key of 3 bytes", &["Sec-WebSocket-Key: AAAA"], 400, "16 bytes"),
        ("a key that is no base64", &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ!!"], 400, "16 bytes"),
        ("a body by length", &["Content-Length: 3"], 400, "body"),
        ("a body in chunks", &["Transfer-Encoding: chunked"], 400, "body"),
        ("a header that is none", &["A header"], 400, "not HTTP"),
        ("a value with a zero", &["X: a\0b"], 400, "not HTTP"),
    ] {
        refused(what, &Script::pieces([request(changes)]), status, reason);
    }
    let post = request(&[]).replace("GET ", "POST ");
    refused("POST", &Script::pieces([post]), 405, "allow: GET");
    refused("no request", &Script::pieces(["\u{1}\u{2}\r\n\r\n"]), 400, "not HTTP");
    refused("a plain request", &Script::pieces(["GET / HTTP/1.1\r\nHost: x\r\n\r\n"]), 426, "upgrade: websocket");
}

#[test]
fn the_head_of_a_request_is_limited() {
    let long = format!("X: {}", "x".repeat(40 << 10));
    refused("40 KiB", &Script::pieces([request(&[&long])]), 431, "too large");
    // Without an end, it is refused as soon as the limit is reached.
    refused("no end", &Script::pieces([format!("GET /{}", "x".repeat(33 << 10))]), 431, "too large");
    let many = "X: y\r\n".repeat(100) + "X: y";
    refused("101 headers", &Script::pieces([request(&[&many])]), 431, "too many");
}

#[test]
fn a_slow_client_has_so_long_for_all_of_its_request() {
    let clock = VirtualClock::new();
    let limits = RequestLimits::default().timeout(Duration::from_secs(3));
    let client = Script::pieces(["GET /v1/realtime HTTP/1.1\r\n"]);
    let error = accept_on(&clock, &client, limits).unwrap_err();
    assert_eq!(error.refusal().unwrap().status(), StatusCode::REQUEST_TIMEOUT);
    assert!(client.written().starts_with("HTTP/1.1 408 "), "{}", client.written());
    // The timeout; the client's end comes at once, since the stream was closed.
    assert_eq!(clock.now().since_origin(), Duration::from_secs(3));
}

#[test]
fn a_client_that_goes_away_is_no_refusal() {
    for (pieces, kind) in [(&[][..], AcceptErrorKind::Silent), (&["GET /"], AcceptErrorKind::Io)] {
        let client = Script::pieces(pieces.iter().copied()).ending();
        let error = accept(&client).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(client.written(), "");
    }
}

#[test]
fn a_subprotocol_must_have_been_offered() {
    let choose = |offer: &str, name: &str| {
        let lines = [format!("Sec-WebSocket-Protocol: {offer}")];
        let client = Script::pieces([request(&lines.each_ref().map(String::as_str))]);
        let clock = VirtualClock::new();
        let mut incoming = accept_on(&clock, &client, RequestLimits::default()).unwrap();
        let chosen = incoming.request_mut().choose_subprotocol(name).map_err(|error| error.kind());
        drop(clock.block_on(incoming.accept()).unwrap());
        (chosen, client.written().contains("sec-websocket-protocol"))
    };
    assert_eq!(choose("a, b", "b"), (Ok(()), true));
    assert_eq!(choose("a, b", "c"), (Err(AcceptErrorKind::NotOffered), false));
}

#[test]
fn an_application_refuses_in_its_own_words() {
    let client = Script::pieces([request(&[])]).ending();
    let clock = VirtualClock::new();
    let incoming = accept_on(&clock, &client, RequestLimits::default()).unwrap();
    clock.block_on(incoming.refuse(StatusCode::UNAUTHORIZED, r#"{"error":{}}"#)).unwrap();
    let expected = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 12\r\n\
                    content-type: application/json\r\n\r\n{\"error\":{}}";
    assert_eq!(client.written(), expected);
}

#[test]
fn plain_requests_can_be_served_on_the_same_port() {
    let clock = VirtualClock::new();
    let acceptor = Acceptor::new(Arc::new(clock.clone()));
    let bytes = "POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let arrival = clock.block_on(acceptor.arrival(Script::pieces([bytes]))).unwrap();
    let Arrival::Http(plain) = arrival else { panic!("{arrival:?}") };
    assert_eq!((plain.head().method().as_str(), plain.head().uri().path()), ("POST", "/v1/realtime/client_secrets"));
    assert_eq!(plain.into_parts().1, bytes.as_bytes());
    // What asks for WebSocket in part is told what is missing, even here.
    let half = request(&["Upgrade: -"]);
    let error = clock.block_on(acceptor.arrival(Script::pieces([half]))).unwrap_err();
    assert_eq!(error.refusal().unwrap().status(), StatusCode::UPGRADE_REQUIRED);
}

#[test]
fn a_request_that_a_framework_has_read_is_checked_alike() {
    let request = |version: &str| {
        let request = Request::get("/v1/realtime").header("host", "x").header("connection", "upgrade");
        let request = request.header("upgrade", "websocket").header("sec-websocket-version", version);
        request.header("sec-websocket-key", KEY).header("authorization", "Bearer sk-secret").body(()).unwrap()
    };
    let upgrade = UpgradeRequest::read(&request("13")).unwrap();
    assert_eq!(upgrade.credential().unwrap().expose(), "sk-secret");
    assert!(upgrade.headers()["authorization"].is_sensitive());
    let response = upgrade.response();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(UpgradeRequest::read(&request("8")).unwrap_err().status(), 426);
}
