//! What a relay in a process of its own costs, and what it adds to the latency.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
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

/// Serves at this port, and measures each hop, written as `name=address=pid`, or without a process.
pub(crate) fn run(port: u16, hops: &[String]) {
    let (began, load) = (Instant::now(), Load::from_environment());
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, began, load));
        }
    });
    let mut direct = None;
    for hop in hops {
        let [name, address, pid] = hop.split('=').collect::<Vec<_>>()[..] else { panic!("name=address=pid: {hop}") };
        let before = process(pid);
        let clients: Vec<_> = (0..load.sessions)
            .map(|_| {
                let address = address.to_owned();
                // Sessions do not begin all at once.
                thread::sleep(load.pause.min(Duration::from_millis(2)));
                thread::spawn(move || listen(&address, began, load))
            })
            .collect();
        let mut late: Vec<_> = clients.into_iter().flat_map(|client| client.join().expect("a client")).collect();
        let cost = (process(pid) - before) as f64 / (2 * load.sessions * load.pairs) as f64;
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
fn serve(mut stream: TcpStream, began: Instant, load: Load) {
    stream.set_nodelay(true).expect("a socket");
    peers::upgrade(&mut stream);
    let [audio, text] = peers::pair();
    let mut heard = [0; 64 << 10];
    for _ in 0..load.pairs {
        let time = format!("{:0DIGITS$}", began.elapsed().as_nanos());
        let audio = audio.replacen("event_1234567890", &time, 1);
        let pair = [peers::frame(audio.as_bytes()), peers::frame(text.as_bytes())].concat();
        if stream.write_all(&pair).is_err() {
            return;
        }
        thread::sleep(load.pause);
        if load.both_ways {
            // One append of the client's for each pair.
            let _ = stream.read(&mut heard);
        }
    }
    let _ = stream.write_all(&peers::CLOSE);
    while stream.read(&mut [0; 256]).is_ok_and(|length| length > 0) {}
}

/// Receives all of them. How late each pair was, in nanoseconds.
fn listen(address: &str, began: Instant, load: Load) -> Vec<u64> {
    let mut stream = TcpStream::connect(address).expect("the hop");
    stream.set_nodelay(true).expect("a socket");
    peers::request(&mut stream);
    let pair = peers::pair().map(|text| peers::frame(text.as_bytes()));
    let at = pair.concat().windows(DIGITS).position(|bytes| bytes == b"event_1234567890").expect("the place");
    let mut pair = vec![0; pair.concat().len()];
    let append = append();
    let late = (0..load.pairs).map(|_| {
        stream.read_exact(&mut pair).expect("a pair");
        let now = began.elapsed().as_nanos() as u64;
        let sent: u64 =
            std::str::from_utf8(&pair[at..at + DIGITS]).ok().and_then(|time| time.parse().ok()).expect("a time");
        if load.both_ways {
            stream.write_all(&append).expect("the hop");
        }
        now - sent
    });
    let late = late.collect();
    let _ = stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]);
    late
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
