//! Who is to be woken, and by what.
//!
//! The transport, the timer and the senders see only wakers of the hub's own. Each sets its bit; the first bit set
//! while none was wakes *every* waiter, once. The first of them to be polled drives, the others find nothing to do and
//! sleep again.
//!
//! Waking all is what makes it sound. Waking one hangs: a waiter that lost a `select!` leaves its waker behind, is
//! chosen, and is never polled. So nobody is chosen, and nobody has to hand over: a waiter that returned `Pending`
//! either left nothing ready or woke itself, and every later edge from idle to ready wakes all.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Wake, Waker},
};

use slab::Slab;

/// What has become ready.
pub(super) mod bit {
    /// The transport can be read.
    pub(in super::super) const READ: u8 = 1;
    /// The transport takes the next message.
    pub(in super::super) const WRITE: u8 = 1 << 1;
    /// The armed deadline has come.
    pub(in super::super) const TIMER: u8 = 1 << 2;
    /// Something was queued, or asked for.
    pub(in super::super) const QUEUE: u8 = 1 << 3;
    /// The attempt to connect can go on.
    pub(in super::super) const DIAL: u8 = 1 << 4;
    /// A function that the model called can go on.
    pub(in super::super) const TASK: u8 = 1 << 5;
    /// A link beside the one in use can be moved.
    pub(in super::super) const SPARE: u8 = 1 << 6;
    /// Somebody drives. Wake-ups meanwhile are no edges; they are told when the turn ends.
    pub(super) const DRIVING: u8 = 1 << 7;
}

#[derive(Debug)]
pub(super) struct Hub {
    bits: AtomicU8,
    slots: Mutex<Slab<Option<Waker>>>,
}

impl Default for Hub {
    fn default() -> Self {
        // One waiter is the common case.
        Self { bits: AtomicU8::new(0), slots: Mutex::new(Slab::with_capacity(1)) }
    }
}

impl Hub {
    /// Says that something is ready.
    pub(super) fn wake(&self, bit: u8) {
        if self.bits.fetch_or(bit, Ordering::AcqRel) == 0 {
            self.wake_all();
        }
    }

    /// Says within a turn that something is ready. All are woken when the turn ends.
    pub(super) fn defer(&self, bit: u8) {
        // Every turn asks, and nearly never for something: looking is cheaper than writing.
        if bit != 0 {
            self.bits.fetch_or(bit, Ordering::AcqRel);
        }
    }

    /// Wakes every waiter. Wakers are taken, so one that nobody polls again is woken once.
    pub(super) fn wake_all(&self) {
        // Taken first: a waker is a stranger's code, and no lock is held while it runs. One waiter is the common case,
        // and costs no allocation.
        let (first, others) = {
            let mut slots = self.slots();
            let mut wakers = slots.iter_mut().filter_map(|(_, slot)| slot.take());
            (wakers.next(), wakers.collect::<Vec<_>>())
        };
        first.into_iter().chain(others).for_each(Waker::wake);
    }

    /// Takes what is ready, and drives from here on.
    pub(super) fn begin(&self) -> u8 {
        self.bits.swap(bit::DRIVING, Ordering::AcqRel)
    }

    /// Ends a turn. Whether something became ready meanwhile: then all are to be woken, outside every lock.
    #[must_use]
    pub(super) fn end(&self) -> bool {
        self.bits.fetch_and(!bit::DRIVING, Ordering::AcqRel) != bit::DRIVING
    }

    /// What is ready and no turn has taken.
    pub(super) fn ready(&self) -> u8 {
        self.bits.load(Ordering::Acquire) & !bit::DRIVING
    }

    /// Takes one bit out of turn.
    pub(super) fn take(&self, bit: u8) -> bool {
        self.bits.load(Ordering::Acquire) & bit != 0 && self.bits.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    pub(super) fn insert(&self) -> usize {
        self.slots().insert(None)
    }

    /// The removed waker, to be dropped where no lock is held.
    #[must_use]
    pub(super) fn remove(&self, slot: usize) -> Option<Waker> {
        self.slots().try_remove(slot).flatten()
    }

    /// Sets a waiter's waker. Gives back the replaced one, to be dropped where no lock is held: it may own a task that
    /// owns a handle of this very connection.
    #[must_use]
    pub(super) fn register(&self, slot: usize, waker: &Waker) -> Option<Waker> {
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

/// The waker that a part of the connection is polled with.
pub(super) fn waker(hub: &Arc<Hub>, bit: u8) -> Waker {
    struct Side(Arc<Hub>, u8);

    impl Wake for Side {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.wake(self.1);
        }
    }

    Waker::from(Arc::new(Side(hub.clone(), bit)))
}

/// A waiter's place in the hub.
#[derive(Debug)]
pub(super) struct Slot {
    hub: Arc<Hub>,
    index: usize,
}

impl Slot {
    pub(super) fn new(hub: &Arc<Hub>) -> Self {
        Self { hub: hub.clone(), index: hub.insert() }
    }

    #[must_use]
    pub(super) fn register(&self, waker: &Waker) -> Option<Waker> {
        self.hub.register(self.index, waker)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.hub.remove(self.index));
    }
}

#[cfg(test)]
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
        let hub = Arc::new(Hub::default());
        let (slots, counts): (Vec<_>, Vec<_>) = (0..3)
            .map(|_| {
                let (slot, (count, waker)) = (Slot::new(&hub), count());
                assert!(slot.register(&waker).is_none());
                (slot, count)
            })
            .unzip();
        for _ in 0..4 {
            hub.wake(bit::READ);
            hub.wake(bit::QUEUE);
        }
        assert!(counts.iter().all(|count| count.0.load(Ordering::Relaxed) == 1));
        assert_eq!(hub.begin(), bit::READ | bit::QUEUE);
        assert!(!hub.end());
        drop(slots);
    }

    #[test]
    fn what_becomes_ready_within_a_turn_is_told_at_its_end() {
        let hub = Arc::new(Hub::default());
        let (slot, (count, waker)) = (Slot::new(&hub), count());
        let _ = slot.register(&waker);
        assert_eq!(hub.begin(), 0);
        hub.wake(bit::WRITE);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        assert!(hub.end() && hub.ready() == bit::WRITE);
    }

    #[test]
    fn what_becomes_ready_before_a_waiter_registers_is_seen_after_it() {
        let hub = Arc::new(Hub::default());
        let (slot, (_, waker)) = (Slot::new(&hub), count());
        assert_eq!((hub.begin(), hub.end()), (0, false));
        // Another thread is quicker: nobody is there to be woken.
        hub.wake(bit::READ);
        let _ = slot.register(&waker);
        assert_eq!(hub.ready(), bit::READ);
    }

    #[test]
    fn a_replaced_waker_is_given_back() {
        let hub = Arc::new(Hub::default());
        let slot = Slot::new(&hub);
        let (first, second) = (count().1, count().1);
        assert!(slot.register(&first).is_none());
        assert!(slot.register(&first).is_none(), "the same waker replaces none");
        assert!(slot.register(&second).is_some_and(|replaced| replaced.will_wake(&first)));
    }
}
