//! How long an audio callback waits: `Player::read` of 10 ms of audio every 100 µs, while another thread receives frames
//! of 10 MB.

use std::{
    future::pending,
    hint::spin_loop,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant as Clock},
};

use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use realtime_benches::{frames, rounds::title};
use realtime_core::{
    Client,
    endpoint::Handshake,
    session::Playback,
    transport::{Duplex, Instant, Message, ReadHalf, Text, Timer, Transport, TransportError, WriteHalf},
};

const FRAMES: usize = 200;
const BYTES: usize = 10_000_000;
const EVERY: Duration = Duration::from_micros(100);

/// A link on which a session opens, three seconds of audio arrive, and then one frame over and over.
#[derive(Clone, Debug)]
struct Flood(Bytes);

#[async_trait::async_trait]
impl Transport for Flood {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(self.clone(), self.clone()))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl ReadHalf for Flood {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        pending().await
    }

    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        let text = |bytes: Bytes| Ok(Message::Text(Text::declared(bytes)));
        let audio = (0..30).map(|number| frames::audio_delta(number, 4_800).into());
        let before = stream::iter(audio.chain([frames::created().into()]).rev().collect::<Vec<_>>());
        before.chain(stream::repeat(self.0).take(FRAMES)).map(text).chain(stream::once(pending())).boxed()
    }
}

#[async_trait::async_trait]
impl WriteHalf for Flood {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        ready(Ok(())).await
    }
}

impl Timer for Flood {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

/// The times of the reads, in nanoseconds, in order of size.
fn reads(frame: String, looked_at: bool) -> Vec<u64> {
    let client = Client::builder(Flood(frame.into())).build();
    let connect = client.realtime().model("m").playback(Playback::queued());
    let connection = connect.connect().now_or_never().unwrap().unwrap();
    let player = connection.player().unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while connection.next().now_or_never().is_some() {}
            over.store(true, Ordering::Relaxed);
        });
        let mut times = Vec::with_capacity(1 << 20);
        let mut buffer = [0; 480];
        while !over.load(Ordering::Relaxed) {
            let held = looked_at.then(|| connection.state());
            let begin = Clock::now();
            player.read(&mut buffer);
            times.push(u64::try_from(begin.elapsed().as_nanos()).unwrap());
            drop(held);
            while begin.elapsed() < EVERY {
                spin_loop();
            }
        }
        times.sort_unstable();
        times
    })
}

fn line(what: &str, times: &[u64]) {
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    println!(
        "{what:<52} p50 {:.2} µs, p99 {:.1} µs, most {:.0} µs   ({} reads)",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    );
}

fn main() {
    title("an audio callback while frames of 10 MB arrive");
    let words = "It is late. ".repeat(BYTES / 12);
    let transcript = frames::transcript_delta(1, "x").replace(r#""x""#, &format!(r#""{words}""#));
    line("read, 10 MB of audio a frame", &reads(frames::audio_delta(1, BYTES / 4 * 3), false));
    line("read, 10 MB of transcript a frame", &reads(transcript, false));
}
