use std::{io, net::TcpStream, pin::pin, sync::Arc};

use async_io::{Async, Timer, block_on};
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
    Realtime,
    endpoint::Handshake,
    event::{Event, ServerEvent},
    transport::{CloseFrame, Duplex, Message, TransportErrorKind},
};
use realtime_websocket::ByteStream;

use super::*;
use crate::MockTransport;

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
    let mut duplex = realtime_websocket::client(upgraded, realtime_websocket::config(1 << 20, 4096));
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
            ("POST /v1/realtime HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n", "HTTP/1.1 405 "),
            // As a proxy passes an upgrade on that does not know it.
            ("GET /v1/realtime HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n", "HTTP/1.1 426 "),
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
fn a_scripted_server_on_a_port_gets_only_what_asks_for_websocket_rightly() {
    let lines = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let good = format!("GET /v1/realtime?model=m HTTP/1.1\r\n{lines}");
    let (transport, server) = MockTransport::new();
    let served = Server::new(transport).start().unwrap();
    block_on(async {
        let ask = async |request: String| {
            let mut stream = dial(&served).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut status = [0; 13];
            stream.read_exact(&mut status).await.unwrap();
            (String::from_utf8_lossy(&status).into_owned(), stream)
        };
        for (from, to, answer) in [
            ("HTTP/1.1\r\n", "HTTP/1.0\r\n", "HTTP/1.1 505 "),
            ("GET", "PUT", "HTTP/1.1 405 "),
            ("Host: x\r\n", "", "HTTP/1.1 400 "),
            ("Upgrade: websocket\r\n", "", "HTTP/1.1 426 "),
            ("Connection: Upgrade", "Connection: close", "HTTP/1.1 426 "),
            ("Version: 13", "Version: 8", "HTTP/1.1 426 "),
            ("Key: dGhl", "Key: ", "HTTP/1.1 400 "),
            ("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 400 "),
        ] {
            let (answered, _) = ask(good.replace(from, to)).await;
            assert_eq!(answered, answer, "{to}");
            assert!(server.try_accept_as::<Realtime>().is_none(), "{to}");
        }
        let (answered, _open) = ask(good).await;
        assert_eq!(answered, "HTTP/1.1 101 ");
        let session = server.try_accept_as::<Realtime>().unwrap();
        assert_eq!(session.handshake().uri, "ws://x/v1/realtime?model=m");
    });
}

#[test]
fn who_is_one_too_many_is_refused_at_once() {
    let simulator = Simulator::new();
    let served = simulator.server().max_connections(2).start().unwrap();
    block_on(async {
        let handshake = handshake(&served, "/realtime?model=m");
        let connect = async || upgrade(dial(&served).await, &handshake).await;
        let (mut first, mut second) = (connect().await.unwrap(), connect().await.unwrap());
        greeted(&mut first).await;
        greeted(&mut second).await;
        let refused = connect().await.unwrap_err();
        let TransportErrorKind::Rejected { status } = refused.kind() else { panic!("{refused:?}") };
        assert_eq!((status.as_u16(), &refused.headers().unwrap()["retry-after"]), (503, &"1".parse().unwrap()));
        let body: serde_json::Value = serde_json::from_slice(refused.body().unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "too_many_connections");
        assert_eq!(simulator.sessions().len(), 2);
        // Once a place is free, it is taken.
        drop(first);
        loop {
            match connect().await {
                Ok(mut third) => break greeted(&mut third).await,
                Err(_) => Timer::after(Duration::from_millis(1)).await,
            };
        }
    });
}

#[test]
fn clients_that_say_nothing_keep_nobody_waiting() {
    let served = Simulator::new().server().max_handshakes(3).max_connections(5).start().unwrap();
    block_on(async {
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(dial(&served).await);
        }
        let mut duplex = upgrade(dial(&served).await, &handshake(&served, "/realtime?model=m")).await.unwrap();
        greeted(&mut duplex).await;
        // The oldest were given up, and told so.
        let mut answered = String::new();
        silent[0].read_to_string(&mut answered).await.unwrap();
        assert!(answered.starts_with("HTTP/1.1 503 ") && answered.contains("too_many_handshakes"), "{answered}");
    });
}

