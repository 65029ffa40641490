//! Leases and snapshots, wherever they are.

mod nats;
mod redis;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub(crate) use self::{nats::Nats, redis::Redis};

pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How long a lease lasts that is not renewed.
pub(crate) const LEASE: Duration = Duration::from_millis(1500);

/// How long an answer of the store is awaited.
const ANSWER: Duration = Duration::from_secs(10);

/// Where sessions are, who holds them, and what they have come to.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    /// Opens the store at a URL. Everything in it begins with the prefix.
    fn open(url: &str, prefix: &str) -> impl Future<Output = Result<Self>> + Send;
    /// Sessions that nobody holds.
    fn free(&self) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// Takes the lease of a session, unless somebody has it.
    fn take(&self, session: &str, worker: &str) -> impl Future<Output = Result<Option<Lease>>> + Send;
    /// Renews a lease and saves a snapshot, if the lease is still held. Whether it is. May be dropped before it is done.
    fn hold(&self, lease: &mut Lease, snapshot: Option<&str>) -> impl Future<Output = Result<bool>> + Send;
    /// The latest snapshot of a session.
    fn load(&self, session: &str) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Gives a lease back, if it is still held.
    fn release(&self, lease: Lease) -> impl Future<Output = Result<()>> + Send;
    /// Writes a line to the log.
    fn log(&self, lease: &Lease, what: What) -> impl Future<Output = Result<()>> + Send;
}

/// What the process needs that starts the workers and checks them.
pub(crate) trait Overview: Store {
    /// Adds a session that nobody holds.
    fn add(&self, session: &str) -> impl Future<Output = Result<()>> + Send;
    /// All sessions.
    fn sessions(&self) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// The log from this line on.
    fn lines(&self, from: usize) -> impl Future<Output = Result<Vec<Line>>> + Send;
}

/// The right to hold a session. Each is another one, with a larger number.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) session: String,
    worker: String,
    token: u64,
    /// Until when it is certainly held: counted from before it was asked for.
    until: u64,
    /// The store's own notes of what it compares.
    notes: Notes,
}

/// What the holder of a lease has written.
#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    /// When it was asked for.
    asked: u64,
    /// Revision of the lease.
    lease: u64,
    /// Revision of the snapshot.
    snapshot: u64,
}

impl Lease {
    fn new(session: &str, worker: &str, token: u64, asked: u64) -> Self {
        let mut lease =
            Self { session: session.into(), worker: worker.into(), token, until: 0, notes: Notes::default() };
        lease.extend(asked);
        lease
    }

    /// Whether it is certainly still held. A process that was paused finds out by this.
    pub(crate) fn is_valid(&self) -> bool {
        now() < self.until
    }

    fn value(&self) -> String {
        format!("{}:{}", self.worker, self.token)
    }

    fn extend(&mut self, asked: u64) {
        self.until = asked + LEASE.as_millis() as u64;
    }

    fn line(&self, what: What) -> Result<String> {
        let Self { session, worker, token, until, .. } = self.clone();
        Ok(serde_json::to_string(&Line { at: now(), session, worker, token, until, what })?)
    }
}

/// A line of the log.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Line {
    /// In milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) session: String,
    pub(crate) worker: String,
    pub(crate) token: u64,
    pub(crate) until: u64,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum What {
    Taken,
    Held,
    /// The conversation goes on, with this many turns in it.
    Open {
        turns: usize,
    },
    /// A turn has begun.
    Turn {
        number: usize,
    },
    /// The lease was lost, and the session was let go.
    Lost,
    Released,
}

/// The time in milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
