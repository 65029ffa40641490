//! What has arrived together is read together, as far as a reader needs it.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, join},
};
use realtime::{
    Client, Connection, ErrorKind, Options,
    connection::{Phase, Unread, Update},
    endpoint::{Handshake, Target},
    event::Event,
    mock::{MockServer, MockSession},
    transport::{CloseFrame, Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
};

use super::{
    executor::Executor,
    hunt::yield_now,
    toy::{Answer, Down, Toy, Up},
};
use crate::seeds::{Dice, seeds};

#[derive(Debug, Default)]
struct Counts {
    /// How often the clock was looked at: every turn of the driver does.
    looks: AtomicUsize,
    /// How many messages were read.
    read: AtomicUsize,
}

/// A link on which messages of one size come until it panics, if it does. Time stands still.
#[derive(Clone, Debug)]
struct Burst {
    size: usize,
    most: usize,
    counts: Arc<Counts>,
}

#[async_trait]
impl Transport for Burst {
    async fn connect(&self, _: Handshake) -> Result<Duplex, TransportError> {
        Ok(Duplex::new(self.clone(), self.clone()))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl ReadHalf for Burst {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let number = self.counts.read.fetch_add(1, Ordering::Relaxed);
        assert!(number < self.most, "as it was told");
        let event = if number == 0 { Down::Opened } else { Down::Number(number as u64) };
        let blanks = " ".repeat(self.size);
        Ok(Some(Message::Text(format!("{}{blanks}", event.encode().to_str().unwrap()).into())))
    }
}

#[async_trait]
impl WriteHalf for Burst {
    async fn send(&mut self, _: Message) -> Result<(), TransportError> {
        Ok(())
    }
}

impl Timer for Burst {
    fn now(&self) -> Instant {
        self.counts.looks.fetch_add(1, Ordering::Relaxed);
        Instant::default()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn open(size: usize, most: usize) -> (Connection<Toy>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let client = Client::builder(Burst { size, most, counts: counts.clone() }).build();
    let connect = client.protocol::<Toy>().target(Target::Model("toy".into())).connect();
    (connect.now_or_never().unwrap().unwrap(), counts)
}

fn next(connection: &Connection<Toy>) -> Down {
    connection.next().now_or_never().unwrap().unwrap().unwrap()
}

#[test]
fn a_turn_serves_many_events() {
    let (connection, counts) = open(0, usize::MAX);
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
    let (connection, counts) = open(20_000, usize::MAX);
    assert_eq!(next(&connection), Down::Opened);
    for number in 1..=20 {
        assert_eq!(next(&connection), Down::Number(number));
        let ahead = counts.read.load(Ordering::Relaxed) as u64 - number - 1;
        assert!(ahead <= 2, "{ahead} messages of 20 kB were read ahead");
    }
}

#[test]
fn what_was_read_before_a_panic_is_not_lost() {
    let (connection, _) = open(0, 4);
    assert_eq!(next(&connection), Down::Opened);
    assert!(catch_unwind(AssertUnwindSafe(|| next(&connection))).is_err(), "the turn that reads on panics");
    for number in 1..=3 {
        assert_eq!(next(&connection), Down::Number(number));
    }
    let end = connection.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert!(matches!(end.kind(), ErrorKind::Panicked), "{end}");
}

/// A connection to which a burst of events has come.
fn burst(options: Options, events: u64) -> (Connection<Toy>, MockSession<Toy>, MockServer) {
    let ends = super::open(options);
    (0..events).for_each(|number| ends.1.send(Down::Number(number)));
    ends
}

#[test]
fn what_is_sent_during_a_burst_leaves_with_the_next_event() {
    let (connection, session, _server) = burst(Options::default(), 500);
    for number in 0..500 {
        if number % 7 == 0 {
            connection.send(Up::Ask(number)).unwrap();
        }
        assert_eq!(next(&connection), Down::Number(number));
        if number % 7 == 0 {
            assert_eq!(session.next().now_or_never().unwrap(), Some(Up::Ask(number)));
        }
    }
}

#[test]
fn a_write_that_was_stalled_goes_on_with_the_next_event() {
    let (connection, session, _server) = burst(Options::default(), 20);
    session.stall_writes(true);
    (1..=2).for_each(|number| connection.send(Up::Ask(number)).unwrap());
    (0..5).for_each(|number| assert_eq!(next(&connection), Down::Number(number)));
    assert_eq!(session.waiting(), 0);
    session.stall_writes(false);
    assert_eq!(next(&connection), Down::Number(5));
    assert_eq!(session.waiting(), 2);
}

#[test]
fn a_deadline_is_kept_during_a_burst() {
    let (connection, session, server) = burst(Options::default(), 100);
    assert_eq!(next(&connection), Down::Number(0));
    session.stall_writes(true);
    // Asked for, and not waited for.
    drop(connection.close(CloseFrame::new(1000, "")).now_or_never());
    server.clock().advance(Options::default().close_timeout);
    assert_eq!(next(&connection), Down::Number(1));
    assert_eq!(connection.phase(), Phase::Closed);
}

#[test]
fn who_discards_what_nobody_reads_keeps_nothing_of_a_burst() {
    let (connection, session, server) = burst(Options::default().unread(Unread::Discard).inbox_bytes(640), 100);
    assert_eq!(next(&connection), Down::Number(0));
    server.clock().block_on(join(async { assert_eq!(super::ask(&connection, 7).await, Answer(7)) }, async {
        assert_eq!(session.next().await, Some(Up::Ask(7)));
        session.send(Down::Answer(Answer(7)));
    }));
    session.send(Down::Number(1_000));
    assert_eq!(next(&connection), Down::Number(1_000));
}

/// Three who only read, and nothing else that moves.
#[test]
fn many_readers_share_a_burst_and_none_is_forgotten() {
    for seed in 0..seeds(5_000) {
        let mut dice = Dice(seed);
        let inbox_bytes = [200, 640, 5_000, 16 << 20][dice.roll(4)];
        let (connection, session, _server) = super::open(Options::default().inbox_bytes(inbox_bytes));
        let seen = RefCell::new(Vec::new());
        let read = async || {
            while let Some(event) = connection.next().await {
                seen.borrow_mut().push(event.unwrap());
            }
        };
        let total = 1 + dice.roll(100) as u64;
        let mut pauses = Dice(seed + 1);
        let mut executor = Executor::default();
        executor.spawn("a reader", read());
        executor.spawn("another reader", read());
        executor.spawn("a reader of updates", async {
            let mut updates = connection.updates();
            while let Some(update) = updates.next().await {
                if let Update::Event(event) = update.unwrap() {
                    seen.borrow_mut().push(event);
                }
            }
        });
        executor.spawn("the server", async move {
            for number in 0..total {
                session.send(Down::Number(number));
                if pauses.roll(8) == 0 {
                    yield_now().await;
                }
            }
            session.close(1000, "");
            session.closed().await;
        });
        let stuck = executor.run(&mut dice);
        assert!(stuck.is_empty(), "seed {seed}: {stuck:?} wait for ever");
        drop(executor);
        assert_eq!(seen.take(), (0..total).map(Down::Number).collect::<Vec<_>>(), "seed {seed}");
    }
}
