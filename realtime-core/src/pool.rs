//! Connections opened ahead, so that a caller need not wait for one.
//!
//! ```no_run
//! # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::Error> {
//! use std::time::Duration;
//!
//! use realtime_core::pool::Pool;
//!
//! // The key says everything on which a connection depends: here, the model.
//! let pool = Pool::builder(client, |client, model: &String| client.realtime().model(model))
//!     .size(4)
//!     .max_age(Duration::from_secs(300))
//!     .build();
//! let model = "gpt-realtime".to_owned();
//! pool.warm(model.clone());
//! let serve = async {
//!     let connection = pool.take(&model).await?; // open already
//!     connection.finish().await
//! };
//! futures::future::select(std::pin::pin!(serve), std::pin::pin!(pool.run())).await;
//! # Ok(())
//! # }
//! ```

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{self, AbortHandle, AbortRegistration, Abortable, BoxFuture, Either},
    stream::FuturesUnordered,
    task::AtomicWaker,
};

use crate::{
    client::{Client, Connect},
    connection::{Connection, Driver, Phase},
    error::Error,
    protocol::Protocol,
    transport::{CloseFrame, Instant, Timer},
};

type Open<K, P> = Arc<dyn Fn(&Client, &K) -> Connect<P> + Send + Sync>;
type Prepare<P> = Arc<dyn for<'a> Fn(&'a Connection<P>) -> BoxFuture<'a, Result<(), Error>> + Send + Sync>;

/// Backoff before a connection is opened again after a failure: it doubles from the first to the second of these.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Connections opened ahead, by key. See the [module](self).
///
/// [`run`](Self::run) opens them, drives them while they wait, so that a dead one is noticed by its keepalive, and replaces
/// those that have ended or are too old. [`take`](Self::take) hands one out, each to one caller only. Clones are the same pool.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(async {
/// use std::pin::pin;
///
/// use futures::future::{Either, select};
/// use realtime_core::pool::Pool;
///
/// let pool = Pool::builder(client, |client, _: &()| client.realtime().model("gpt-realtime")).size(2).build();
/// pool.warm(());
/// let serve = async {
///     let connection = pool.take(&()).await?;
///     connection.respond("Good morning!").await?.await
/// };
/// // In an application, the pool runs in a task of its own.
/// if let Either::Left((response, _)) = select(pin!(serve), pin!(pool.run())).await {
///     println!("{:?}", response?.status);
/// }
/// # Ok::<_, realtime_core::Error>(())
/// # })?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct Pool<K, P: Protocol> {
    inner: Arc<Inner<K, P>>,
}

struct Inner<K, P: Protocol> {
    settings: Settings<K, P>,
    timer: Arc<dyn Timer>,
    state: Mutex<State<K, P>>,
    /// Wakes whoever runs the pool.
    changed: AtomicWaker,
}

struct Settings<K, P: Protocol> {
    client: Client,
    open: Open<K, P>,
    prepare: Option<Prepare<P>>,
    size: usize,
    limit: usize,
    max_age: Duration,
}

struct State<K, P: Protocol> {
    shelves: HashMap<K, Shelf<P>>,
    /// The number of the connection that was opened last.
    last: u64,
    /// The number of the run that looks after the pool.
    run: u64,
    changed: bool,
}

/// The connections of a key.
struct Shelf<P: Protocol> {
    ready: Vec<Ready<P>>,
    opening: usize,
    /// Failures in a row, and when the next attempt may be made.
    failures: u32,
    retry: Option<Instant>,
    error: Option<Error>,
}

/// A connection that waits to be taken.
struct Ready<P: Protocol> {
    number: u64,
    connection: Connection<P>,
    since: Instant,
    /// Ends its driving by the pool.
    driving: AbortHandle,
}

/// A piece of work that is done.
enum Done<K, P: Protocol> {
    Opened(K, Result<Box<Connection<P>>, Error>),
    /// Driving this connection has ended: it failed, or was taken.
    Ended(K, u64),
    Closed,
}

