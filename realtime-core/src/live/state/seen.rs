use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
};

use super::limits::MOST_IDS;
use crate::wire::Id;

/// An id in 16 bytes, however long it is: a server that makes long ones cannot make the memory of them grow.
#[derive(Clone, Debug, Default)]
struct Digests(RandomState, RandomState);

impl Digests {
    fn of(&self, id: &Id) -> u128 {
        u128::from(self.0.hash_one(id.as_bytes())) << 64 | u128::from(self.1.hash_one(id.as_bytes()))
    }
}

/// The ids of the latest events.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    digests: Digests,
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    /// Remembers an id. Whether it was known already.
    pub(super) fn insert(&mut self, id: &Id) -> bool {
        let digest = self.digests.of(id);
        if !self.known.insert(digest) {
            return true;
        }
        if self.order.len() == MOST_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(digest);
        false
    }
}

/// The types of our latest events that have an id.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    digests: Digests,
    kinds: HashMap<u128, Box<str>>,
    order: VecDeque<u128>,
}

impl Sent {
    pub(super) fn insert(&mut self, id: &Id, kind: &str) {
        let digest = self.digests.of(id);
        if self.kinds.insert(digest, kind.into()).is_some() {
            return;
        }
        if self.order.len() == MOST_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.kinds.remove(&oldest);
        }
        self.order.push_back(digest);
    }

    pub(super) fn kind_of(&self, id: &Id) -> Option<&str> {
        self.kinds.get(&self.digests.of(id)).map(|kind| &**kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_until_as_many_others_have_come() {
        let mut seen = Seen::default();
        let id = |n: usize| Id::new(&format!("event_{n}"));
        assert!(!seen.insert(&id(0)) && seen.insert(&id(0)));
        for n in 1..MOST_IDS {
            assert!(!seen.insert(&id(n)));
        }
        assert!(seen.insert(&id(0)));
        assert!(!seen.insert(&id(MOST_IDS)));
        assert!(!seen.insert(&id(0)));
        assert_eq!((seen.known.len(), seen.order.len()), (MOST_IDS, MOST_IDS));
    }
}
