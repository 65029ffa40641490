//! Where the item with an id is kept.

use std::hash::{BuildHasher, RandomState};

use super::pages::Pages;

/// A hash table of places, of which a copy costs the same however many there are: in pages, with linear probing.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// As many as a power of two, or none.
    slots: Pages<Slot>,
    used: usize,
    hasher: RandomState,
}

/// The hash of an id, and its place.
type Slot = Option<(u32, u32)>;

/// How many slots a table begins with.
const FIRST: usize = 16;

impl Index {
    fn hash(&self, id: &[u8]) -> u32 {
        // Its lower half: no table is larger than that.
        self.hasher.hash_one(id) as u32
    }

    fn slot(&self, at: usize) -> Slot {
        self.slots.get(at).copied().flatten()
    }

    /// The slots that come into question for a hash, up to the first free one, which is the last of them.
    fn probe(&self, hash: u32) -> impl Iterator<Item = (usize, Slot)> + '_ {
        let mask = self.slots.len().saturating_sub(1);
        let mut is_over = self.slots.is_empty();
        // There is always a free one.
        (0..self.slots.len()).map(move |step| (hash as usize).wrapping_add(step) & mask).map_while(move |at| {
            let slot = self.slot(at);
            (!std::mem::replace(&mut is_over, slot.is_none())).then_some((at, slot))
        })
    }

    /// The place of an id, among the places that have its hash.
    pub(super) fn get(&self, id: &[u8], is_at: impl Fn(usize) -> bool) -> Option<usize> {
        let hash = self.hash(id);
        let places = self.probe(hash).filter_map(|(_, slot)| slot).filter(|(other, _)| *other == hash);
        places.map(|(_, place)| place as usize).find(|place| is_at(*place))
    }

    /// Adds an id that is not there.
    pub(super) fn insert(&mut self, id: &[u8], place: usize) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        // A conversation has a quarter of a million items at most.
        let Ok(place) = u32::try_from(place) else { return };
        self.put(self.hash(id), place);
    }

    fn put(&mut self, hash: u32, place: u32) {
        let free = self.probe(hash).find(|(_, slot)| slot.is_none());
        if let Some(slot) = free.and_then(|(at, _)| self.slots.get_mut(at)) {
            *slot = Some((hash, place));
            self.used += 1;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FIRST);
        let old = std::mem::replace(&mut self.slots, std::iter::repeat_n(None, size).collect());
        self.used = 0;
        old.iter().flatten().for_each(|(hash, place)| self.put(*hash, *place));
    }

    /// Takes an id out that has this place.
    pub(super) fn remove(&mut self, id: &[u8], place: usize) {
        let hash = self.hash(id);
        let is_it = |slot: &Slot| slot.is_some_and(|(other, at)| other == hash && at as usize == place);
        let Some((mut gap, _)) = self.probe(hash).find(|(_, slot)| is_it(slot)) else { return };
        self.used -= 1;
        // What stands behind the gap moves up, unless that would be in front of where it is looked for first.
        let mask = self.slots.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let Some((hash, _)) = self.slot(at) else { break };
            let from_home = at.wrapping_sub(hash as usize) & mask;
            if from_home >= (at.wrapping_sub(gap) & mask) {
                let moved = self.slot(at);
                if let Some(slot) = self.slots.get_mut(gap) {
                    *slot = moved;
                }
                gap = at;
            }
        }
        if let Some(slot) = self.slots.get_mut(gap) {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0..300_usize), 0..2_000)) {
            let mut index = Index::default();
            let mut map: HashMap<Vec<u8>, usize> = HashMap::new();
            for (number, (adds, id)) in steps.into_iter().enumerate() {
                let name = format!("item_{id}").into_bytes();
                match (adds, map.get(&name).copied()) {
                    (true, None) => {
                        index.insert(&name, number);
                        map.insert(name, number);
                    }
                    (false, Some(place)) => {
                        index.remove(&name, place);
                        map.remove(&name);
                    }
                    (true, Some(_)) | (false, None) => {}
                }
            }
            prop_assert_eq!(index.used, map.len());
            for id in 0..300 {
                let name = format!("item_{id}").into_bytes();
                let place = map.get(&name).copied();
                prop_assert_eq!(index.get(&name, |at| Some(at) == place), place);
            }
        }
    }
}
