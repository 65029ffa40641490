use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use futures::future::BoxFuture;
use realtime_core::transport::{Instant, Timer};
use tokio::{runtime::Handle, time};

/// tokio's clock. It stands still when tokio's does, in tests that pause time.
///
/// After it was created or used inside a runtime, timers can be set from any thread. If it never was, they never
/// expire.
#[derive(Clone, Debug)]
pub struct TokioTimer {
    origin: time::Instant,
    runtime: Arc<OnceLock<Handle>>,
}

/// Deadlines further away than this never expire.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl TokioTimer {
    /// Creates a clock that starts now.
    pub fn new() -> Self {
        let runtime = Handle::try_current().map_or_else(|_| OnceLock::new(), OnceLock::from);
        Self { origin: time::Instant::now(), runtime: runtime.into() }
    }
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for TokioTimer {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn unix(&self) -> Option<Duration> {
        SystemTime::UNIX_EPOCH.elapsed().ok()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        // The caller may not be a thread of the runtime, but timers can be created only inside one.
        let runtime = Handle::try_current().ok().or_else(|| self.runtime.get().cloned());
        let Some(runtime) = runtime else { return Box::pin(std::future::pending()) };
        self.runtime.get_or_init(|| runtime.clone());
        let _entered = runtime.enter();
        Box::pin(time::sleep_until(self.origin + deadline.since_origin().min(FOREVER)))
    }
}
