//! How often memory is asked for: once for a piece of audio, hardly ever for the rest.

use std::{
    future::pending,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use allocation_counter::{AllocationInfo, measure};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use realtime_core::{
    Client, Options, Protocol, Realtime, Translation,
    connection::SendErrorKind,
    endpoint::Handshake,
    event::{ClientEvent, Event, ResponseOutputAudioDelta, ServerEvent},
    transport::{Duplex, Instant, Message, ReadHalf, Text, Timer, Transport, TransportError, WriteHalf},
};

#[path = "../../benches/src/frames.rs"]
#[allow(dead_code, unreachable_pub)] // the benchmarks use the rest
mod frames;

/// What a piece of work allocates, its result's disposal not counted.
fn count<T>(work: impl FnOnce() -> T) -> AllocationInfo {
    let mut result = None;
    let info = measure(|| result = Some(black_box(work())));
    drop(result);
    info
}

#[test]
fn an_event_of_a_spoken_answer_takes_less_than_one() {
    let answer = frames::answer();
    let mut events = Vec::with_capacity(answer.len());
    let info = measure(|| events.extend(answer.iter().map(|frame| ServerEvent::decode(frame.as_bytes()))));
    let each = info.count_total as f64 / answer.len() as f64;
    assert!(each <= 0.8, "{each} allocations an event");
}

#[test]
fn audio_takes_one_of_its_own_length() {
    for bytes in [960, 4_800, 4_801, 4_802, 48_000] {
        let frame = frames::audio_delta(1, bytes);
        let info = count(|| ServerEvent::decode(frame.as_bytes()));
        assert_eq!((info.count_total, info.bytes_total), (1, bytes as u64));
    }
}

#[test]
fn audio_takes_none_where_there_is_room() {
    let frame = frames::audio_delta(1, 4_800);
    let mut buffer = Vec::with_capacity(4_800);
    let info = count(|| ResponseOutputAudioDelta::decode_into(frame.as_bytes(), &mut buffer));
    assert_eq!(info.count_total, 0);
    assert_eq!(buffer, frames::pcm(4_800));
}

#[test]
fn a_word_takes_none() {
    for frame in [frames::text_delta(1, " clear!"), frames::transcript_delta(1, " clear!")] {
        assert_eq!(count(|| ServerEvent::decode(frame.as_bytes())).count_total, 0);
        // Nor where it is not read by hand.
        let spaced = format!("{frame} ");
        assert_eq!(count(|| ServerEvent::decode(spaced.as_bytes())).count_total, 0);
    }
}

#[test]
fn an_append_takes_one() {
    for bytes in [0, 1, 960, 4_799, 4_800, 48_000] {
        let pcm = frames::pcm(bytes);
        assert_eq!(count(|| Realtime::append(&pcm)).count_total, 1);
        assert_eq!(count(|| Translation::append(&pcm)).count_total, 1);
    }
}

/// A link on which a session opens, and one frame comes again and again. Counts how often.
#[derive(Clone, Debug)]
struct Again(Bytes, Arc<AtomicU64>);

#[async_trait]
impl Transport for Again {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(self.clone(), self.clone()))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl ReadHalf for Again {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        pending().await
    }

    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        let text = |bytes: Bytes| Ok(Message::Text(Text::declared(bytes)));
        let Self(frame, count) = *self;
        let again = stream::repeat(frame).inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        stream::once(ready(frames::created().into())).chain(again).map(text).boxed()
    }
}

#[async_trait]
impl WriteHalf for Again {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        Ok(())
    }
}

impl Timer for Again {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

#[test]
fn the_way_through_a_connection_takes_none() {
    let frames = Arc::new(AtomicU64::new(0));
    let client = Client::builder(Again(frames::audio_delta(1, 4_800).into(), frames.clone())).build();
    let connection = client.realtime().model("m").connect().now_or_never().unwrap().unwrap();
    let next = || drop(connection.next().now_or_never().unwrap().unwrap().unwrap());
    // What is made once: the item and its place, room for what is read ahead.
    (0..100).for_each(|_| next());
    let before = frames.load(Ordering::Relaxed);
    let info = measure(|| (0..1_000).for_each(|_| next()));
    assert_eq!(info.count_total, frames.load(Ordering::Relaxed) - before, "one for the audio of each");
}

#[test]
fn a_full_queue_refuses_audio_before_it_is_encoded() {
    let transport = Again(frames::created().into(), Arc::default());
    let client = Client::builder(transport).options(Options::default().queue_bytes(1)).build();
    let connection = client.realtime().model("m").open().unwrap();
    let audio = frames::pcm(48_000);
    connection.append(&audio).unwrap();
    let mut refused = None;
    let info = measure(|| refused = connection.append(&audio).err());
    let refused = refused.unwrap();
    assert_eq!(refused.kind(), SendErrorKind::Full);
    let ClientEvent::InputAudioBufferAppend(append) = refused.into_event() else { panic!() };
    assert_eq!(append.audio.as_ref(), audio, "it is handed back whole");
    // The audio that is handed back, and the event around it.
    assert!(info.bytes_total < 49_000, "{} bytes in {} allocations", info.bytes_total, info.count_total);
}
