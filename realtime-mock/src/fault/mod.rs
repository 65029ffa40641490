//! Fault injection.

mod dice;
mod halves;
mod line;
mod parse;
mod plan;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use http::HeaderMap;
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Http, Instant, Timer, Transport, TransportError, TransportErrorKind},
};

use line::Line;
pub use parse::FaultPlanError;
pub use plan::{ConnectFault, Fault, FaultPlan, FaultTrigger};

/// Maximum number of injected faults remembered.
const MOST_INJECTED: usize = 4096;

/// A transport that injects faults into the connections of another one.
///
/// The plan for each connection attempt is requested by number, starting at 1. All times use the inner transport's
/// timer, so on a [`VirtualClock`](crate::VirtualClock) the same plans always have the same effects, byte for byte.
///
/// ```
/// use realtime_core::{Client, event::SessionUpdated, transport::CloseFrame};
/// use realtime_mock::{Fault, FaultPlan, Faults, MockTransport, FaultTrigger};
///
/// let (transport, server) = MockTransport::new();
/// // The first connection is closed after the greeting was read; all others work.
/// let faults = Faults::new(transport, |connection| match connection {
///     1 => FaultPlan::new().at(FaultTrigger::Read(1), Fault::Close(CloseFrame::new(1011, "no memory"))),
///     _ => FaultPlan::new(),
/// });
/// let client = Client::builder(faults.clone()).build();
/// server.clock().block_on(async {
///     let connection = client.realtime().model("m").connect().await?;
///     assert!(connection.next().await.expect("the greeting").is_ok());
///     let error = connection.next().await.expect("the end").unwrap_err();
///     assert_eq!(error.close_frame().map(|frame| frame.code), Some(1011));
///     assert_eq!(faults.injected().len(), 1);
///     Ok::<(), realtime_core::Error>(())
/// })?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
///
/// Clones are the same transport: keep one to read the [`injected`](Self::injected) faults. For random faults see
/// [`FaultPlan::drawn`]; for faults on a real socket, serve it with `Server::new`.
#[derive(Clone)]
pub struct Faults(Arc<FaultsInner>);

struct FaultsInner {
    inner: Box<dyn Transport>,
    plan: Box<dyn Fn(u64) -> FaultPlan + Send + Sync>,
    connections: AtomicU64,
    injected: Arc<Log>,
}

/// A fault that was injected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InjectedFault {
    /// Number of the connection attempt, starting at 1.
    pub connection: u64,
    /// Time, on the transport's timer.
    pub at: Instant,
    /// The fault.
    pub kind: FaultKind,
}

/// A fault of either kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// A fault of a connection attempt.
    Connect(ConnectFault),
    /// A fault of an open connection.
    Fault(Fault),
}

/// Injected faults, the latest last.
#[derive(Default)]
struct Log(Mutex<VecDeque<InjectedFault>>);

impl Log {
    fn note(&self, connection: u64, at: Instant, kind: FaultKind) {
        let mut struck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if struck.len() == MOST_INJECTED {
            struck.pop_front();
        }
        struck.push_back(InjectedFault { connection, at, kind });
    }
}

impl Faults {
    /// Adds faults to a transport. `plan` is called for every connection attempt, with its number.
    pub fn new(transport: impl Transport, plan: impl Fn(u64) -> FaultPlan + Send + Sync + 'static) -> Self {
        Self(Arc::new(FaultsInner {
            inner: Box::new(transport),
            plan: Box::new(plan),
            connections: AtomicU64::new(0),
            injected: Arc::default(),
        }))
    }

    /// Adds random faults to a transport. Every connection has its own [random plan](FaultPlan::drawn).
    pub fn seeded(transport: impl Transport, seed: u64) -> Self {
        Self::new(transport, move |connection| {
            FaultPlan::drawn(seed.wrapping_mul(0x1_0000_0001).wrapping_add(connection))
        })
    }

    /// The injected faults, the latest last: the last 4096.
    pub fn injected(&self) -> Vec<InjectedFault> {
        self.0.injected.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    async fn delay_or_fail(&self, connection: u64, fault: ConnectFault) -> Result<(), TransportError> {
        let timer = self.0.inner.timer();
        self.0.injected.note(connection, timer.now(), FaultKind::Connect(fault.clone()));
        match fault {
            ConnectFault::Delay(time) => timer.sleep_until(timer.now() + time).await,
            ConnectFault::Refuse(status) => return Err(TransportError::rejected(status, HeaderMap::new(), "".into())),
            ConnectFault::Fail(kind) => return Err(asked_for(kind)),
            ConnectFault::Never => std::future::pending().await,
        }
        Ok(())
    }
}

#[async_trait]
impl Transport for Faults {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let connection = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let FaultPlan { connect, faults } = (self.0.plan)(connection);
        if let Some(fault) = connect {
            self.delay_or_fail(connection, fault).await?;
        }
        let inner = self.0.inner.connect(handshake).await?;
        let line = Line::new(connection, self.0.inner.timer(), faults, self.0.injected.clone());
        Ok(halves::wrap(inner, Arc::new(line)))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.inner.timer()
    }

    fn http(&self) -> Option<Arc<dyn Http>> {
        self.0.inner.http()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("inner", &self.0.inner).finish_non_exhaustive()
    }
}

fn asked_for(kind: TransportErrorKind) -> TransportError {
    TransportError::new(kind, "a fault that was asked for")
}
