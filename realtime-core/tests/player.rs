//! The player works while frames are decoded, allocates nothing, and copies no state.

use std::{
    future::pending,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use allocation_counter::measure;
use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use realtime_core::{
    Audio, Client, Connection, Realtime,
    endpoint::Handshake,
    event::{Event, ResponseOutputAudioDelta, ServerEvent},
    session::Playback,
    transport::{Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
};

/// Bytes of a chunk: 100 ms.
const CHUNK: usize = 4_800;
const CHUNKS: usize = 200;

/// A link on which a session opens and audio arrives. The read after that waits within the driver, under every lock
/// that decoding takes, until it is let go.
#[derive(Clone, Debug)]
struct Held {
    entered: Sender<()>,
    release: Arc<std::sync::Mutex<Receiver<()>>>,
}

#[async_trait]
impl Transport for Held {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(self.clone(), self.clone()))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(Still)
    }
}

#[async_trait]
impl ReadHalf for Held {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        pending().await
    }

    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        let created = r#"{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}"#.to_owned();
        let delta: ServerEvent =
            ResponseOutputAudioDelta::new("resp", "item", 0, 0, Audio::from(vec![1; CHUNK])).into();
        let delta = delta.encode().to_str().unwrap().to_owned();
        let frames = std::iter::once(created).chain(std::iter::repeat_n(delta, CHUNKS));
        let hold = stream::poll_fn(move |_| {
            let _ = self.entered.send(());
            let _ = self.release.lock().unwrap().recv();
            std::task::Poll::Pending
        });
        stream::iter(frames).map(|frame| Ok(Message::Text(frame.into()))).chain(hold).boxed()
    }
}

#[async_trait]
impl WriteHalf for Held {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        Ok(())
    }
}

#[derive(Debug)]
struct Still;

impl Timer for Still {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

/// A connection whose audio has been read, what tells that the driver is held, and what lets it go.
fn open() -> (Connection<Realtime>, Receiver<()>, Sender<()>) {
    let (entered, is_held) = mpsc::channel();
    let (let_go, release) = mpsc::channel();
    let transport = Held { entered, release: Arc::new(release.into()) };
    let connect = Client::builder(transport).build().realtime().model("m").playback(Playback::queued());
    let connection = connect.connect().now_or_never().unwrap().unwrap();
    (connection, is_held, let_go)
}

#[test]
fn a_callback_reads_and_reports_while_another_thread_holds_the_driver() {
    let (connection, is_held, let_go) = open();
    let player = connection.player().unwrap();
    let driving = thread::spawn(move || {
        while connection.next().now_or_never().is_some() {}
        connection
    });
    is_held.recv_timeout(Duration::from_secs(60)).expect("the driver reads on");
    let (done, is_done) = mpsc::channel();
    let callback = thread::spawn(move || {
        let mut buffer = [0; CHUNK];
        assert_eq!(player.read(&mut buffer), CHUNK);
        assert_eq!(buffer, [1; CHUNK]);
        assert!(player.next().is_some());
        player.played(10);
        player.mark("item", 0, 150);
        assert_eq!(player.position().unwrap(), ("item".into(), 0, 150));
        assert_eq!(player.unheard_ms(), 100 * CHUNKS as u64 - 150);
        done.send(()).unwrap();
    });
    // Only ever reached by a callback that waits for the driver.
    let waited = is_done.recv_timeout(Duration::from_secs(60));
    drop(let_go);
    waited.expect("the callback waits for the driver");
    callback.join().unwrap();
    driving.join().unwrap();
}

#[test]
fn reading_and_reporting_allocate_nothing_and_copy_no_state() {
    let (connection, _, let_go) = open();
    drop(let_go);
    while connection.next().now_or_never().is_some() {}
    let player = connection.player().unwrap();
    // Somebody looks at the state: to change it now would copy it.
    let state = connection.state();
    let mut buffer = [0; 480];
    let mut read = 0;
    let info = measure(|| {
        for _ in 0..1_000 {
            read += player.read(&mut buffer);
            player.played(1);
            player.mark("item", 0, 50);
            drop(player.position());
            player.unheard_ms();
        }
    });
    assert_eq!((read, info.count_total), (480_000, 0));
    assert!(Arc::ptr_eq(&state, &connection.state()));
}
