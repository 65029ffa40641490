//! Workers that hold sessions against a served simulator: one is told to end, one is killed, and some are paused until their
//! leases have expired. All conversations go on elsewhere, and no session is held twice.
//!
//! ```sh
//! redis-server --port 0 --unixsocket /tmp/redis.sock --save "" &
//! cargo run --release -- redis+unix:///tmp/redis.sock
//! nats-server --addr 127.0.0.1 --port 4222 --jetstream --store_dir /tmp/nats &
//! cargo run --release -- nats://127.0.0.1:4222
//! ```
//!
//! A session is a lease and a snapshot in a [store](store::Store). See `docs/guide/src/fleet.md`.

mod check;
mod figures;
mod store;
mod worker;

use std::{
    collections::{HashMap, HashSet},
    env,
    process::ExitCode,
    time::Duration,
};

use realtime::mock::{Pace, Reply, Simulator};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use store::{LEASE, Line, Nats, Overview, Redis, Result, Store, What, now};

const USAGE: &str = "usage: realtime-fleet STORE [CONVERSATIONS [EXPIRIES]], or realtime-fleet figures";
/// How long any step may take.
const MOST: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match arguments[..] {
        ["worker", store, prefix, url, name, most] if is_nats(store) => {
            work::<Nats>(store, prefix, url, name, most).await
        }
        ["worker", store, prefix, url, name, most] => work::<Redis>(store, prefix, url, name, most).await,
        ["figures"] => figures::run().await,
        [store] => with(store, "200", "1000").await,
        [store, conversations] => with(store, conversations, "1000").await,
        [store, conversations, expiries] => with(store, conversations, expiries).await,
        _ => Err(USAGE.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {}: {error}", arguments.get(4).unwrap_or(&"main"));
            ExitCode::FAILURE
        }
    }
}

fn is_nats(store: &str) -> bool {
    store.starts_with("nats:")
}

async fn work<S: Store>(store: &str, prefix: &str, url: &str, name: &str, most: &str) -> Result<()> {
    worker::run(S::open(store, prefix).await?, url, name, most.parse()?).await
}

async fn with(store: &str, conversations: &str, expiries: &str) -> Result<()> {
    let (conversations, expiries) = (conversations.parse()?, expiries.parse()?);
    match is_nats(store) {
        true => run::<Nats>(store, conversations, expiries).await,
        false => run::<Redis>(store, conversations, expiries).await,
    }
}

/// The worker processes, the store, and what was read of its log.
struct Fleet<S> {
    store: S,
    log: Vec<Line>,
    arguments: [String; 3],
    workers: HashMap<String, Child>,
    started: usize,
    most: usize,
}

impl<S: Overview> Fleet<S> {
    /// Starts a worker.
    fn start(&mut self) -> Result<String> {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let [store, prefix, url] = &self.arguments;
        let most = self.most.to_string();
        let mut command = Command::new(env::current_exe()?);
        let child = command.args(["worker", store, prefix, url, &name, &most]).kill_on_drop(true).spawn()?;
        self.workers.insert(name.clone(), child);
        Ok(name)
    }

    /// Sends a signal to a worker.
    async fn signal(&self, name: &str, signal: &str) -> Result<()> {
        let id = self.workers.get(name).and_then(Child::id).ok_or("the worker has ended")?;
        let sent = Command::new("kill").args([signal, &id.to_string()]).status().await?;
        if sent.success() { Ok(()) } else { Err(format!("{signal} could not be sent to {name}").into()) }
    }

    /// Waits until the worker has ended.
    async fn ended(&mut self, name: &str) -> Result<()> {
        let mut child = self.workers.remove(name).ok_or("no such worker")?;
        timeout(MOST, child.wait()).await??;
        Ok(())
    }

    /// The log so far.
    async fn log(&mut self) -> Result<&[Line]> {
        let more = self.store.lines(self.log.len()).await?;
        self.log.extend(more);
        Ok(&self.log)
    }

