use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use realtime_core::transport::{Instant, Timer};
use realtime_websocket::SystemTimer;

/// The system's clock, without a runtime. For an in-memory simulator in real time.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(SystemTimer);

impl SystemClock {
    /// Creates a clock that starts now.
    pub fn new() -> Self {
        Self(SystemTimer::new(|time| async_io::Timer::after(time).map(drop).boxed()))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for SystemClock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn unix(&self) -> Option<Duration> {
        self.0.unix()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.0.sleep_until(deadline)
    }
}
