//! NATS JetStream: a bucket of leases whose entries expire, a bucket of snapshots, and a stream for the log. Every write says
//! which revision it replaces.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    self, Context,
    consumer::{DeliverPolicy, pull},
    kv::{self, CreateErrorKind, Operation, UpdateErrorKind, Watch},
    stream::{self, DiscardPolicy, Stream},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::{sync::Mutex, time::timeout};

use super::{ANSWER, LEASE, Lease, Line, Overview, Result, Store, What, now};

/// How often a revision is asked for again that has just changed.
const ATTEMPTS: usize = 3;

/// How often sessions are listed, which makes a consumer each time.
const LIST: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct Nats {
    context: Context,
    leases: kv::Store,
    snapshots: kv::Store,
    log: Stream,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen of the leases. It only says which are worth an attempt; the bucket decides.
struct Seen {
    watch: Watch,
    renewed: HashMap<String, Instant>,
    /// All sessions, and when they were listed.
    sessions: Option<(Instant, Vec<String>)>,
}

impl Seen {
    /// Takes in what has arrived since.
    fn update(&mut self) -> Result<()> {
        while let Some(entry) = self.watch.next().now_or_never().flatten() {
            let entry = entry?;
            match entry.operation {
                Operation::Put => drop(self.renewed.insert(entry.key, Instant::now())),
                Operation::Delete | Operation::Purge => drop(self.renewed.remove(&entry.key)),
            }
        }
        Ok(())
    }

    fn is_held(&self, session: &str) -> bool {
        self.renewed.get(session).is_some_and(|renewed| renewed.elapsed() < LEASE)
    }
}

impl Nats {
    /// Makes the snapshot's revision that of this lease: who held the session before can no longer save.
    async fn fence(&self, lease: &mut Lease) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let entry = self.snapshots.entry(&lease.session).await?.ok_or("the session was never added")?;
            match self.snapshots.update(&lease.session, entry.value, entry.revision).await {
                Ok(revision) => {
                    lease.notes.snapshot = revision;
                    return Ok(());
                }
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(format!("{}: somebody else keeps saving", lease.session).into())
    }

    /// Finds out the revisions that a `hold` has written which was dropped before it was answered. Whether the lease is
    /// still this one.
    ///
    /// The snapshot's is read before the lease is renewed again: if that succeeds, nobody else can have changed it before,
    /// and whoever takes the session afterwards changes it.
    async fn recall(&self, lease: &mut Lease) -> Result<bool> {
        let entry = self.leases.entry(&lease.session).await?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put && entry.value == lease.holder())
        else {
            return Ok(false);
        };
        let snapshot = self.snapshots.entry(&lease.session).await?.ok_or("the session was never added")?;
        (lease.notes.lease, lease.notes.snapshot) = (entry.revision, snapshot.revision);
        Ok(true)
    }
}

impl Lease {
    /// What a lease says in its bucket: who holds it, and since when.
    fn holder(&self) -> Bytes {
        holder(&self.worker, self.notes.asked)
    }
}

fn holder(worker: &str, asked: u64) -> Bytes {
    format!("{worker}:{asked}").into()
}

/// A bucket that keeps the latest value of each key, and no value longer than `max_age`, unless that is zero.
///
/// Made as the stream that it is: `create_key_value` asks first for what servers before 2.10 do not tell, such as Debian's.
async fn bucket(context: &Context, name: &str, max_age: Duration) -> Result<kv::Store> {
    let stream = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_age,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        discard: DiscardPolicy::New,
        ..Default::default()
    };
    context.get_or_create_stream(stream).await?;
    Ok(context.get_key_value(name).await?)
}

