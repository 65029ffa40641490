//! Through proxies of both kinds, on every runtime.

#[path = "../support/mod.rs"]
mod support;

use std::io::{Read, Write};

use realtime::{
    Client, Error,
    transport::TransportErrorKind,
    websocket::{Proxies, Proxy, Runtime, SocketTransport, Tls},
};
use support::{
    authority::Authority,
    on_every_runtime,
    relay::{Manners, TestProxy},
    server::Server,
    tell, transport_error,
};

on_every_runtime! {
    both_kinds_lead_to_the_server
    tls_is_spoken_inside
    a_proxy_is_spoken_to_by_tls
    credentials_are_shown
    wrong_credentials_are_refused
    a_refusal_is_no_error_of_the_server
    a_server_that_the_proxy_does_not_reach_may_be_reached_later
    servers_that_are_left_out_are_dialled
    a_proxy_that_is_not_there_is_told
    what_is_no_proxy_is_an_error
    credentials_are_never_printed
}

const USER: (&str, &str) = ("us@er", "pass:word/");

fn known() -> Manners {
    Manners { user: Some(USER), ..Manners::default() }
}

/// A name that leads nowhere but through a proxy.
const NAME: &str = "service.test";

async fn connect<R: Runtime>(url: String, proxies: impl Into<Proxies>) -> Result<(), Error> {
    connect_with::<R>(url, proxies, Tls::new()).await
}

async fn connect_with<R: Runtime>(url: String, proxies: impl Into<Proxies>, tls: Tls) -> Result<(), Error> {
    let transport = SocketTransport::<R>::new().proxy(proxies).tls(tls);
    let client = Client::builder(transport).base_url(url).build();
    client.realtime().model("m").run(async |_| Ok(())).await
}

fn http(proxy: &TestProxy) -> Proxy {
    Proxy::new(&format!("http://localhost:{}", proxy.port)).unwrap()
}

fn socks(proxy: &TestProxy) -> Proxy {
    Proxy::new(&format!("socks5://localhost:{}", proxy.port)).unwrap()
}

/// The same for a proxy of each kind.
fn both(server: &Server, manners: Manners) -> [(TestProxy, Proxy); 2] {
    let one = TestProxy::http(server.port, manners.clone());
    let other = TestProxy::socks(server.port, manners);
    let (first, second) = (http(&one), socks(&other));
    [(one, first), (other, second)]
}

async fn both_kinds_lead_to_the_server<R: Runtime>() {
    let server = Server::plain();
    for (asked, proxy) in both(&server, Manners::default()) {
        for (url, target) in [
            (format!("http://{NAME}/v1"), format!("{NAME}:80")),
            (format!("http://{NAME}:8080/v1"), format!("{NAME}:8080")),
            ("http://10.1.2.3/v1".into(), "10.1.2.3:80".into()),
            ("http://[fd00::1]/v1".into(), "[fd00::1]:80".into()),
        ] {
            connect::<R>(url, proxy.clone()).await.unwrap_or_else(|error| panic!("{target}: {}", tell(&error)));
            assert_eq!(asked.asked().last(), Some(&target));
        }
    }
    assert_eq!(server.connections(), 8);
}

async fn tls_is_spoken_inside<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&[NAME]));
    for (asked, proxy) in both(&server, Manners::default()) {
        let tls = Tls::new().ca_pem(authority.pem());
        connect_with::<R>(format!("https://{NAME}/v1"), proxy.clone(), tls.clone()).await.unwrap();
        assert_eq!(asked.asked(), [format!("{NAME}:443")]);
        // With the server, whatever the proxy says: its name is the one that counts.
        let error = connect_with::<R>("https://other.test/v1".into(), proxy, tls).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{}", tell(&error));
    }
}

async fn a_proxy_is_spoken_to_by_tls<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&[NAME]));
    let manners = Manners { tls: Some(authority.server(&["localhost"])), ..known() };
    let asked = TestProxy::http(server.port, manners);
    let url = format!("https://localhost:{}", asked.port);
    let proxy = Proxy::new(&url).unwrap().credentials(USER.0, USER.1);
    let tls = Tls::new().ca_pem(authority.pem());
    connect_with::<R>(format!("https://{NAME}/v1"), proxy, tls).await.unwrap();
    assert_eq!(asked.asked(), [format!("{NAME}:443")]);
}

async fn credentials_are_shown<R: Runtime>() {
    let server = Server::plain();
    for (asked, proxy) in both(&server, known()) {
        connect::<R>(format!("http://{NAME}/v1"), proxy.credentials(USER.0, USER.1)).await.unwrap();
        assert_eq!(asked.asked().len(), 1);
    }
    // As they stand in a URL.
    let proxy = TestProxy::http(server.port, known());
    let url = format!("http://us%40er:pass%3Aword%2F@localhost:{}", proxy.port);
    connect::<R>(format!("http://{NAME}/v1"), Proxy::new(&url).unwrap()).await.unwrap();
}

async fn wrong_credentials_are_refused<R: Runtime>() {
    let server = Server::plain();
    for (_asked, proxy) in both(&server, known()) {
        for proxy in [proxy.clone(), proxy.credentials("us@er", "guess")] {
            let error = connect::<R>(format!("http://{NAME}/v1"), proxy).await.unwrap_err();
            let told = tell(&error);
            assert_eq!(transport_error(&error).kind(), TransportErrorKind::Proxy, "{told}");
            assert!(!error.is_retryable());
            let http = told.contains("407 Proxy Authentication Required");
            assert!(http || told.contains("user and password") || told.contains("a user and a password"), "{told}");
            assert!(!told.contains("guess"));
        }
    }
    assert_eq!(server.connections(), 0);
}