#[test]
fn a_request_that_does_not_come_is_not_awaited_for_ever() {
    let served = Simulator::new().server().handshake_timeout(Duration::from_millis(20)).start().unwrap();
    block_on(async {
        let mut stream = dial(&served).await;
        stream.write_all(b"GET /v1/realtime HTTP/1.1\r\n").await.unwrap();
        let mut answered = String::new();
        stream.read_to_string(&mut answered).await.unwrap();
        assert!(answered.starts_with("HTTP/1.1 408 "), "{answered}");
    });
}

#[test]
fn a_session_that_panics_ends_alone() {
    let simulator = Simulator::new().pace(Pace::INSTANT).answer(|turn| match turn.text().as_str() {
        "panic" => panic!("as the test wants it"),
        text => text.to_owned(),
    });
    let served = simulator.serve().unwrap();
    let ask = |text: &str| {
        Message::Text(
            serde_json::json!({ "type": "response.create", "response": { "output_modalities": ["text"], "input": [
                { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] },
            ] } })
            .to_string()
            .into(),
        )
    };
    block_on(async {
        let handshake = handshake(&served, "/realtime?model=m");
        let connect = async || upgrade(dial(&served).await, &handshake).await.unwrap();
        let (mut first, mut second) = (connect().await, connect().await);
        greeted(&mut first).await;
        greeted(&mut second).await;
        first.write.send(ask("panic")).await.unwrap();
        let closed = first.read.receive().await.unwrap();
        assert_eq!(closed, Some(Message::Close(Some(CloseFrame::new(1011, "the session panicked")))));
        second.write.send(ask("Hello")).await.unwrap();
        let Ok(Some(Message::Text(text))) = second.read.receive().await else { panic!("no answer") };
        assert!(matches!(ServerEvent::decode(text.as_bytes()), ServerEvent::ResponseCreated(_)));
        greeted(&mut connect().await).await;
    });
}

/// What a client that reads at once has to wait for: a turn of one message of the other's, which has two and a half
/// hours of speech to be sent, at once.
#[test]
fn a_long_answer_keeps_nobody_waiting() {
    let simulator = Simulator::new().pace(Pace::INSTANT).answer(|_| "a word ".repeat(20_000));
    let served = simulator.serve().unwrap();
    block_on(async {
        let handshake = handshake(&served, "/realtime?model=m");
        let connect = async || upgrade(dial(&served).await, &handshake).await.unwrap();
        let (mut first, mut second) = (connect().await, connect().await);
        greeted(&mut first).await;
        greeted(&mut second).await;
        first.write.send(Message::Text(r#"{"type":"response.create"}"#.into())).await.unwrap();
        // It reads all of it as it comes.
        let listen = pin!(async {
            let mut sounds = 0_u32;
            while let Ok(Some(Message::Text(text))) = first.read.receive().await {
                let text = text.to_str().unwrap();
                sounds += u32::from(text.starts_with(r#"{"type":"response.output_audio.delta""#));
                assert!(!text.starts_with(r#"{"type":"response.done""#), "the other had to wait");
            }
            panic!("the answer broke off after {sounds} pieces")
        });
        // Before the long answer is over, the other has asked and been answered often.
        let busy = pin!(async {
            for _ in 0..100 {
                second.write.send(Message::Text(r#"{"type":"input_audio_buffer.clear"}"#.into())).await.unwrap();
                assert!(matches!(second.read.receive().await, Ok(Some(Message::Text(_)))));
            }
        });
        let Either::Right(..) = select(listen, busy).await;
    });
}

#[test]
fn a_port_can_be_had_once() {
    let served = Simulator::new().serve().unwrap();
    let taken = Simulator::new().server().port(served.address().port()).start();
    assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}
