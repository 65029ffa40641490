//! What a snapshot and a warm connection cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use realtime::{
    Client, Connection, Options, Realtime,
    connection::Unread,
    mock::{Pace, Simulator},
    pool::Pool,
    session::Snapshot,
    types::Item,
};

use crate::store::Result;

const ITEMS: usize = 1_000;
const ROUNDS: usize = 101;

pub(crate) async fn run() -> Result<()> {
    let served = Simulator::new().pace(Pace::INSTANT).serve()?;
    let options = Options::default().unread(Unread::Discard);
    let client = realtime::client().base_url(served.base_url()).api_key("sk-fleet").options(options).build();

    let begun = Instant::now();
    let connection = Arc::new(client.realtime().model("gpt-realtime").connect().await?);
    let opened = begun.elapsed();
    tokio::spawn(connection.driver());
    fill(&connection, 0..ITEMS).await?;
    let by_hand = begun.elapsed();

    let json = connection.snapshot().to_json()?;
    println!("a snapshot of {ITEMS} items: {} bytes, {} for each item", json.len(), json.len() / ITEMS);
    println!(
        "  taken in {:?}, written in {:?}, read in {:?}",
        median(|| connection.snapshot()),
        {
            let snapshot = connection.snapshot();
            median(|| snapshot.to_json())
        },
        median(|| Snapshot::from_json(&json))
    );
    let (still, busy) = (waits(&connection, false), waits(&connection, true));
    println!("  wait for the connection's lock, p99.9: {still:?}, and {busy:?} while snapshots are taken all the time");

    let begun = Instant::now();
    let resumed = client.realtime().resume(Snapshot::from_json(&json)?).connect().await?;
    tokio::spawn(resumed.driver());
    // Acknowledged after everything that is replayed.
    fill(&resumed, ITEMS..ITEMS + 1).await?;
    println!(
        "  resumed in {:?}; the same items sent by hand in {by_hand:?}; opening alone {opened:?}",
        begun.elapsed()
    );
    drop((connection, resumed));

    warm(client).await
}

/// Creates items, and waits until the server has all of them.
async fn fill(connection: &Connection<Realtime>, numbers: std::ops::Range<usize>) -> Result<()> {
    let mut last = None;
    for number in numbers {
        let text = format!("Item {number} is a sentence of the length that people say, give or take a few words.");
        let item = if number % 2 == 0 { Item::user(text) } else { Item::assistant(text) };
        connection.ready().await?;
        last = Some(connection.conversation().item().create(item)?);
    }
    match last {
        Some(last) => drop(last.await?),
        None => {}
    }
    Ok(())
}

/// Time for a connection from a pool, and for one that is opened.
async fn warm(client: Client) -> Result<()> {
    let pool = Pool::builder(client.clone(), |client, model: &&str| client.realtime().model(*model)).size(8).build();
    pool.warm("gpt-realtime");
    let running = pool.clone();
    let runner = tokio::spawn(async move { running.run().await });
    let (mut taken, mut opened) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        while pool.status(&"gpt-realtime").is_none_or(|status| status.ready < 8) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let begun = Instant::now();
        let ready = pool.take_ready(&"gpt-realtime").ok_or("the pool is empty")?;
        taken.push(begun.elapsed());
        let begun = Instant::now();
        let dialed = client.realtime().model("gpt-realtime").connect().await?;
        opened.push(begun.elapsed());
        drop((ready, dialed));
    }
    runner.abort();
    println!("a connection from the pool: {:?}; opened on loopback: {:?}", middle(taken), middle(opened));
    Ok(())
}

/// How long taking the connection's lock lasts at p99.9, perhaps while another thread takes snapshots.
fn waits(connection: &Arc<Connection<Realtime>>, busy: bool) -> Duration {
    let over = Arc::new(AtomicBool::new(!busy));
    let (other, ends) = (connection.clone(), over.clone());
    let taking = thread::spawn(move || {
        while !ends.load(Ordering::Relaxed) {
            drop(other.snapshot());
        }
    });
    let mut waits: Vec<_> = (0..20_000)
        .map(|_| {
            let begun = Instant::now();
            connection.phase();
            begun.elapsed()
        })
        .collect();
    over.store(true, Ordering::Relaxed);
    // It ends with the next snapshot.
    drop(taking.join());
    waits.sort_unstable();
    waits.get(waits.len() * 999 / 1000).copied().unwrap_or_default()
}

fn median<T>(mut measured: impl FnMut() -> T) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        let result = measured();
        let time = begun.elapsed();
        drop(result);
        time
    });
    middle(times.collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