/// Builder of a [`Pool`].
#[must_use]
pub struct PoolBuilder<K, P: Protocol>(Settings<K, P>);

/// State of a key in a [`Pool`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Number of open connections that wait to be taken.
    pub ready: usize,
    /// Number of connections being opened.
    pub opening: usize,
    /// Why the last attempt to open one failed. `None` after a success.
    pub error: Option<Error>,
}

impl<K, P: Protocol> PoolBuilder<K, P> {
    /// Sets how many connections are kept open for each key. Default: 2.
    pub fn size(mut self, size: usize) -> Self {
        self.0.size = size;
        self
    }

    /// Sets how many connections are kept open for all keys together. Default: 64. A key that finds none left is served by
    /// opening a connection when it is asked for.
    pub fn limit(mut self, limit: usize) -> Self {
        self.0.limit = limit;
        self
    }

    /// Sets the age at which a connection that nobody took is replaced. Default: 10 minutes, so that a caller gets at least
    /// fifty of the sixty minutes for which the service lets a session live.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.0.max_age = age;
        self
    }

    /// Sets what is done with a connection before it is ready, such as waiting for the acknowledgement of a `session.update`.
    /// Everything that it depends on belongs in the key.
    pub fn prepare<F>(mut self, prepare: F) -> Self
    where
        F: for<'a> Fn(&'a Connection<P>) -> BoxFuture<'a, Result<(), Error>> + Send + Sync + 'static,
    {
        self.0.prepare = Some(Arc::new(prepare));
        self
    }

    /// Builds the pool. It is empty.
    pub fn build(self) -> Pool<K, P> {
        let state = State { shelves: HashMap::new(), last: 0, run: 0, changed: false };
        let (timer, state) = (self.0.client.timer(), Mutex::new(state));
        Pool { inner: Arc::new(Inner { settings: self.0, timer, state, changed: AtomicWaker::new() }) }
    }
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static, P: Protocol> Pool<K, P> {
    /// Starts to build a pool that prepares connections by this function. Everything that its result depends on belongs in
    /// the key: endpoint, target, credentials, options. The pool's times are those of this client's transport.
    pub fn builder(
        client: Client,
        open: impl Fn(&Client, &K) -> Connect<P> + Send + Sync + 'static,
    ) -> PoolBuilder<K, P> {
        let max_age = Duration::from_secs(600);
        PoolBuilder(Settings { client, open: Arc::new(open), prepare: None, size: 2, limit: 64, max_age })
    }

    /// Keeps connections of this key open from now on.
    pub fn warm(&self, key: K) {
        let mut state = self.inner.lock();
        state.shelves.entry(key).or_default();
        self.inner.wake(state);
    }

    /// Keeps no connections of this key open any more, and drops those that wait.
    pub fn cool(&self, key: &K) {
        let shelf = self.inner.lock().shelves.remove(key);
        // Outside the lock: dropping a connection runs code of its transport.
        drop(shelf);
    }

    /// Number of connections of this key, and the last failure. `None` if the key is not kept [warm](Self::warm).
    pub fn status(&self, key: &K) -> Option<PoolStatus> {
        let state = self.inner.lock();
        let shelf = state.shelves.get(key)?;
        Some(PoolStatus { ready: shelf.ready.len(), opening: shelf.opening, error: shelf.error.clone() })
    }

    /// Takes an open connection. If none is ready, one is opened.
    ///
    /// A connection that is found to have ended is never returned: what has arrived on its socket is read first.
    ///
    /// # Cancel safety
    /// Dropping the future loses at most the connection that is being opened.
    ///
    /// # Errors
    /// None was ready, and opening or preparing one failed.
    pub async fn take(&self, key: &K) -> Result<Connection<P>, Error> {
        if let Some(connection) = self.take_ready(key) {
            return Ok(connection);
        }
        self.inner.settings.open_one(key).await
    }

    /// Takes an open connection if one is ready.
    pub fn take_ready(&self, key: &K) -> Option<Connection<P>> {
        loop {
            let mut state = self.inner.lock();
            let shelf = state.shelves.get_mut(key)?;
            if shelf.ready.is_empty() {
                return None;
            }
            let Ready { connection, since, driving, .. } = shelf.ready.remove(0);
            self.inner.wake(state);
            driving.abort();
            let is_young = self.inner.timer.now() < since + self.inner.settings.max_age;
            // What has arrived on its socket is read first: perhaps it has ended.
            let is_alive = connection.driver().now_or_never().is_none() && connection.phase() == Phase::Open;
            if is_young && is_alive {
                return Some(connection);
            }
        }
    }

    /// Opens, drives and replaces connections, for as long as it is polled: run it in a task of its own. Another run takes
    /// over, and this one returns.
    ///
    /// # Cancel safety
    /// Dropping the future pauses the pool: connections that wait are not driven, and [`take`](Self::take) checks them as
    /// before.
    pub async fn run(&self) {
        let inner = &self.inner;
        let mut work = Work::new();
        let run = inner.take_over(&work);
        while let Some(look) = inner.begin(run, &work) {
            let look = async {
                match look {
                    Some(at) => inner.timer.sleep_until(at).await,
                    None => future::pending().await,
                }
            };
            let changed = future::poll_fn(|cx| {
                inner.changed.register(cx.waker());
                if inner.lock().changed { Poll::Ready(()) } else { Poll::Pending }
            });
            let done = async {
                match work.next().await {
                    Some(done) => done,
                    None => future::pending().await,
                }
            };
            let look = pin!(look);
            let other = future::select(look, changed);
            let done = match future::select(pin!(done), other).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            };
            if let Some(done) = done {
                inner.finish(run, done, &work);
            }
        }
    }
}

