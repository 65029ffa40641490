//! What a relay in a process of its own costs, and what it adds to the latency.

use std::{
    env, fs, net,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, sleep_until},
};

use crate::{cpu, peers};

/// What is measured, from the environment.
#[derive(Clone, Copy)]
struct Load {
    /// Sessions at the same time: `SESSIONS`, 20 by default.
    sessions: usize,
    /// Pairs of events for each of them: `PAIRS`, 500 by default.
    pairs: usize,
    /// The time between two: `PAUSE_MS`, 20 by default, which is five times as fast as speech.
    pause: Duration,
    /// Whether clients send audio of the same duration for each pair: `BOTH_WAYS`. Not by default.
    both_ways: bool,
}

impl Load {
    fn from_environment() -> Self {
        let number = |name, default| env::var(name).map_or(default, |value| value.parse().expect("a number"));
        Self {
            sessions: number("SESSIONS", 20) as usize,
            pairs: number("PAIRS", 500) as usize,
            pause: Duration::from_millis(number("PAUSE_MS", 20)),
            both_ways: env::var_os("BOTH_WAYS").is_some(),
        }
    }
}

/// Digits of the time within an event.
const DIGITS: usize = 16;

/// Serves at this port, and measures each hop, written as `name=address=pid`, or without a process. One thread does both:
/// with a thread for each end, most of its time would be spent on changing between them.
pub(crate) async fn run(port: u16, hops: &[String]) {
    let (began, load) = (Instant::now(), Load::from_environment());
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, began, load));
        }
    });
    let mut direct = None;
    for hop in hops {
        let [name, address, pid] = hop.split('=').collect::<Vec<_>>()[..] else { panic!("name=address=pid: {hop}") };
        let (before, own) = (process(pid), process("self"));
        let since = Instant::now();
        let mut clients = Vec::new();
        for _ in 0..load.sessions {
            // Sessions do not begin all at once.
            sleep(load.pause / load.sessions as u32).await;
            clients.push(tokio::spawn(listen(address.to_owned(), began, load)));
        }
        let mut late = Vec::new();
        for client in clients {
            late.extend(client.await.expect("a client"));
        }
        let (used, own, took) = (process(pid) - before, process("self") - own, since.elapsed().as_nanos() as f64);
        late.sort_unstable();
        let at = |share: f64| late[(late.len() as f64 * share) as usize] as f64 / 1000.0;
        let (half, most) = (at(0.5), at(0.99));
        let (plain, worst) = *direct.get_or_insert((half, most));
        let sides = if load.both_ways { 3 } else { 2 };
        println!(
            "{name:10} {:7.0} ns for each event, {:3.0} % of a core; latency p50 {half:6.0} us (+{:.0}), p99 {most:6.0} us \
             (+{:.0}); the far ends take {:3.0} %",
            used as f64 / (sides * load.sessions * load.pairs) as f64,
            used as f64 / took * 100.0,
            half - plain,
            most - worst,
            own as f64 / took * 100.0,
        );
    }
}

/// Nanoseconds that a process has run: all of its threads.
fn process(pid: &str) -> u64 {
    if pid.is_empty() {
        return 0;
    }
    // A process that serves by children names them too: `1,2`.
    let tasks = pid.split(',').flat_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).expect("a process").flatten());
    tasks.map(|task| cpu(task.path().strip_prefix("/proc").expect("a path").to_str().expect("text"))).sum()
}

/// Sends pairs of events, the first of each with the time. What the client sends is read and dropped.
async fn serve(stream: TcpStream, began: Instant, load: Load) {
    let stream = upgraded(stream, peers::upgrade).await;
    let (mut from, mut to) = stream.into_split();
    let heard = tokio::spawn(async move {
        let mut bytes = vec![0; 16 << 10];
        while from.read(&mut bytes).await.is_ok_and(|length| length > 0) {}
    });
    let mut pair = peers::pair();
    let at = place(&pair);
    let mut next = tokio::time::Instant::now();
    for _ in 0..load.pairs {
        pair[at..at + DIGITS].copy_from_slice(format!("{:0DIGITS$}", began.elapsed().as_nanos()).as_bytes());
        if to.write_all(&pair).await.is_err() {
            return;
        }
        // By the clock, as audio is spoken: what is late once does not make all that follows late.
        next += load.pause;
        sleep_until(next).await;
    }
    let _ = to.write_all(&peers::CLOSE).await;
    let _ = heard.await;
}

/// Receives all of them, and answers each with audio of the same duration if asked to. How late each pair was, in
/// nanoseconds.
async fn listen(address: String, began: Instant, load: Load) -> Vec<u64> {
    let stream = TcpStream::connect(address).await.expect("the hop");
    let mut stream = upgraded(stream, peers::request).await;
    let mut pair = peers::pair();
    let (at, append) = (place(&pair), append());
    let mut late = Vec::with_capacity(load.pairs);
    for _ in 0..load.pairs {
        stream.read_exact(&mut pair).await.expect("a pair");
        let now = began.elapsed().as_nanos() as u64;
        let sent: u64 =
            std::str::from_utf8(&pair[at..at + DIGITS]).ok().and_then(|time| time.parse().ok()).expect("a time");
        if load.both_ways {
            stream.write_all(&append).await.expect("the hop");
        }
        late.push(now - sent);
    }
    let _ = stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]).await;
    late
}

/// The stream after this side of the upgrade, which blocks a thread of its own.
async fn upgraded(stream: TcpStream, side: fn(&mut net::TcpStream)) -> TcpStream {
    stream.set_nodelay(true).expect("a socket");
    let mut stream = stream.into_std().expect("a socket");
    let stream = tokio::task::spawn_blocking(move || {
        stream.set_nonblocking(false).expect("a socket");
        side(&mut stream);
        stream.set_nonblocking(true).expect("a socket");
        stream
    });
    TcpStream::from_std(stream.await.expect("an upgrade")).expect("a socket")
}

/// Where the time is in a pair.
fn place(pair: &[u8]) -> usize {
    pair.windows(DIGITS).position(|bytes| bytes == b"event_1234567890").expect("the place")
}

/// An append of 100 ms of audio, masked with zeros.
fn append() -> Vec<u8> {
    let text = format!(r#"{{"type":"input_audio_buffer.append","audio":"{}"}}"#, "QUJD".repeat(1600));
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend((text.len() as u16).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
