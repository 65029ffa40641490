use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use realtime_core::transport::{Instant, Timer};
use tokio::time;

/// tokio's clock. It stands still where tokio's does, in tests that pause it.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer {
    origin: time::Instant,
}

/// A deadline further away than this is none.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl TokioTimer {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
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
        Box::pin(time::sleep_until(self.origin + deadline.since_origin().min(FOREVER)))
    }
}
