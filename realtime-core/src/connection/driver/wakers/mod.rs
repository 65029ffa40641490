//! The wake-up protocol: which waiters are woken, and by what.
//!
//! The transport, the timer and the senders get wakers of the connection, not those of its waiters. Each sets its bit; the
//! first bit to be set wakes *every* waiter, once. The first of them to be polled drives; the others find nothing to do and
//! wait again.
//!
//! All are woken, because waking one can deadlock: a waiter that lost a `select!` leaves its waker registered, is chosen,
//! and is never polled again. With all of them woken, no waiter is chosen, and none has to hand over to another: a waiter
//! that returned `Pending` either left nothing ready or woke itself, and every later change from idle to ready wakes all.

#[cfg(not(all(test, loom)))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};
use std::{
    sync::{Arc, PoisonError},
    task::{Wake, Waker},
};

#[cfg(all(test, loom))]
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};
use slab::Slab;

/// What became ready.
pub(crate) mod bit {
    /// The transport can be read.
    pub(crate) const READ: u8 = 1;
    /// The transport can take the next message.
    pub(crate) const WRITE: u8 = 1 << 1;
    /// The deadline of the alarm has passed.
    pub(crate) const TIMER: u8 = 1 << 2;
    /// An event was queued, or something was requested.
    pub(crate) const QUEUE: u8 = 1 << 3;
    /// The attempt to connect can continue.
    pub(crate) const DIAL: u8 = 1 << 4;
    /// A function that the model called can continue.
    pub(crate) const TASK: u8 = 1 << 5;
    /// The standby or the retiring link can continue.
    pub(crate) const STANDBY: u8 = 1 << 6;
    /// A waiter drives. Wake-ups during its turn wake nobody; they are handled when the turn ends.
    pub(super) const DRIVING: u8 = 1 << 7;
}

#[derive(Debug)]
pub(crate) struct Wakers {
    bits: AtomicU8,
    slots: Mutex<Slab<Option<Waker>>>,
}

impl Default for Wakers {
    fn default() -> Self {
        // One waiter is the common case.
        Self { bits: AtomicU8::new(0), slots: Mutex::new(Slab::with_capacity(1)) }
    }
}

impl Wakers {
    /// Marks something as ready, and wakes the waiters if nothing was ready before.
    pub(crate) fn wake(&self, bit: u8) {
        if self.bits.fetch_or(bit, Ordering::AcqRel) == 0 {
            self.wake_all();
        }
    }

    /// Marks something as ready during a turn. All waiters are woken when the turn ends.
    pub(crate) fn defer(&self, bit: u8) {
        // Called in every turn, and rarely with a bit to set: a load is cheaper than a read-modify-write.
        if bit != 0 {
            self.bits.fetch_or(bit, Ordering::AcqRel);
        }
    }

    /// Wakes every waiter. Wakers are removed, so that a waiter that is never polled again is woken once.
    pub(crate) fn wake_all(&self) {
        // Removed first, because a waker is foreign code and must not run under the lock. The common case of one waiter
        // does not allocate.
        let (first, others) = {
            let mut slots = self.slots();
            let mut wakers = slots.iter_mut().filter_map(|(_, slot)| slot.take());
            (wakers.next(), wakers.collect::<Vec<_>>())
        };
        first.into_iter().chain(others).for_each(Waker::wake);
    }

    /// Takes what is ready, and begins a turn.
    pub(crate) fn begin(&self) -> u8 {
        self.bits.swap(bit::DRIVING, Ordering::AcqRel)
    }

