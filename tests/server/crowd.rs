//! A crowd in front of a gateway, of which one client only is good. `tests/interop/crowd.py` is the same at full size.

use std::time::Duration;

use realtime::{
    Client,
    connection::LinkOptions,
    mock::{Pace, Simulator},
    server::{Acceptor, Listener, RequestLimits, relay},
    tokio::Tokio,
    types::{Modality, ResponseConfig},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const REQUEST: &str = "GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const IDLE: usize = 100;
const OTHERS: usize = 40;

async fn dial(address: std::net::SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What is sent before the end. A reset is an end too.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("an end");
    rest
}

#[tokio::test]
async fn idle_half_open_and_unruly_clients_leave_room_for_a_good_one() {
    let served = Simulator::new().pace(Pace::INSTANT).serve().unwrap();
    let client = |base: String| Client::builder(realtime::default_transport()).base_url(base).api_key("k").build();
    let upstream = client(served.base_url());
    // The idle ones do not answer pings.
    let acceptor = Acceptor::on::<Tokio>()
        .options(LinkOptions::default().keepalive(None))
        .limits(RequestLimits::default().timeout(Duration::from_secs(2)));
    let listener = Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), acceptor).await.unwrap();
    let mut listener = listener.max_connections(IDLE + 20).max_handshakes(10);
    let (address, handle) = (listener.address().unwrap(), listener.handle());
    let gateway = tokio::spawn(async move {
        while let Some(incoming) = listener.next().await {
            if let Ok(incoming) = incoming {
                tokio::spawn(relay(incoming, upstream.realtime().model("m"), ()));
            }
        }
    });

    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let mut stream = dial(address, REQUEST.as_bytes()).await;
        let mut head = [0; 12];
        timeout(LONG, stream.read_exact(&mut head)).await.unwrap().unwrap();
        assert_eq!(&head, b"HTTP/1.1 101");
        idle.push(stream);
    }
    let mut half = Vec::new();
    for _ in 0..OTHERS {
        half.push(dial(address, &REQUEST.as_bytes()[..60]).await);
    }
    // No request; and, one at a time because each takes a place, no frames.
    for _ in 0..OTHERS {
        let answer = rest(dial(address, &[0xA5; 300]).await).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", answer.escape_ascii());
        let answer = rest(dial(address, &[REQUEST.as_bytes(), &[0xA5; 300]].concat()).await).await;
        // Closed as a breach of the protocol: 1002.
        assert!(answer.starts_with(b"HTTP/1.1 101") && answer.windows(2).any(|bytes| bytes == [3, 234]));
        assert!(handle.connections() <= IDLE + 20);
    }
    let good = async {
        let connection = client(format!("http://{address}/v1")).realtime().model("m").connect().await.unwrap();
        let config = ResponseConfig::default().output_modalities([Modality::Text]);
        connection.response().create(config).unwrap().await.unwrap();
        connection.finish().await.unwrap();
    };
    timeout(LONG, good).await.unwrap();
    for stream in half {
        // The oldest made room for others, and the rest took too long.
        let answer = rest(stream).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 408") || answer.starts_with(b"HTTP/1.1 503"),
            "{}",
            answer.escape_ascii()
        );
    }
    assert_eq!(handle.connections(), IDLE);
    drop(idle);
    assert_eq!(timeout(LONG, handle.drain(LONG)).await.unwrap(), 0);
    gateway.await.unwrap();
}
