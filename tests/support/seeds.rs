//! Seeded numbers, and how many seeds a run takes: all with `REALTIME_TESTS=full`, as the gate runs them, else a part.

#![allow(dead_code, reason = "every test program uses a part")]

/// Whether everything is wanted.
pub(crate) fn is_full() -> bool {
    std::env::var("REALTIME_TESTS").is_ok_and(|tests| tests == "full")
}

/// The first tenth by default, so that a run takes minutes.
pub(crate) fn seeds(all: u64) -> u64 {
    if is_full() { all } else { all / 10 }
}

/// Seeded numbers (splitmix64), the same on every platform.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % end
    }

    /// A duration below `end` milliseconds, which must not be 0.
    pub(crate) fn millis(&mut self, end: u64) -> std::time::Duration {
        std::time::Duration::from_millis(self.below(end))
    }

    /// An index below `sides`, which must not be 0.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.below(sides as u64) as usize
    }
}