type Work<K, P> = FuturesUnordered<BoxFuture<'static, Done<K, P>>>;

impl<K: Clone + Eq + Hash + Send + Sync + 'static, P: Protocol> Inner<K, P> {
    /// Removes what is too old, and begins what is missing. When to look again; none if another run has taken over.
    fn begin(self: &Arc<Self>, run: u64, work: &Work<K, P>) -> Option<Option<Instant>> {
        let now = self.timer.now();
        let (mut old, mut missing, mut look) = (Vec::new(), Vec::new(), None);
        let mut state = self.lock();
        if state.run != run {
            return None;
        }
        state.changed = false;
        let held: usize = state.shelves.values().map(|shelf| shelf.ready.len() + shelf.opening).sum();
        let mut room = self.settings.limit.saturating_sub(held);
        for (key, shelf) in &mut state.shelves {
            let is_old = |ready: &mut Ready<P>| now >= ready.since + self.settings.max_age;
            old.extend(shelf.ready.extract_if(.., is_old));
            let wanted = self.settings.size.saturating_sub(shelf.ready.len() + shelf.opening);
            let retry = shelf.retry.filter(|at| now < *at);
            if retry.is_none() {
                let open = wanted.min(room);
                (shelf.opening, room) = (shelf.opening + open, room - open);
                missing.extend(std::iter::repeat_n(key.clone(), open));
            }
            let oldest = shelf.ready.iter().map(|ready| ready.since + self.settings.max_age).min();
            look = Instant::earliest([look, retry, oldest]);
        }
        drop(state);
        for Ready { connection, driving, .. } in old {
            driving.abort();
            work.push(close(connection));
        }
        for key in missing {
            let inner = self.clone();
            work.push(Box::pin(async move {
                let opened = inner.settings.open_one(&key).await;
                Done::Opened(key, opened.map(Box::new))
            }));
        }
        Some(look)
    }

    fn finish(&self, run: u64, done: Done<K, P>, work: &Work<K, P>) {
        let now = self.timer.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        // Dropped or closed outside the lock: that runs code of its transport.
        let (mut ended, mut unwanted) = (None, None);
        match done {
            Done::Closed => {}
            Done::Ended(key, number) => {
                if let Some(shelf) = state.shelves.get_mut(&key) {
                    ended = shelf.ready.extract_if(.., |ready| ready.number == number).next();
                }
            }
            Done::Opened(key, Ok(connection)) => match state.shelves.get_mut(&key).filter(|_| state.run == run) {
                Some(shelf) => {
                    state.last += 1;
                    let number = state.last;
                    let (driving, registration) = AbortHandle::new_pair();
                    work.push(drive(connection.driver(), registration, key, number));
                    shelf.opening = shelf.opening.saturating_sub(1);
                    (shelf.failures, shelf.retry, shelf.error) = (0, None, None);
                    shelf.ready.push(Ready { number, connection: *connection, since: now, driving });
                }
                None => unwanted = Some(connection),
            },
            Done::Opened(key, Err(error)) => {
                if let Some(shelf) = state.shelves.get_mut(&key).filter(|_| state.run == run) {
                    shelf.opening = shelf.opening.saturating_sub(1);
                    let doubled = BACKOFF.0.saturating_mul(2_u32.saturating_pow(shelf.failures));
                    let asked = error.retry_after(self.timer.unix()).unwrap_or_default();
                    shelf.failures = shelf.failures.saturating_add(1);
                    shelf.retry = Some(now + doubled.min(BACKOFF.1).max(asked));
                    shelf.error = Some(error);
                }
            }
        }
        drop(guard);
        drop(ended);
        if let Some(connection) = unwanted {
            work.push(close(*connection));
        }
    }

    /// Begins a run: it drives what an earlier one has left.
    fn take_over(&self, work: &Work<K, P>) -> u64 {
        let mut state = self.lock();
        state.run += 1;
        for (key, shelf) in &mut state.shelves {
            shelf.opening = 0;
            for ready in &mut shelf.ready {
                let (driving, registration) = AbortHandle::new_pair();
                work.push(drive(ready.connection.driver(), registration, key.clone(), ready.number));
                ready.driving.abort();
                ready.driving = driving;
            }
        }
        let run = state.run;
        self.wake(state);
        run
    }
}

