use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use futures::future::BoxFuture;

/// A clock with timers. Part of the transport, so that tests can replace it by a virtual one.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// The current time. Monotonic.
    fn now(&self) -> Instant;

    /// The time since the Unix epoch, for what the service states in wall-clock time. `None` without such a clock.
    fn unix(&self) -> Option<Duration> {
        None
    }

    /// The number from which a connection makes the ids of its events and items, and the jitter of its retries: another
    /// one at each call, for two connections may speak to one session.
    ///
    /// None, the default, takes random numbers. Only a virtual clock gives some, so that what happens by it happens
    /// again, ids included.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// Completes once `deadline` has come. Must work from any thread, and end when dropped.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
}

/// A point in time, as the time since its timer's origin. Instants of different timers cannot be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// Creates an instant from the time since the timer's origin.
    pub const fn from_origin(since: Duration) -> Self {
        Self(since)
    }

    /// The time since the timer's origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The earliest of these, if any.
    pub(crate) fn earliest<const N: usize>(times: [Option<Self>; N]) -> Option<Self> {
        let mut earliest = None;
        for time in times {
            if time.is_some_and(|time| earliest.is_none_or(|earliest| time < earliest)) {
                earliest = time;
            }
        }
        earliest
    }

    /// The time since an earlier instant; zero if that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Saturates, so that a deadline of [`Duration::MAX`] never expires.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The difference; zero if the second instant is later.
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}
