use std::time::{self, Duration, SystemTime};

use futures::{FutureExt, future::BoxFuture};
use realtime_core::transport::{Instant, Timer};

/// The system's clock, without a runtime: for a simulator in memory that is to live in real time.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: time::Instant,
}

/// A deadline further away than this is none.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl SystemClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn unix(&self) -> Option<Duration> {
        SystemTime::UNIX_EPOCH.elapsed().ok()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let at = self.origin + deadline.since_origin().min(FOREVER);
        async_io::Timer::at(at).map(|_| ()).boxed()
    }
}