impl<K, P: Protocol> Inner<K, P> {
    fn lock(&self) -> MutexGuard<'_, State<K, P>> {
        // Code under the lock does not panic, and every statement leaves a valid state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lock back, and has the pool looked after.
    fn wake(&self, mut state: MutexGuard<'_, State<K, P>>) {
        state.changed = true;
        drop(state);
        self.changed.wake();
    }
}

impl<K, P: Protocol> Settings<K, P> {
    async fn open_one(&self, key: &K) -> Result<Connection<P>, Error> {
        let connection = (self.open)(&self.client, key).connect().await?;
        if let Some(prepare) = &self.prepare {
            prepare(&connection).await?;
        }
        Ok(connection)
    }
}

/// Drives a connection until it ends or is taken.
fn drive<K: Send + 'static, P: Protocol>(
    driver: Driver<P>,
    registration: AbortRegistration,
    key: K,
    number: u64,
) -> BoxFuture<'static, Done<K, P>> {
    Abortable::new(driver, registration).map(move |_| Done::Ended(key, number)).boxed()
}

/// Closes a connection that nobody takes.
fn close<K: 'static, P: Protocol>(connection: Connection<P>) -> BoxFuture<'static, Done<K, P>> {
    Box::pin(async move {
        connection.close(CloseFrame::new(1000, "")).await;
        Done::Closed
    })
}

impl<P: Protocol> Default for Shelf<P> {
    fn default() -> Self {
        Self { ready: Vec::new(), opening: 0, failures: 0, retry: None, error: None }
    }
}

impl<K, P: Protocol> Clone for Pool<K, P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<K, P: Protocol> fmt::Debug for Pool<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.lock();
        let ready: usize = state.shelves.values().map(|shelf| shelf.ready.len()).sum();
        f.debug_struct("Pool").field("keys", &state.shelves.len()).field("ready", &ready).finish_non_exhaustive()
    }
}

impl<K, P: Protocol> fmt::Debug for PoolBuilder<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder").field("size", &self.0.size).field("limit", &self.0.limit).finish_non_exhaustive()
    }
}
