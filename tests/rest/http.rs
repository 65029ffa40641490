//! The HTTP client: deadlines, errors, secrets; and the one of the runtimes' transports, over sockets.

#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use realtime::{
    Client,
    mock::{MockTransport, Simulator},
    rest::{RequestError, RestErrorKind, calls, live_sessions},
    transport::{Http, TransportError, TransportErrorKind},
    types::RealtimeSessionConfig,
    websocket::{Runtime, SocketTransport, Tls},
};
use support::on_every_runtime;

/// An HTTP client that answers everything alike.
#[derive(Debug)]
struct Canned(fn() -> Result<Response<Bytes>, TransportError>);

#[async_trait]
impl Http for Canned {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        (self.0)()
    }
}

/// An HTTP client whose server never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Http for Silent {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        std::future::pending().await
    }
}

#[test]
fn a_server_that_never_answers_is_given_up_after_the_operations_timeout() {
    let (transport, server) = MockTransport::new();
    let clock = server.clock().clone();
    let client = Client::builder(transport).http(Silent).build();
    let trunk = || {
        let auth = live_sessions::Digest::new("user", "password");
        live_sessions::SipTrunk::new("sips:trunk.example.com", "+14155550100", auth)
    };
    let session = || realtime::live::types::MediaSessionConfig::new("gpt-live-1");
    clock.block_on(async {
        let waited = async |error: RequestError, expected: u64, begun: Duration| {
            assert!(matches!(error, RequestError::TimedOut(time) if time == Duration::from_secs(expected)), "{error}");
            assert!(!error.is_unsent() && error.is_retryable());
            let now = realtime::transport::Timer::now(&clock).since_origin();
            assert_eq!(now - begun, Duration::from_secs(expected));
            now
        };
        let hang_up = calls::HangUp::new("rtc_1");
        let now = waited(client.rest().send(&hang_up).await.unwrap_err(), 60, Duration::ZERO).await;
        let rest = client.rest().timeout(Duration::from_secs(5));
        let now = waited(rest.send(&hang_up).await.unwrap_err(), 5, now).await;
        // A telephone may ring for three minutes.
        let transport = live_sessions::Transport::sip("+14155550123", trunk());
        let call = live_sessions::Create::new(session(), transport);
        let now = waited(client.rest().send(&call).await.unwrap_err(), 200, now).await;
        let call = live_sessions::Create::new(session(), live_sessions::Transport::webrtc("v=0"));
        waited(client.rest().send(&call).await.unwrap_err(), 60, now).await;
    });
}

#[test]
fn without_an_http_client_or_with_a_bad_id_nothing_is_sent() {
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).build();
    server.clock().block_on(async {
        let error = client.rest().send(&calls::HangUp::new("rtc_1")).await.unwrap_err();
        assert!(matches!(error, RequestError::NoHttp) && error.is_unsent(), "{error}");
        assert!(error.to_string().contains("ClientBuilder::http"));
    });
    let (transport, server) = MockTransport::new();
    let client = Client::builder(transport).http(Silent).build();
    server.clock().block_on(async {
        let error = client.rest().send(&calls::HangUp::new("..")).await.unwrap_err();
        assert!(matches!(error, RequestError::Invalid(_)) && error.is_unsent() && !error.is_retryable(), "{error}");
    });
}

#[test]
fn what_an_answer_repeats_of_the_key_is_hidden() {
    let (transport, server) = MockTransport::new();
    let refusal = Canned(|| {
        let body = r#"{"error":{"message":"Incorrect API key: sk-s3cr3t-key.","code":"sk-s3cr3t-key"}}"#;
        Ok(Response::builder().status(401).body(body.into()).unwrap())
    });
    let client = Client::builder(transport).api_key("sk-s3cr3t-key").http(refusal).build();
    server.clock().block_on(async {
        let error = client.rest().client_secret(RealtimeSessionConfig::default()).await.unwrap_err();
        assert_eq!(error.answer().unwrap().message(), Some("Incorrect API key: ***."));
        assert!(!format!("{error} {error:?} {client:?} {:?}", client.rest()).contains("s3cr3t"), "{error:?}");
    });
}

