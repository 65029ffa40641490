//! What a relay in a process of its own costs, and what it adds to the latency.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{cpu, peers};

/// Sessions at the same time.
const SESSIONS: usize = 20;
/// Pairs of events for each of them, and the time between two: as spoken, but five times as fast.
const PAIRS: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);
/// Digits of the time within an event.
const DIGITS: usize = 16;

/// Serves at this port, and measures each hop, written as `name=address=pid`, or without a process.
pub(crate) fn run(port: u16, hops: &[String]) {
    let began = Instant::now();
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, began));
        }
    });
    let mut direct = None;
    for hop in hops {
        let [name, address, pid] = hop.split('=').collect::<Vec<_>>()[..] else { panic!("name=address=pid: {hop}") };
        let before = process(pid);
        let clients: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let address = address.to_owned();
                thread::spawn(move || listen(&address, began))
            })
            .collect();
        let mut late: Vec<_> = clients.into_iter().flat_map(|client| client.join().expect("a client")).collect();
        let cost = (process(pid) - before) as f64 / (2 * SESSIONS * PAIRS) as f64;
        late.sort_unstable();
        let at = |share: f64| late[(late.len() as f64 * share) as usize] as f64 / 1000.0;
        let (half, most) = (at(0.5), at(0.99));
        let (plain, worst) = *direct.get_or_insert((half, most));
        println!(
            "{name:10} {cost:7.0} ns for each event; latency p50 {half:6.0} us (+{:.0}), p99 {most:6.0} us (+{:.0})",
            half - plain,
            most - worst
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

/// Sends pairs of events, the first of each with the time.
fn serve(mut stream: TcpStream, began: Instant) {
    stream.set_nodelay(true).expect("a socket");
    peers::upgrade(&mut stream);
    let [audio, text] = peers::pair();
    for _ in 0..PAIRS {
        let time = format!("{:0DIGITS$}", began.elapsed().as_nanos());
        let audio = audio.replacen("event_1234567890", &time, 1);
        let pair = [peers::frame(audio.as_bytes()), peers::frame(text.as_bytes())].concat();
        if stream.write_all(&pair).is_err() {
            return;
        }
        thread::sleep(PAUSE);
    }
    let _ = stream.write_all(&peers::CLOSE);
    while stream.read(&mut [0; 256]).is_ok_and(|length| length > 0) {}
}

/// Receives all of them. How late each pair was, in nanoseconds.
fn listen(address: &str, began: Instant) -> Vec<u64> {
    let mut stream = TcpStream::connect(address).expect("the hop");
    stream.set_nodelay(true).expect("a socket");
    peers::request(&mut stream);
    let pair = peers::pair().map(|text| peers::frame(text.as_bytes()));
    let at = pair.concat().windows(DIGITS).position(|bytes| bytes == b"event_1234567890").expect("the place");
    let mut pair = vec![0; pair.concat().len()];
    let late = (0..PAIRS).map(|_| {
        stream.read_exact(&mut pair).expect("a pair");
        let now = began.elapsed().as_nanos() as u64;
        let sent: u64 =
            std::str::from_utf8(&pair[at..at + DIGITS]).ok().and_then(|time| time.parse().ok()).expect("a time");
        now - sent
    });
    let late = late.collect();
    let _ = stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]);
    late
}
