//! What a relayed session holds that only waits. The one test of its program, so that nothing else is counted.
//!
//! Both far ends are raw sockets that hold nothing.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use futures::{executor::block_on, io::AllowStdIo};
use peak_alloc::PeakAlloc;
use realtime::{
    Client,
    server::{Acceptor, Listener, Meter, relay},
    smol::Smol,
    tokio::{Tokio, TokioTransport},
};

/// Counts what the whole program holds.
#[global_allocator]
static HELD: PeakAlloc = PeakAlloc;

const SESSIONS: usize = 100;
/// Bytes for each session, plain.
const MOST: usize = 60_000;
/// What each side has sent before the silence: an audio delta.
const BYTES: usize = 6_400;

/// Reads a head of HTTP.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// The frame of a text of this length, masked with zeros if a client sends it.
fn frame(masked: bool, length: usize) -> Vec<u8> {
    let (flag, mask): (u8, &[u8]) = if masked { (0x80, &[0; 4]) } else { (0, &[]) };
    let mut frame = vec![0x81, flag | 126];
    frame.extend((length as u16).to_be_bytes());
    frame.extend(mask);
    frame.extend(vec![b'x'; length]);
    frame
}

/// A service that upgrades, sends one event, and says nothing more.
fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let acceptor = Acceptor::on::<Smol>();
    thread::spawn(move || {
        let mut open = Vec::with_capacity(SESSIONS + 1);
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The acceptor's clone of the socket is dropped with the request.
            let asked = AllowStdIo::new(stream.try_clone().unwrap());
            let answer = block_on(acceptor.accept(asked)).unwrap().request().encode_response();
            stream.write_all(&answer).unwrap();
            stream.write_all(&frame(false, BYTES)).unwrap();
            open.push(stream);
        }
    });
    base
}

/// A client whose session has begun: what the service has sent has arrived.
fn client(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 101 "));
    let mut event = vec![0; frame(false, BYTES).len()];
    stream.read_exact(&mut event).unwrap();
    stream.write_all(&frame(true, BYTES)).unwrap();
    stream
}

#[test]
fn a_relayed_session_that_waits_is_small() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let upstream = Client::builder(TokioTransport::new()).base_url(service()).build();
    let meter = Meter::new();
    let count = meter.clone();
    let mut listener =
        runtime.block_on(Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), Acceptor::on::<Tokio>())).unwrap();
    let address = listener.address().unwrap();
    runtime.spawn(async move {
        while let Some(Ok(incoming)) = listener.next().await {
            let upstream = upstream.realtime().model("m");
            let tap = meter.tap(upstream.timer());
            tokio::spawn(relay(incoming, upstream, tap));
        }
    });
    let settled = |sessions: u64| {
        // The client's event is counted once it was read.
        while count.read().events_up < sessions {
            thread::yield_now();
        }
    };
    let mut all = Vec::with_capacity(SESSIONS + 1);
    // What is made once is no session's.
    all.push(client(address));
    settled(1);
    let before = HELD.current_usage();
    for _ in 0..SESSIONS {
        all.push(client(address));
    }
    settled(SESSIONS as u64 + 1);
    let each = (HELD.current_usage() - before) / SESSIONS;
    assert!(each <= MOST, "{each} bytes each");
    println!("{each} bytes each");
}
