//! What has arrived together is read together, as far as a reader needs it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};
use realtime::{
    Client, Connection,
    endpoint::{Handshake, Target},
    event::Event,
    transport::{Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
};

use super::toy::{Down, Toy};

#[derive(Debug, Default)]
struct Counts {
    /// How often the clock was looked at: every turn of the driver does.
    looks: AtomicUsize,
    /// How many messages were read.
    read: AtomicUsize,
}

/// A link on which messages of one size never end.
#[derive(Debug)]
struct Burst {
    size: usize,
    counts: Arc<Counts>,
}

#[async_trait]
impl Transport for Burst {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(Nowhere, Endless { size: self.size, counts: self.counts.clone() }))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(Watch(self.counts.clone()))
    }
}

struct Endless {
    size: usize,
    counts: Arc<Counts>,
}

#[async_trait]
impl ReadHalf for Endless {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let event = match self.counts.read.fetch_add(1, Ordering::Relaxed) {
            0 => Down::Opened,
            number => Down::Number(number as u64),
        };
        let blanks = " ".repeat(self.size);
        Ok(Some(Message::Text(format!("{}{blanks}", event.encode().to_str().unwrap()).into())))
    }
}

struct Nowhere;

#[async_trait]
impl WriteHalf for Nowhere {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        Ok(())
    }
}

#[derive(Debug)]
struct Watch(Arc<Counts>);

impl Timer for Watch {
    fn now(&self) -> Instant {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn open(size: usize) -> (Connection<Toy>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let client = Client::builder(Burst { size, counts: counts.clone() }).build();
    let connect = client.protocol::<Toy>().target(Target::Model("toy".into())).connect();
    (connect.now_or_never().unwrap().unwrap(), counts)
}

fn next(connection: &Connection<Toy>) -> Down {
    connection.next().now_or_never().unwrap().unwrap().unwrap()
}

#[test]
fn a_turn_serves_many_events() {
    let (connection, counts) = open(0);
    assert_eq!(next(&connection), Down::Opened);
    let before = counts.looks.load(Ordering::Relaxed);
    for number in 1..=1_000 {
        assert_eq!(next(&connection), Down::Number(number));
    }
    let looks = counts.looks.load(Ordering::Relaxed) - before;
    assert!(looks <= 100, "the clock was looked at {looks} times for 1,000 events");
}

#[test]
fn large_messages_are_left_where_they_are() {
    let (connection, counts) = open(20_000);
    assert_eq!(next(&connection), Down::Opened);
    for number in 1..=20 {
        assert_eq!(next(&connection), Down::Number(number));
        let ahead = counts.read.load(Ordering::Relaxed) as u64 - number - 1;
        assert!(ahead <= 2, "{ahead} messages of 20 kB were read ahead");
    }
}
