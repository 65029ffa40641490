use std::{
    fmt,
    time::{Duration, Instant as Origin, SystemTime},
};

use futures::future::BoxFuture;
use realtime_core::transport::{Instant, Timer};

/// The system's monotonic clock, combined with a runtime's sleep function.
#[derive(Clone, Copy)]
pub struct SystemTimer {
    origin: Origin,
    sleep: fn(Duration) -> BoxFuture<'static, ()>,
}

impl SystemTimer {
    /// Creates a clock that starts now. `sleep` completes after the given duration and must work on any thread.
    pub fn new(sleep: fn(Duration) -> BoxFuture<'static, ()>) -> Self {
        Self { origin: Origin::now(), sleep }
    }
}

impl Timer for SystemTimer {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn unix(&self) -> Option<Duration> {
        SystemTime::UNIX_EPOCH.elapsed().ok()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let timer = *self;
        Box::pin(async move {
            // Computed on the first poll, because some runtimes start counting only then.
            while timer.now() < deadline {
                (timer.sleep)(deadline - timer.now()).await;
            }
        })
    }
}

impl fmt::Debug for SystemTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemTimer").field("origin", &self.origin).finish_non_exhaustive()
    }
}
