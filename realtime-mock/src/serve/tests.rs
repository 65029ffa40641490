use std::{io, net::TcpStream, pin::pin, sync::Arc};

use async_io::{Async, block_on};
use futures::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
    future::{Either, select},
};
use futures_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use realtime_core::{
    endpoint::Handshake,
    event::{Event, ServerEvent},
    transport::{CloseFrame, Duplex, Message, TransportErrorKind},
};
use realtime_websocket::ByteStream;

use super::*;

fn handshake(served: &Served, path: &str) -> Handshake {
    Handshake::new(format!("{}{path}", served.url()).parse().unwrap())
}

async fn dial(served: &Served) -> Async<TcpStream> {
    Async::<TcpStream>::connect(served.address()).await.unwrap()
}

/// Upgrades a stream, as a client does.
async fn upgrade<S>(stream: S, handshake: &Handshake) -> Result<Duplex, realtime_core::transport::TransportError>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let upgraded = realtime_websocket::upgrade(ByteStream::new(stream), handshake, &SystemClock::new()).await?;
    let headers = upgraded.headers.clone();
    let mut duplex = realtime_websocket::client(upgraded, realtime_websocket::config(1 << 20, 4096)).await;
    duplex.headers = headers;
    Ok(duplex)
}

async fn greeted(duplex: &mut Duplex) {
    let Ok(Some(Message::Text(text))) = duplex.read.receive().await else { panic!("no greeting") };
    assert!(matches!(ServerEvent::decode(text.as_bytes()), ServerEvent::SessionCreated(_)));
}

#[test]
fn serves_plain_and_says_goodbye() {
    let simulator = Simulator::new();
    let served = simulator.serve().unwrap();
    assert!(served.address().ip().is_loopback() && served.ca_pem().is_none());
    assert_eq!(served.url().replace("ws:", "http:"), served.base_url());
    block_on(async {
        let mut duplex = upgrade(dial(&served).await, &handshake(&served, "/realtime?model=m")).await.unwrap();
        assert!(!duplex.headers.contains_key("sec-websocket-protocol"));
        greeted(&mut duplex).await;
        duplex.write.send(Message::Close(Some(CloseFrame::new(1000, "bye")))).await.unwrap();
        assert!(matches!(duplex.read.receive().await, Ok(Some(Message::Close(_)))));
        assert_eq!(duplex.read.receive().await.unwrap(), None);
        // Cut off in the middle, it is over too.
        let mut duplex = upgrade(dial(&served).await, &handshake(&served, "/realtime?model=m")).await.unwrap();
        greeted(&mut duplex).await;
    });
    drop(served);
    assert!(simulator.sessions().iter().all(|session| session.is_closed()));
}

#[test]
fn serves_tls_with_a_certificate_of_its_own() {
    let served = Simulator::new().serve_tls().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(served.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let connector = |roots: RootCertStore| {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    };
    block_on(async {
        for name in ["127.0.0.1", "localhost"] {
            let name = ServerName::try_from(name).unwrap();
            let stream = connector(roots.clone()).connect(name, dial(&served).await).await.unwrap();
            let mut duplex = upgrade(stream, &handshake(&served, "/realtime?model=m")).await.unwrap();
            greeted(&mut duplex).await;
        }
        // Nobody else trusts it.
        let name = ServerName::try_from("localhost").unwrap();
        assert!(connector(RootCertStore::empty()).connect(name, dial(&served).await).await.is_err());
    });
    assert!(served.url().starts_with("wss://127.0.0.1:") && served.base_url().starts_with("https://127.0.0.1:"));
}

#[test]
fn takes_the_key_of_a_browser() {
    let simulator = Simulator::new().key("sk-right");
    let served = simulator.serve().unwrap();
    block_on(async {
        let mut handshake = handshake(&served, "/realtime?model=m");
        handshake.subprotocols = vec!["realtime".into(), "openai-insecure-api-key.sk-right".into()];
        let mut duplex = upgrade(dial(&served).await, &handshake).await.unwrap();
        assert_eq!(duplex.headers["sec-websocket-protocol"], "realtime");
        greeted(&mut duplex).await;
    });
}

#[test]
fn refuses_what_it_does_not_serve() {
    let served = Simulator::new().serve().unwrap();
    block_on(async {
        let refused = upgrade(dial(&served).await, &handshake(&served, "/chat")).await.unwrap_err();
        let TransportErrorKind::Rejected { status } = refused.kind() else { panic!("{refused:?}") };
        assert_eq!((status.as_u16(), refused.body().unwrap().is_empty()), (404, false));
        for (request, answer) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 "),
            ("POST /v1/realtime HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n", "HTTP/1.1 426 "),
            ("\u{1}\u{2}\r\n\r\n", "HTTP/1.1 400 "),
        ] {
            let mut stream = dial(&served).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answered = String::new();
            stream.read_to_string(&mut answered).await.unwrap();
            assert!(answered.starts_with(answer), "{answered}");
        }
    });
}

#[test]
fn serves_so_many_at_a_time() {
    let simulator = Simulator::new();
    let served = simulator.server().max_connections(2).start().unwrap();
    block_on(async {
        let handshake = handshake(&served, "/realtime?model=m");
        let connect = async || upgrade(dial(&served).await, &handshake).await.unwrap();
        let (mut first, mut second) = (connect().await, connect().await);
        greeted(&mut first).await;
        greeted(&mut second).await;
        let third = pin!(connect());
        // While the third asks, the second is answered more than once.
        let busy = pin!(async {
            for _ in 0..20 {
                second.write.send(Message::Ping("x".into())).await.unwrap();
                assert!(matches!(second.read.receive().await, Ok(Some(Message::Pong(_)))));
            }
        });
        let Either::Right(((), third)) = select(third, busy).await else { panic!("a third was let in") };
        assert_eq!(simulator.sessions().len(), 2);
        drop(first);
        greeted(&mut third.await).await;
    });
}

#[test]
fn a_port_can_be_had_once() {
    let served = Simulator::new().serve().unwrap();
    let taken = Simulator::new().server().port(served.address().port()).start();
    assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}
