//! Redis: a lease is a key with an expiry, and scripts compare and set.

use redis::{AsyncConnectionConfig, Client, Cmd, aio::MultiplexedConnection, cmd};

use super::{ANSWER, LEASE, Lease, Line, Overview, Result, Store, What, now};

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
    fn key(&self, kind: &str, session: &str) -> String {
        format!("{}:{kind}:{session}", self.prefix)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }
}

impl Store for Redis {
    async fn open(url: &str, prefix: &str) -> Result<Self> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(ANSWER).set_response_timeout(ANSWER);
        let connection = Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, prefix: prefix.into() })
    }

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
        let lease = Lease::new(session, worker, token, asked);
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

impl Overview for Redis {
    async fn add(&self, session: &str) -> Result<()> {
        self.ask(cmd("SADD").arg(self.key("sessions", "")).arg(session)).await
    }

    async fn sessions(&self) -> Result<Vec<String>> {
        self.ask(cmd("SMEMBERS").arg(self.key("sessions", ""))).await
    }

    async fn lines(&self, from: usize) -> Result<Vec<Line>> {
        let lines: Vec<String> = self.ask(cmd("LRANGE").arg(self.key("log", "")).arg(from).arg(-1)).await?;
        lines.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
