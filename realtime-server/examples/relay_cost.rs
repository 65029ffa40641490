//! What a relayed event costs, beside a bare relay from one tungstenite stream to another that looks at nothing.
//!
//! ```text
//! cargo run --release -p realtime-server --example relay_cost
//! ```
//!
//! Both run on this thread, one after the other in turns, over loopback; the far ends are raw sockets in threads of their own.
//! Prints the processor's time of this thread for each event, and the ratio. Linux only: it reads `/proc`.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use futures::{SinkExt, StreamExt};
use realtime_core::Client;
use realtime_server::{Acceptor, Listener, Meter, relay};
use realtime_tokio::{Tokio, TokioTransport};
use tokio_tungstenite::{accept_async, connect_async};

const ROUNDS: usize = 15;
/// The events of one round: an audio delta of 100 ms, and a transcript's delta, so many times.
const PAIRS: usize = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let service = service();
    let (mut ours, mut metered, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let costs =
            [ours_once(service, None).await, ours_once(service, Some(Meter::new())).await, bare_once(service).await];
        // The first one warms up.
        if round > 0 {
            for (all, cost) in [&mut ours, &mut metered, &mut bare].into_iter().zip(costs) {
                all.push(cost);
            }
        }
    }
    let [ours, metered, bare] = [ours, metered, bare].map(median);
    println!("bare relay             {bare:7.0} ns for each event");
    println!("relay                  {ours:7.0} ns, {:.2} times", ours / bare);
    println!("relay with a meter     {metered:7.0} ns, {:.2} times", metered / bare);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One session through `relay`.
async fn ours_once(service: SocketAddr, meter: Option<Meter>) -> f64 {
    let client = Client::builder(TokioTransport::new()).base_url(format!("http://{service}/v1")).build();
    let listen = Listener::bind::<Tokio>(([127, 0, 0, 1], 0).into(), Acceptor::on::<Tokio>());
    let mut listener = listen.await.expect("a port");
    drain_in_thread(listener.address().expect("an address"));
    let incoming = listener.next().await.expect("a client").expect("a request");
    let upstream = client.realtime().model("m");
    let begin = cpu();
    match meter {
        None => drop(relay(incoming, upstream, ()).await),
        Some(meter) => {
            let tap = meter.tap(upstream.timer());
            drop(relay(incoming, upstream, tap).await);
        }
    }
    (cpu() - begin) as f64 / (2 * PAIRS) as f64
}

/// One session through two tungstenite streams, joined.
async fn bare_once(service: SocketAddr) -> f64 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    drain_in_thread(listener.local_addr().expect("an address"));
    let (stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let begin = cpu();
    let client = accept_async(stream).await.expect("an upgrade");
    let (upstream, _) = connect_async(format!("ws://{service}/v1/realtime")).await.expect("a service");
    let ((mut up_write, mut up_read), (mut down_write, mut down_read)) = (upstream.split(), client.split());
    let down = async {
        while let Some(Ok(message)) = up_read.next().await {
            // After a close frame a client waits for the end of the stream, which the service leaves to it.
            let last = message.is_close();
            if down_write.send(message).await.is_err() || last {
                break;
            }
        }
    };
    let up = async {
        while let Some(Ok(message)) = down_read.next().await {
            let last = message.is_close();
            if up_write.send(message).await.is_err() || last {
                break;
            }
        }
    };
    futures::future::join(down, up).await;
    (cpu() - begin) as f64 / (2 * PAIRS) as f64
}

/// Nanoseconds that this thread has run.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|time| time.parse().ok()).expect("a number")
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A service that upgrades, sends the mix of events, and closes.
fn service() -> SocketAddr {
    let ids = r#""event_id":"event_1234567890","response_id":"resp_1234567890","item_id":"item_1234567890""#;
    let audio = format!(r#"{{"type":"response.output_audio.delta",{ids},"delta":"{}"}}"#, "QUJD".repeat(1600));
    let text = format!(r#"{{"type":"response.output_audio_transcript.delta",{ids},"delta":" hello"}}"#);
    let pair = [frame(audio.as_bytes()), frame(text.as_bytes())].concat();
    let close = [0x88, 2, 3, 0xE8];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, pair) = (stream.expect("a client"), pair.clone());
            thread::spawn(move || {
                let head = head(&mut stream);
                let key = head
                    .lines()
                    .find_map(|line| line.to_lowercase().starts_with("sec-websocket-key:").then(|| &line[19..]));
                let accept = realtime_websocket::tungstenite::handshake::derive_accept_key(
                    key.expect("a key").trim().as_bytes(),
                );
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).expect("the answer");
                for _ in 0..PAIRS {
                    stream.write_all(&pair).expect("the events");
                }
                stream.write_all(&close).expect("the close frame");
                // Until the other side has closed.
                while stream.read(&mut [0; 256]).is_ok_and(|length| length > 0) {}
            });
        }
    });
    address
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

/// A client in a thread: upgrades, and reads until the close frame, which it answers.
fn drain_in_thread(address: SocketAddr) {
    let (started, starts) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("the relay");
        started.send(()).expect("the test waits");
        let request = "GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("the request");
        head(&mut stream);
        let mut tail = Vec::new();
        let mut piece = [0; 16 << 10];
        while !tail.ends_with(&[0x88, 2, 3, 0xE8]) {
            let length = stream.read(&mut piece).expect("events");
            assert!(length > 0, "the relay closes with a frame");
            tail = piece[..length].to_vec();
        }
        // Masked with zeros.
        stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]).expect("the answer");
        while stream.read(&mut piece).is_ok_and(|length| length > 0) {}
    });
    starts.recv().expect("the thread");
}