/// A proxy that refuses in this way.
fn refusing(
    make: fn(u16, Manners) -> TestProxy,
    reach: fn(&TestProxy) -> Proxy,
    refusal: &'static str,
) -> (TestProxy, Proxy) {
    let proxy = make(0, Manners { refusal: Some(refusal), ..Manners::default() });
    let reached = reach(&proxy);
    (proxy, reached)
}

async fn a_refusal_is_no_error_of_the_server<R: Runtime>() {
    for ((proxy, way), words) in [
        (refusing(TestProxy::http, http, "403 Forbidden"), "403 Forbidden"),
        (refusing(TestProxy::socks, socks, "2"), "its rules do not allow this server"),
        (refusing(TestProxy::socks, socks, "7"), "status 7"),
        (refusing(TestProxy::http, http, "501 Not Implemented"), "501 Not Implemented"),
    ] {
        let error = connect::<R>(format!("http://{NAME}/v1"), way).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Proxy, "{}", tell(&error));
        assert!(!error.is_retryable());
        assert!(tell(&error).contains(words), "{}", tell(&error));
        assert!(tell(&error).contains(&format!("the proxy at localhost:{}", proxy.port)), "{}", tell(&error));
    }
}

async fn a_server_that_the_proxy_does_not_reach_may_be_reached_later<R: Runtime>() {
    for ((_refusing, proxy), words) in [
        (refusing(TestProxy::http, http, "502 Bad Gateway"), "502 Bad Gateway"),
        (refusing(TestProxy::http, http, "504 Gateway Timeout"), "504 Gateway Timeout"),
        (refusing(TestProxy::http, http, "500 Internal Server Error"), "500 Internal Server Error"),
        (refusing(TestProxy::http, http, "408 Request Timeout"), "408 Request Timeout"),
        (refusing(TestProxy::http, http, "429 Too Many Requests"), "429 Too Many Requests"),
        (refusing(TestProxy::socks, socks, "1"), "status 1"),
        (refusing(TestProxy::socks, socks, "4"), "host unreachable"),
        (refusing(TestProxy::socks, socks, "5"), "connection refused"),
    ] {
        let name = format!("the proxy at {proxy}");
        unreached::<R>(proxy, &[words, &name]).await;
    }
}

async fn unreached<R: Runtime>(proxy: Proxy, words: &[&str]) {
    let error = connect::<R>(format!("http://{NAME}/v1"), proxy).await.unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Connect, "{}", tell(&error));
    assert!(error.is_retryable());
    assert!(words.iter().all(|words| tell(&error).contains(words)), "{}", tell(&error));
}

async fn servers_that_are_left_out_are_dialled<R: Runtime>() {
    let server = Server::plain();
    let [(asked, proxy), _] = both(&server, Manners::default());
    let proxies = Proxies::from(proxy).except("localhost, 10.0.0.0/8");
    connect::<R>(server.url("http", "localhost"), proxies.clone()).await.unwrap();
    assert!(asked.asked().is_empty());
    connect::<R>(server.url("http", "127.0.0.1"), proxies).await.unwrap();
    assert_eq!(asked.asked(), [format!("127.0.0.1:{}", server.port)]);
    connect::<R>(server.url("http", "localhost"), Proxies::none()).await.unwrap();
}

async fn a_proxy_that_is_not_there_is_told<R: Runtime>() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = Proxy::new(&format!("127.0.0.1:{port}")).unwrap();
    unreached::<R>(proxy, &[&format!("the proxy at 127.0.0.1:{port} could not be reached")]).await;
}

async fn what_is_no_proxy_is_an_error<R: Runtime>() {
    let other = TestProxy::socks(0, Manners::default());
    let silent = support::server::listen(drop);
    for url in [
        format!("http://127.0.0.1:{}", other.port),
        format!("http://127.0.0.1:{silent}"),
        format!("socks5://127.0.0.1:{silent}"),
    ] {
        let error = connect::<R>(format!("http://{NAME}/v1"), Proxy::new(&url).unwrap()).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Io, "{url}: {}", tell(&error));
        assert!(error.is_retryable());
        let name = url.split_once("://").map(|(_, name)| format!("the proxy at {name}")).unwrap();
        assert!(tell(&error).contains(&name), "{url}: {}", tell(&error));
    }
    let server = support::server::listen(|mut stream| {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    for (scheme, words) in [("http", "it speaks no HTTP"), ("socks5", "it speaks no SOCKS5")] {
        let proxy = Proxy::new(&format!("{scheme}://127.0.0.1:{server}")).unwrap();
        let error = connect::<R>(format!("http://{NAME}/v1"), proxy).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Proxy, "{scheme}: {}", tell(&error));
        let named = format!("the proxy at 127.0.0.1:{server}: {words}");
        assert!(tell(&error).contains(&named), "{scheme}: {}", tell(&error));
    }
}

async fn credentials_are_never_printed<R: Runtime>() {
    for (_refusing, proxy) in
        [refusing(TestProxy::http, http, "407 Proxy Authentication Required"), refusing(TestProxy::socks, socks, "2")]
    {
        let transport = SocketTransport::<R>::new().proxy(proxy.credentials("mallory", "hunter2"));
        let client = Client::builder(transport.clone()).base_url(format!("http://{NAME}/v1")).build();
        let error = client.realtime().model("m").connect().await.unwrap_err();
        let printed = format!("{transport:?} {client:?} {error:?} {error} {}", tell(&error));
        for secret in ["mallory", "hunter2", "bWFsbG9yeTpodW50ZXIy"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
