//! The hunt for lost wake-ups: random schedules of tasks that wait, give up, hold futures without polling them, and
//! drive, in which nobody may be left waiting and no event may be lost, doubled or out of order.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    task::Poll,
};

use futures::{FutureExt, future};
use realtime::{Connection, ErrorKind, Options, mock::MockSession};

use crate::{
    executor::Executor,
    open,
    seeds::{Dice, seeds},
    toy::{Answer, Down, Toy, Up},
};

/// What one schedule has in common.
struct Scene {
    connection: Connection<Toy>,
    session: MockSession<Toy>,
    sent: RefCell<Vec<Down>>,
    seen: RefCell<Vec<Down>>,
    /// Workers that still run.
    working: Cell<usize>,
}

impl Scene {
    fn send(&self, event: Down) {
        self.sent.borrow_mut().push(event.clone());
        self.session.send(event);
    }

    fn see(&self, event: Down) {
        self.seen.borrow_mut().push(event);
    }

    fn drain(&self) {
        while let Some(Some(event)) = self.connection.next().now_or_never() {
            self.see(event.unwrap());
        }
    }

    /// Waits for an answer; a full inbox is read, and the same handle awaited again.
    async fn ask(&self, n: u64) {
        let mut answer = self.connection.request::<Answer>(Up::Ask(n)).unwrap();
        loop {
            match (&mut answer).await {
                Ok(answer) => return assert_eq!(answer, Answer(n)),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::InboxFull), "{error}"),
            }
            self.drain();
        }
    }

    async fn flush(&self) {
        while let Err(error) = self.connection.flush().await {
            assert!(matches!(error.kind(), ErrorKind::InboxFull), "{error}");
            self.drain();
        }
    }

    async fn serve(&self, mut dice: Dice) {
        let mut number = 0;
        while self.working.get() > 0 {
            let Some(event) = self.session.next().await else { return };
            // Now and then more than one turn of the driver reads.
            let numbers = if dice.roll(8) == 0 { 30 + dice.roll(60) } else { dice.roll(4) };
            for _ in 0..numbers {
                self.send(Down::Number(number));
                number += 1;
                if dice.roll(3) == 0 {
                    yield_now().await;
                }
            }
            if let Up::Ask(n) = event {
                self.send(Down::Answer(Answer(n)));
            }
        }
    }

    async fn work(&self, id: u64, mut dice: Dice) {
        let mut held = Vec::new();
        for step in 0..2 + dice.roll(4) as u64 {
            let n = id * 1000 + step;
            match dice.roll(7) {
                0 | 1 => self.ask(n).await,
                2 => {
                    self.connection.send(Up::Say("hello".into())).unwrap();
                    self.flush().await;
                }
                3 => {
                    // A `next` that may lose, and is dropped where it stands.
                    let next = pin!(self.connection.next());
                    if let future::Either::Left((event, _)) = future::select(next, pin!(yield_now())).await {
                        self.see(event.unwrap().unwrap());
                    }
                }
                4 => {
                    // Polled once, then held without being polled.
                    let mut ask = Box::pin(self.ask(n));
                    if future::poll_fn(|cx| Poll::Ready(ask.as_mut().poll(cx))).await.is_pending() {
                        held.push(ask);
                    }
                }
                5 => drop(Box::pin(self.ask(n)).now_or_never()),
                _ => self.drain(),
            }
        }
        for ask in held {
            ask.await;
        }
        self.working.set(self.working.get() - 1);
        if self.working.get() == 0 {
            // Lets the server see that nobody works any more.
            self.connection.send(Up::Commit).unwrap();
            self.flush().await;
        }
    }
}

pub(crate) async fn yield_now() {
    let mut yielded = false;
    future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn hunt(schedules: u64, inbox_bytes: usize, with_driver: bool) {
    let mut polls = 0;
    for seed in 0..schedules {
        let mut dice = Dice(seed);
        let mut options = Options::default();
        options.inbox_bytes = inbox_bytes;
        let (connection, session, _server) = open(options);
        let workers = 1 + dice.roll(5);
        let scene = Scene {
            connection,
            session,
            sent: RefCell::default(),
            seen: RefCell::default(),
            working: Cell::new(workers),
        };
        let mut executor = Executor::default();
        executor.spawn("server", scene.serve(Dice(seed ^ 0xABCD)));
        for id in 0..workers as u64 {
            executor.spawn("worker", scene.work(id, Dice(seed * 31 + id + 1)));
        }
        if with_driver && dice.roll(2) == 0 {
            let driver = scene.connection.driver();
            executor.spawn("driver", driver.map(drop));
        }
        let stuck: Vec<_> = executor.run(&mut dice).into_iter().filter(|name| *name != "driver").collect();
        polls += executor.polls;
        assert!(stuck.is_empty(), "seed {seed}: {stuck:?} wait for ever");
        drop(executor);
        scene.drain();
        assert_eq!(scene.seen.take(), scene.sent.take(), "seed {seed}: lost, doubled or out of order");
    }
    assert!(polls > schedules * 10, "the schedules did nothing");
}

#[test]
fn no_wake_up_is_lost_with_room_for_all() {
    hunt(seeds(40_000), 16 << 20, true);
}

#[test]
fn no_wake_up_is_lost_with_a_full_inbox() {
    hunt(seeds(40_000), 128, true);
}

#[test]
fn no_wake_up_is_lost_without_a_driver() {
    hunt(seeds(20_000), 256, false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_threads() {
    const WORKERS: u64 = 6;
    const ROUNDS: u64 = 300;

    let (connection, session, _server) = open(Options::default());
    let connection = std::sync::Arc::new(connection);
    let serve = tokio::spawn(async move {
        while let Some(event) = session.next().await {
            if let Up::Ask(n) = event {
                session.send(Down::Number(n));
                session.send(Down::Answer(Answer(n)));
            }
        }
    });
    let ask = |worker: u64| {
        let connection = connection.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let n = worker * ROUNDS + round;
                assert_eq!(connection.request::<Answer>(Up::Ask(n)).unwrap().await.unwrap(), Answer(n));
                if round % 7 == 0 {
                    drop(connection.next().now_or_never());
                    connection.flush().await.unwrap();
                }
            }
        })
    };
    let workers = future::join_all((0..WORKERS).map(ask));
    // Only ever reached by a worker that waits for ever.
    let workers = tokio::time::timeout(std::time::Duration::from_secs(120), workers).await;
    workers.expect("somebody waits for ever").into_iter().for_each(|worker| worker.unwrap());
    drop(connection);
    serve.await.unwrap();
}