    /// Sessions that are open somewhere, by the lease that was taken last.
    async fn held(&mut self) -> Result<HashMap<&str, &str>> {
        let (mut leases, mut held) = (HashMap::new(), HashMap::new());
        for Line { session, worker, token, what, .. } in self.log().await? {
            let (session, worker) = (session.as_str(), worker.as_str());
            match what {
                What::Taken => {
                    leases.insert(session, token);
                    held.remove(session);
                }
                // One that was lost says so after another was taken.
                _ if leases.get(session) != Some(&token) => {}
                What::Open { .. } => drop(held.insert(session, worker)),
                What::Lost | What::Released => drop(held.remove(session)),
                What::Held | What::Turn { .. } => {}
            }
        }
        Ok(held)
    }

    /// Waits until these sessions are open, none of them at one of these workers.
    async fn settle(&mut self, sessions: &HashSet<String>, but: &[&str]) -> Result<()> {
        let wait = async {
            loop {
                let held = self.held().await?;
                let elsewhere = |session: &str| held.get(session).is_some_and(|at| !but.contains(at));
                if sessions.iter().all(|session| elsewhere(session)) {
                    return Ok(());
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(MOST, wait).await.map_err(|_| "the sessions did not go on in time")?
    }

    async fn of(&mut self, worker: &str) -> Result<HashSet<String>> {
        let held = self.held().await?.into_iter();
        Ok(held.filter(|(_, at)| *at == worker).map(|(session, _)| session.to_owned()).collect())
    }
}

async fn run<S: Overview>(store: &str, conversations: usize, expiries: usize) -> Result<()> {
    let service =
        Simulator::new().pace(Pace::INSTANT).answer(|turn| Reply::text(format!("Answer to {}.", turn.text())));
    let served = service.serve()?;
    let prefix = format!("fleet-{}", now());
    let arguments = [store.to_owned(), prefix.clone(), served.base_url()];
    let store = S::open(store, &prefix).await?;
    let all: HashSet<String> = (0..conversations).map(|number| format!("session-{number}")).collect();
    for session in &all {
        store.add(session).await?;
    }
    // Any two workers can hold everything.
    let most = conversations.div_ceil(2);
    let mut fleet = Fleet { store, log: Vec::new(), arguments, workers: HashMap::new(), started: 0, most };
    let (first, second) = (fleet.start()?, fleet.start()?);
    fleet.start()?;
    fleet.settle(&all, &[]).await?;
    println!("{conversations} conversations on three workers");
    sleep(Duration::from_secs(6)).await;

    let moving = fleet.of(&first).await?;
    fleet.signal(&first, "-TERM").await?;
    fleet.ended(&first).await?;
    fleet.settle(&moving, &[&first]).await?;
    fleet.start()?;
    check::moved(fleet.log().await?, &first, &moving)?;

    sleep(Duration::from_secs(3)).await;
    let moving = fleet.of(&second).await?;
    let killed = now();
    fleet.signal(&second, "-KILL").await?;
    fleet.ended(&second).await?;
    fleet.settle(&moving, &[&second]).await?;
    fleet.start()?;
    check::killed(fleet.log().await?, &second, &moving, killed)?;

    let mut pauses = 0;
    while check::expiries(fleet.log().await?) < expiries {
        let mut names: Vec<_> = fleet.workers.keys().cloned().collect();
        names.sort();
        let name = names[pauses % names.len()].clone();
        let moving = fleet.of(&name).await?;
        fleet.signal(&name, "-STOP").await?;
        sleep(LEASE + LEASE / 3).await;
        fleet.signal(&name, "-CONT").await?;
        fleet.settle(&moving, &[]).await?;
        pauses += 1;
    }
    println!("{pauses} pauses of processes");

    let names: Vec<_> = fleet.workers.keys().cloned().collect();
    for name in names {
        fleet.signal(&name, "-TERM").await?;
        fleet.ended(&name).await?;
    }
    fleet.log().await?;
    check::whole(&fleet.store, &fleet.log).await
}
