use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use realtime_core::transport::{Instant, Timer};
use tokio::{runtime::Handle, time};

/// tokio's clock. It stands still where tokio's does, in tests that pause it.
///
/// Made within a runtime, it can be used outside of it too.
#[derive(Clone, Debug)]
pub struct TokioTimer {
    origin: time::Instant,
    runtime: Option<Handle>,
}

/// A deadline further away than this is none.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl TokioTimer {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self { origin: time::Instant::now(), runtime: Handle::try_current().ok() }
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
        // Whoever waits may be no thread of the runtime, and an alarm is set in one.
        let _entered = match Handle::try_current() {
            Ok(_) => None,
            Err(_) => self.runtime.as_ref().map(Handle::enter),
        };
        Box::pin(time::sleep_until(self.origin + deadline.since_origin().min(FOREVER)))
    }
}
