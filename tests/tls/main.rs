//! Whom a transport trusts, on every runtime and by every library.

#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    sync::Arc,
};

use realtime::{
    Client, Error,
    transport::TransportErrorKind,
    types::ResponseConfig,
    websocket::{
        Runtime, SocketTransport, Tls,
        rustls::{
            ClientConfig, RootCertStore, ServerConnection, StreamOwned,
            crypto::ring,
            pki_types::{CertificateDer, pem::PemObject},
        },
    },
};
use support::{authority::Authority, on_every_runtime, server::Server, tell, transport_error};

on_every_runtime! {
    a_private_authority_is_trusted_when_it_is_given
    an_unknown_authority_is_refused
    another_name_is_refused
    an_expired_certificate_is_refused
    a_client_shows_its_certificate
    a_configuration_is_taken_as_it_is
    a_server_without_tls_is_an_error
    a_server_that_hangs_up_may_fare_better_later
    pem_without_a_certificate_is_an_error
    a_broken_record_within_a_session_is_a_broken_link
}

/// Every trust that is compiled in.
fn trusts() -> Vec<(&'static str, Tls)> {
    vec![
        ("open", Tls::new()),
        ("platform", Tls::platform()),
        ("webpki", Tls::webpki_roots()),
        #[cfg(feature = "native-tls")]
        ("native", Tls::native()),
    ]
}

async fn connect<R: Runtime>(server: &Server, name: &str, tls: Tls) -> Result<(), Error> {
    connect_to::<R>(server.url("https", name), tls).await
}

async fn connect_to<R: Runtime>(url: String, tls: Tls) -> Result<(), Error> {
    let client = Client::builder(SocketTransport::<R>::new().tls(tls)).base_url(url).build();
    client.realtime().model("m").run(async |_| Ok(())).await
}

/// Connecting fails for want of trust, after one attempt, and says so in these words.
async fn refused<R: Runtime>(server: &Server, name: &str, which: &str, tls: Tls, rustls: &str, native: &str) {
    let before = server.connections();
    let error = connect::<R>(server, name, tls).await.unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{which}: {}", tell(&error));
    assert!(!error.is_retryable(), "{which}: {}", tell(&error));
    let words = if which == "native" { native } else { rustls };
    assert!(tell(&error).contains(words), "{which}: {}", tell(&error));
    assert_eq!(server.connections(), before + 1, "{which}");
}

async fn a_private_authority_is_trusted_when_it_is_given<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&["localhost", "127.0.0.1"]));
    for (which, tls) in trusts() {
        for name in ["localhost", "127.0.0.1"] {
            let more = tls.clone().ca_pem(authority.pem());
            connect::<R>(&server, name, more.clone()).await.unwrap_or_else(|error| panic!("{which}: {}", tell(&error)));
            let only = more.only_given();
            connect::<R>(&server, name, only).await.unwrap_or_else(|error| panic!("{which}: {}", tell(&error)));
        }
    }
}

async fn an_unknown_authority_is_refused<R: Runtime>() {
    let server = Server::tls(Authority::new().server(&["localhost"]));
    let other = Authority::new();
    for (which, tls) in trusts() {
        for tls in [tls.clone(), tls.clone().ca_pem(other.pem()), tls.ca_pem(other.pem()).only_given()] {
            refused::<R>(&server, "localhost", which, tls, "UnknownIssuer", "certificate verify failed").await;
        }
    }
}

async fn another_name_is_refused<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&["other.test"]));
    for (which, tls) in trusts() {
        let tls = tls.ca_pem(authority.pem());
        refused::<R>(&server, "localhost", which, tls, "not valid for name \"localhost\"", "hostname mismatch").await;
    }
}

async fn an_expired_certificate_is_refused<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.expired(&["localhost"]));
    for (which, tls) in trusts() {
        let tls = tls.ca_pem(authority.pem());
        refused::<R>(&server, "localhost", which, tls, "certificate expired", "certificate has expired").await;
    }
}

async fn a_client_shows_its_certificate<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.demanding(&["localhost"]));
    for (which, tls) in trusts() {
        let tls = tls.ca_pem(authority.pem());
        let known = authority.client();
        let shown = tls.clone().identity(known.chain, known.key);
        connect::<R>(&server, "localhost", shown).await.unwrap_or_else(|error| panic!("{which}: {}", tell(&error)));
        let error = connect::<R>(&server, "localhost", tls).await.unwrap_err();
        assert!(!format!("{error:?}").contains("PRIVATE KEY"));
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{which}: {}", tell(&error));
        let words = if which == "native" { "certificate required" } else { "CertificateRequired" };
        assert!(tell(&error).contains(words), "{which}: {}", tell(&error));
    }
}

async fn a_configuration_is_taken_as_it_is<R: Runtime>() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(&["localhost"]));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    connect::<R>(&server, "localhost", Tls::rustls(config)).await.unwrap();
}

async fn a_server_without_tls_is_an_error<R: Runtime>() {
    let port = support::server::listen(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (which, tls) in trusts() {
        let error = connect_to::<R>(format!("https://localhost:{port}"), tls).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{which}: {}", tell(&error));
    }
}

async fn a_server_that_hangs_up_may_fare_better_later<R: Runtime>() {
    let port = support::server::listen(|mut stream| {
        // All of its greeting is read, so that the end is one in order.
        let _ = stream.read(&mut [0; 4096]);
    });
    for (which, tls) in trusts() {
        let error = connect_to::<R>(format!("https://localhost:{port}"), tls).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Io, "{which}: {}", tell(&error));
        assert!(error.is_retryable());
    }
}

async fn a_broken_record_within_a_session_is_a_broken_link<R: Runtime>() {
    let authority = Authority::new();
    let config = authority.server(&["localhost"]);
    for (what, record) in [
        ("a record that cannot be decrypted", &b"\x17\x03\x03\x00\x1f this is not what was agreed on"[..]),
        ("an alert in the clear", b"\x15\x03\x03\x00\x02\x02\x28"),
        ("no record at all", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
    ] {
        let config = config.clone();
        let port = support::server::listen(move |stream| {
            let stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let Ok(mut socket) = tungstenite::accept(stream) else { return };
            let created = r#"{"type":"session.created","session":{"type":"realtime"}}"#;
            let _ = socket.send(tungstenite::Message::text(created));
            // Once the client has said something, it is in its session.
            let _ = socket.read();
            let _ = socket.get_mut().sock.write_all(record);
            let _ = socket.get_mut().sock.read(&mut [0; 4096]);
        });
        for (which, tls) in trusts() {
            let transport = SocketTransport::<R>::new().tls(tls.ca_pem(authority.pem()));
            let client = Client::builder(transport).base_url(format!("https://localhost:{port}")).build();
            let connection = client.realtime().model("m").connect().await.unwrap();
            drop(connection.response().create(ResponseConfig::default()).unwrap());
            let error = loop {
                match connection.next().await.expect("an error") {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(transport_error(&error).kind(), TransportErrorKind::Io, "{which}, {what}: {}", tell(&error));
            assert!(error.is_retryable(), "{which}, {what}");
        }
    }
}

async fn pem_without_a_certificate_is_an_error<R: Runtime>() {
    let server = Server::plain();
    for (which, tls) in trusts() {
        let error = connect::<R>(&server, "localhost", tls.ca_pem("no certificate")).await.unwrap_err();
        assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{which}: {}", tell(&error));
    }
}
