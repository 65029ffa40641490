use std::{
    collections::BTreeMap,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::future::BoxFuture;
use realtime_core::transport::{Instant, Timer};

/// A virtual clock. It advances only when told to, so that a test of ten hours takes no time and is deterministic.
///
/// Clones share the time. It starts at zero; its wall clock starts at 1 January 2026.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use realtime_core::transport::Timer;
/// use realtime_mock::VirtualClock;
///
/// let clock = VirtualClock::new();
/// // Nothing but a timer is left to wait for, so the clock advances to it.
/// clock.block_on(clock.sleep(Duration::from_secs(3_600)));
/// assert_eq!(clock.now().since_origin().as_secs(), 3_600);
/// ```
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Duration,
    next: u64,
    /// How many seeds were given.
    seeds: u64,
    /// Active timers, by time and then by creation order.
    alarms: BTreeMap<(Duration, u64), Option<Waker>>,
    /// Descriptions of other waits.
    waits: BTreeMap<u64, String>,
}

/// Beginning of the panic message when a future can never complete.
pub(crate) const STALLED: &str = "everything waits and no alarm is armed";

/// 1 January 2026 as Unix time.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

impl VirtualClock {
    /// Creates a clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Advances time, and fires the timers that expire, in order.
    pub fn advance(&self, time: Duration) {
        let end = self.state().now + time;
        while self.next_alarm().is_some_and(|at| at <= end) {
            self.advance_to_next();
        }
        self.state().now = end;
    }

    /// Advances time to the next timer and fires it. Returns whether there was one.
    pub fn advance_to_next(&self) -> bool {
        let rung = {
            let mut state = self.state();
            let Some(((at, _), waker)) = state.alarms.pop_first() else { return false };
            state.now = state.now.max(at);
            waker
        };
        if let Some(waker) = rung {
            waker.wake();
        }
        true
    }

    /// Number of active timers. Zero at the end of a test shows that nothing was left behind.
    pub fn pending(&self) -> usize {
        self.state().alarms.len()
    }

    /// When the next timer expires.
    pub fn next_alarm(&self) -> Option<Duration> {
        self.state().alarms.first_key_value().map(|((at, _), _)| *at)
    }

    /// Waits for a duration of virtual time.
    pub fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(self.now() + time)
    }

    /// Runs a future to completion on this thread. Whenever it cannot make progress, time advances to the next timer.
    ///
    /// Everything that the future waits for must come from itself or from this clock; other threads are not waited for.
    ///
    /// # Panics
    /// Panics if the future waits and no timer is active, because it would wait forever. The message lists what is
    /// waited for.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        loop {
            while woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
            }
            if !self.advance_to_next() {
                let waits: Vec<_> = self.state().waits.values().cloned().collect();
                panic!("{STALLED}; waited for: [{}]", waits.join(", "));
            }
        }
    }

    /// Describes a wait while the guard exists.
    pub(crate) fn waiting(&self, what: impl FnOnce() -> String) -> Waiting {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.waits.insert(id, what());
        Waiting { clock: self.clone(), id }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for VirtualClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.state().now)
    }

    fn unix(&self) -> Option<Duration> {
        Some(EPOCH + self.state().now)
    }

    fn seed(&self) -> Option<u64> {
        let mut state = self.state();
        state.seeds += 1;
        // Time never goes back and the count only grows, so their sum never repeats.
        Some((EPOCH + state.now).as_nanos() as u64 + state.seeds)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Alarm { clock: self.clone(), at: deadline.since_origin(), key: None })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("VirtualClock").field("now", &state.now).field("pending", &state.alarms.len()).finish()
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

pub(crate) struct Waiting {
    clock: VirtualClock,
    id: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.clock.state().waits.remove(&self.id);
    }
}

/// Active from its first poll until it fires or is dropped.
struct Alarm {
    clock: VirtualClock,
    at: Duration,
    key: Option<(Duration, u64)>,
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut state = this.clock.state();
        if state.now >= this.at {
            // It fired, or time advanced past it.
            let replaced = this.key.take().and_then(|key| state.alarms.remove(&key));
            drop(state);
            drop(replaced);
            return Poll::Ready(());
        }
        let key = *this.key.get_or_insert_with(|| {
            state.next += 1;
            (this.at, state.next)
        });
        let replaced = state.alarms.insert(key, Some(cx.waker().clone()));
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let removed = self.key.take().and_then(|key| self.clock.state().alarms.remove(&key));
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Real;

    use futures::future::join;

    use super::*;

    #[test]
    fn time_jumps_from_alarm_to_alarm() {
        let clock = VirtualClock::new();
        let begun = Real::now();
        let order = Mutex::new(Vec::new());
        let nap = async |hours: u64| {
            clock.sleep(Duration::from_secs(hours * 3600)).await;
            order.lock().unwrap().push(hours);
        };
        clock.block_on(join(nap(2), join(nap(3), nap(1))));
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
        assert_eq!(clock.now().since_origin(), Duration::from_secs(3 * 3600));
        assert_eq!((clock.pending(), clock.unix()), (0, Some(EPOCH + Duration::from_secs(3 * 3600))));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn seeds_differ_on_one_clock_and_repeat_on_another() {
        let seeds = || {
            let clock = VirtualClock::new();
            let first = [clock.seed(), clock.clone().seed()];
            clock.advance(Duration::from_nanos(1));
            [first[0], first[1], clock.seed(), clock.seed()].map(Option::unwrap)
        };
        assert!(seeds().is_sorted_by(|one, next| one < next));
        assert_eq!(seeds(), seeds());
    }

    #[test]
    fn a_dropped_alarm_is_disarmed() {
        let clock = VirtualClock::new();
        let mut alarm = clock.sleep(Duration::from_secs(1));
        assert!(alarm.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(clock.pending(), 1);
        clock.advance(Duration::from_millis(999));
        assert_eq!(clock.pending(), 1);
        drop(alarm);
        assert_eq!((clock.pending(), clock.advance_to_next()), (0, false));
    }

    #[test]
    #[should_panic(expected = "no alarm is armed; waited for: [a friend]")]
    fn waiting_for_ever_is_told() {
        let clock = VirtualClock::new();
        let _waiting = clock.waiting(|| "a friend".into());
        clock.block_on(std::future::pending::<()>());
    }
}
