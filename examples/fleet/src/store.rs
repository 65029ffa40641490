//! Leases and snapshots, in Redis.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{AsyncConnectionConfig, Client, Cmd, aio::MultiplexedConnection, cmd};
use serde::{Deserialize, Serialize};

pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How long a lease lasts that is not renewed.
pub(crate) const LEASE: Duration = Duration::from_millis(1500);

/// How long an answer of the store is awaited.
const ANSWER: Duration = Duration::from_secs(10);

/// Where sessions are, who holds them, and what they have come to.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    /// Sessions that nobody holds.
    fn free(&self) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// Takes the lease of a session, unless somebody has it.
    fn take(&self, session: &str, worker: &str) -> impl Future<Output = Result<Option<Lease>>> + Send;
    /// Renews a lease and saves a snapshot, if the lease is still held. Whether it is.
    fn hold(&self, lease: &mut Lease, snapshot: Option<&str>) -> impl Future<Output = Result<bool>> + Send;
    /// The latest snapshot of a session.
    fn load(&self, session: &str) -> impl Future<Output = Result<Option<String>>> + Send;
    /// Gives a lease back, if it is still held.
    fn release(&self, lease: Lease) -> impl Future<Output = Result<()>> + Send;
    /// Writes a line to the log.
    fn log(&self, lease: &Lease, what: What) -> impl Future<Output = Result<()>> + Send;
}

/// The right to hold a session. Each is another one, with a larger number.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) session: String,
    worker: String,
    token: u64,
    /// Until when it is certainly held: counted from before it was asked for.
    until: u64,
}

impl Lease {
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
        let Self { session, worker, token, until } = self.clone();
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
    /// A turn is about to begin.
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

#[derive(Clone)]
pub(crate) struct Redis {
    connection: MultiplexedConnection,
    /// In front of every key.
    prefix: String,
}

/// Renews and saves if the lease is held: compare and set.
const HOLD: &str = "
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3]) end
    redis.call('RPUSH', KEYS[3], ARGV[4])
    return 1";

/// Gives a lease back if it is held.
const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    redis.call('DEL', KEYS[1])
    redis.call('RPUSH', KEYS[2], ARGV[2])
    return 1";

impl Redis {
    pub(crate) async fn open(url: &str, prefix: &str) -> Result<Self> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(ANSWER).set_response_timeout(ANSWER);
        let connection = Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, prefix: prefix.into() })
    }

    fn key(&self, kind: &str, session: &str) -> String {
        format!("{}:{kind}:{session}", self.prefix)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }

    pub(crate) async fn add(&self, session: &str) -> Result<()> {
        self.ask(cmd("SADD").arg(self.key("sessions", "")).arg(session)).await
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<String>> {
        self.ask(cmd("SMEMBERS").arg(self.key("sessions", ""))).await
    }

    /// The log from this line on.
    pub(crate) async fn lines(&self, from: usize) -> Result<Vec<Line>> {
        let lines: Vec<String> = self.ask(cmd("LRANGE").arg(self.key("log", "")).arg(from).arg(-1)).await?;
        lines.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

impl Store for Redis {
    async fn free(&self) -> Result<Vec<String>> {
        let sessions = self.sessions().await?;
        let mut all = cmd("MGET");
        for session in &sessions {
            all.arg(self.key("lease", session));
        }
        let holders: Vec<Option<String>> = self.ask(&all).await?;
        Ok(sessions
            .into_iter()
            .zip(holders)
            .filter(|(_, holder)| holder.is_none())
            .map(|(session, _)| session)
            .collect())
    }

    async fn take(&self, session: &str, worker: &str) -> Result<Option<Lease>> {
        let asked = now();
        let token: u64 = self.ask(cmd("INCR").arg(self.key("token", ""))).await?;
        let mut lease = Lease { session: session.into(), worker: worker.into(), token, until: 0 };
        lease.extend(asked);
        let mut set = cmd("SET");
        set.arg(self.key("lease", session)).arg(lease.value()).arg("NX").arg("PX").arg(LEASE.as_millis() as u64);
        let taken: Option<String> = self.ask(&set).await?;
        if taken.is_none() {
            return Ok(None);
        }
        self.log(&lease, What::Taken).await?;
        Ok(Some(lease))
    }

    async fn hold(&self, lease: &mut Lease, snapshot: Option<&str>) -> Result<bool> {
        let mut next = lease.clone();
        next.extend(now());
        let mut hold = cmd("EVAL");
        hold.arg(HOLD).arg(3);
        hold.arg(self.key("lease", &lease.session)).arg(self.key("snapshot", &lease.session)).arg(self.key("log", ""));
        hold.arg(lease.value())
            .arg(LEASE.as_millis() as u64)
            .arg(snapshot.unwrap_or_default())
            .arg(next.line(What::Held)?);
        let held: u8 = self.ask(&hold).await?;
        if held == 1 {
            *lease = next;
        }
        Ok(held == 1)
    }

    async fn load(&self, session: &str) -> Result<Option<String>> {
        self.ask(cmd("GET").arg(self.key("snapshot", session))).await
    }

    async fn release(&self, lease: Lease) -> Result<()> {
        let mut release = cmd("EVAL");
        release.arg(RELEASE).arg(2).arg(self.key("lease", &lease.session)).arg(self.key("log", ""));
        let _: u8 = self.ask(release.arg(lease.value()).arg(lease.line(What::Released)?)).await?;
        Ok(())
    }

    async fn log(&self, lease: &Lease, what: What) -> Result<()> {
        self.ask(cmd("RPUSH").arg(self.key("log", "")).arg(lease.line(what)?)).await
    }
}