#[test]
fn an_sdp_answer_that_is_html_is_a_typed_error_that_keeps_the_status() {
    let (transport, server) = MockTransport::new();
    let page = Canned(|| Ok(Response::builder().status(201).body("<html>Sign in</html>".into()).unwrap()));
    let client = Client::builder(transport).http(page).build();
    server.clock().block_on(async {
        let error = client.rest().send(&calls::Create::new("v=0\r\n")).await.unwrap_err();
        let answer = error.answer().unwrap();
        assert_eq!((answer.kind(), answer.status().as_u16()), (RestErrorKind::Unreadable, 201));
        assert!(!error.is_retryable() && error.to_string().contains("no SDP"), "{error}");
    });
}

on_every_runtime!(
    a_key_is_created_and_used_over_sockets
    requests_are_encrypted_and_only_to_whom_is_trusted
    an_answer_in_pieces_is_read_whole_and_one_that_breaks_off_is_an_error
);

async fn a_key_is_created_and_used_over_sockets<R: Runtime>() {
    let simulator = Simulator::new().key("sk-project-key");
    let served = simulator.serve().unwrap();
    let client = Client::builder(SocketTransport::<R>::new()).base_url(served.base_url());
    let session = RealtimeSessionConfig::default().model("gpt-realtime").instructions("Be brief.");
    let secret = client.clone().api_key("sk-project-key").build().rest().client_secret(session).await.unwrap();
    let browser = client.clone().api_key(secret.value.expose()).build();
    let connection = browser.realtime().without_model().connect().await.unwrap();
    assert_eq!(simulator.sessions()[0].config()["instructions"], "Be brief.");
    connection.finish().await.unwrap();
    let error = client.api_key("sk-other-key").build().rest().send(&calls::HangUp::new("rtc_1")).await.unwrap_err();
    assert_eq!(error.answer().map(|answer| answer.status().as_u16()), Some(401), "{error}");
    // Nobody listens any more.
    drop(served);
    let error = browser.rest().send(&calls::HangUp::new("rtc_1")).await.unwrap_err();
    assert!(error.is_unsent() && error.is_retryable(), "{error:?}");
}

async fn requests_are_encrypted_and_only_to_whom_is_trusted<R: Runtime>() {
    let served = Simulator::new().serve_tls().unwrap();
    let with = |tls: Tls| {
        Client::builder(SocketTransport::<R>::new().tls(tls)).base_url(served.base_url()).api_key("sk-1").build()
    };
    let trusted = Tls::new().ca_pem(served.ca_pem().unwrap()).only_given();
    with(trusted).rest().client_secret(RealtimeSessionConfig::default()).await.unwrap();
    let other = Simulator::new().serve_tls().unwrap();
    let stranger = Tls::new().ca_pem(other.ca_pem().unwrap()).only_given();
    let error = with(stranger).rest().client_secret(RealtimeSessionConfig::default()).await.unwrap_err();
    let RequestError::Http(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.kind(), TransportErrorKind::Tls);
    assert!(error.is_unsent() && !error.is_retryable());
}

async fn an_answer_in_pieces_is_read_whole_and_one_that_breaks_off_is_an_error<R: Runtime>() {
    let answer: Arc<[&str]> = Arc::new([
        "HTTP/1.1 200 OK\r\nTransfer-Enco",
        "ding: chunked\r\n\r\n",
        "8\r\n{\"value\"\r\na\r\n:\"ek_123",
        "\"}\r\n0\r\n\r\n",
    ]);
    for whole in [true, false] {
        let answer = answer.clone();
        let port = support::server::listen(move |mut stream| {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            for piece in &answer[..if whole { 4 } else { 3 }] {
                stream.write_all(piece.as_bytes()).unwrap();
            }
        });
        let client =
            Client::builder(SocketTransport::<R>::new()).base_url(format!("http://127.0.0.1:{port}/v1")).build();
        let answered = client.rest().client_secret(RealtimeSessionConfig::default()).await;
        match answered {
            Ok(secret) => assert!(whole && secret.value.expose() == "ek_123"),
            Err(RequestError::Http(error)) => assert!(!whole && error.kind() == TransportErrorKind::Io, "{error:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}