    /// Ends a turn. Returns whether something became ready meanwhile: then wake all waiters, with no lock held.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        self.bits.fetch_and(!bit::DRIVING, Ordering::AcqRel) != bit::DRIVING
    }

    /// What is ready and was not taken by a turn.
    pub(crate) fn ready(&self) -> u8 {
        self.bits.load(Ordering::Acquire) & !bit::DRIVING
    }

    /// Takes one bit outside a turn.
    pub(crate) fn take(&self, bit: u8) -> bool {
        self.bits.load(Ordering::Acquire) & bit != 0 && self.bits.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    pub(crate) fn insert(&self) -> usize {
        self.slots().insert(None)
    }

    /// Removes a waiter. Returns its waker, to be dropped with no lock held.
    #[must_use]
    pub(crate) fn remove(&self, slot: usize) -> Option<Waker> {
        self.slots().try_remove(slot).flatten()
    }

    /// Sets a waiter's waker. Returns the replaced one, to be dropped with no lock held: it may own a task that owns a
    /// handle of this connection.
    #[must_use]
    pub(crate) fn register(&self, slot: usize, waker: &Waker) -> Option<Waker> {
        let mut slots = self.slots();
        let place = slots.get_mut(slot)?;
        match place {
            Some(present) if present.will_wake(waker) => None,
            _ => place.replace(waker.clone()),
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slab<Option<Waker>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker with which a part of the connection is polled.
pub(crate) fn waker(wakers: &Arc<Wakers>, bit: u8) -> Waker {
    struct Side(Arc<Wakers>, u8);

    impl Wake for Side {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.wake(self.1);
        }
    }

    Waker::from(Arc::new(Side(wakers.clone(), bit)))
}

/// A waiter's place among the wakers.
#[derive(Debug)]
pub(crate) struct Slot {
    wakers: Arc<Wakers>,
    index: usize,
}

impl Slot {
    pub(crate) fn new(wakers: &Arc<Wakers>) -> Self {
        Self { wakers: wakers.clone(), index: wakers.insert() }
    }

    #[must_use]
    pub(crate) fn register(&self, waker: &Waker) -> Option<Waker> {
        self.wakers.register(self.index, waker)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.wakers.remove(self.index));
    }
}

#[cfg(all(test, loom))]
mod model;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), Waker::from(count))
    }

    #[test]
    fn an_edge_wakes_every_waiter_once() {
        let wakers = Arc::new(Wakers::default());
        let (slots, counts): (Vec<_>, Vec<_>) = (0..3)
            .map(|_| {
                let (slot, (count, waker)) = (Slot::new(&wakers), count());
                assert!(slot.register(&waker).is_none());
                (slot, count)
            })
            .unzip();
        for _ in 0..4 {
            wakers.wake(bit::READ);
            wakers.wake(bit::QUEUE);
        }
        assert!(counts.iter().all(|count| count.0.load(Ordering::Relaxed) == 1));
        assert_eq!(wakers.begin(), bit::READ | bit::QUEUE);
        assert!(!wakers.end());
        drop(slots);
    }

    #[test]
    fn what_becomes_ready_within_a_turn_is_told_at_its_end() {
        let wakers = Arc::new(Wakers::default());
        let (slot, (count, waker)) = (Slot::new(&wakers), count());
        let _ = slot.register(&waker);
        assert_eq!(wakers.begin(), 0);
        wakers.wake(bit::WRITE);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        assert!(wakers.end() && wakers.ready() == bit::WRITE);
    }

    #[test]
    fn what_becomes_ready_before_a_waiter_registers_is_seen_after_it() {
        let wakers = Arc::new(Wakers::default());
        let (slot, (_, waker)) = (Slot::new(&wakers), count());
        assert_eq!((wakers.begin(), wakers.end()), (0, false));
        // Another thread was faster, and there is nobody left to wake.
        wakers.wake(bit::READ);
        let _ = slot.register(&waker);
        assert_eq!(wakers.ready(), bit::READ);
    }

    #[test]
    fn a_replaced_waker_is_given_back() {
        let wakers = Arc::new(Wakers::default());
        let slot = Slot::new(&wakers);
        let (first, second) = (count().1, count().1);
        assert!(slot.register(&first).is_none());
        assert!(slot.register(&first).is_none(), "the same waker replaces none");
        assert!(slot.register(&second).is_some_and(|replaced| replaced.will_wake(&first)));
    }
}