/// The new revision, or `None` if another one was there.
fn replaced(result: Result<u64, kv::UpdateError>) -> Result<Option<u64>> {
    match result {
        Ok(revision) => Ok(Some(revision)),
        Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Store for Nats {
    async fn open(url: &str, prefix: &str) -> Result<Self> {
        let options = async_nats::ConnectOptions::new().connection_timeout(ANSWER).request_timeout(Some(ANSWER));
        let mut context = jetstream::new(options.connect(url).await?);
        context.set_timeout(ANSWER);
        // Whoever comes first makes them; the others find them as they are.
        let leases = bucket(&context, &format!("{prefix}-leases"), LEASE).await?;
        let snapshots = bucket(&context, &format!("{prefix}-snapshots"), Duration::ZERO).await?;
        let log = stream::Config { name: format!("{prefix}-log"), ..Default::default() };
        let log = context.get_or_create_stream(log).await?;
        let watch = leases.watch_with_history(">").await?;
        let seen = Arc::new(Mutex::new(Seen { watch, renewed: HashMap::new(), sessions: None }));
        Ok(Self { context, leases, snapshots, log, seen })
    }

    async fn free(&self) -> Result<Vec<String>> {
        let mut seen = self.seen.lock().await;
        seen.update()?;
        let sessions = match seen.sessions.take().filter(|(listed, _)| listed.elapsed() < LIST) {
            Some(listed) => listed,
            None => (Instant::now(), self.sessions().await?),
        };
        let free = sessions.1.iter().filter(|session| !seen.is_held(session)).cloned().collect();
        seen.sessions = Some(sessions);
        Ok(free)
    }

    async fn take(&self, session: &str, worker: &str) -> Result<Option<Lease>> {
        let asked = now();
        let revision = match self.leases.create(session, holder(worker, asked)).await {
            Ok(revision) => revision,
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut lease = Lease::new(session, worker, revision, asked);
        (lease.notes.asked, lease.notes.lease) = (asked, revision);
        self.fence(&mut lease).await?;
        self.log(&lease, What::Taken).await?;
        Ok(Some(lease))
    }

    async fn hold(&self, lease: &mut Lease, snapshot: Option<&str>) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let mut next = lease.clone();
            next.extend(now());
            let renewed = self.leases.update(&lease.session, next.holder(), lease.notes.lease).await;
            let Some(revision) = replaced(renewed)? else {
                if self.recall(lease).await? {
                    continue;
                }
                return Ok(false);
            };
            next.notes.lease = revision;
            if let Some(snapshot) = snapshot {
                let snapshot = snapshot.to_owned().into();
                let saved = self.snapshots.update(&lease.session, snapshot, lease.notes.snapshot).await;
                let Some(revision) = replaced(saved)? else { return Ok(false) };
                next.notes.snapshot = revision;
            }
            *lease = next;
            self.log(lease, What::Held).await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn load(&self, session: &str) -> Result<Option<String>> {
        let snapshot = self.snapshots.get(session).await?.unwrap_or_default();
        Ok(if snapshot.is_empty() { None } else { Some(String::from_utf8(snapshot.into())?) })
    }

    async fn release(&self, lease: Lease) -> Result<()> {
        // Before, so that it is in the log ahead of the next holder.
        self.log(&lease, What::Released).await?;
        Ok(self.leases.delete_expect_revision(&lease.session, Some(lease.notes.lease)).await?)
    }

    async fn log(&self, lease: &Lease, what: What) -> Result<()> {
        let subject = self.log.cached_info().config.name.clone();
        self.context.publish(subject, lease.line(what)?.into()).await?.await?;
        Ok(())
    }
}

impl Overview for Nats {
    async fn add(&self, session: &str) -> Result<()> {
        // There is no snapshot yet.
        self.snapshots.create(session, "".into()).await?;
        Ok(())
    }

    async fn sessions(&self) -> Result<Vec<String>> {
        Ok(self.snapshots.keys().await?.try_collect().await?)
    }

    async fn lines(&self, from: usize) -> Result<Vec<Line>> {
        let from = from as u64;
        let last = self.log.get_info().await?.state.last_sequence;
        if last <= from {
            return Ok(Vec::new());
        }
        let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: from + 1 };
        let reader = pull::OrderedConfig { deliver_policy, ..Default::default() };
        let messages = self.log.create_consumer(reader).await?.messages().await?.take((last - from) as usize);
        let messages: Vec<_> = timeout(ANSWER, messages.try_collect()).await??;
        messages.iter().map(|message| Ok(serde_json::from_slice(&message.payload)?)).collect()
    }
}
