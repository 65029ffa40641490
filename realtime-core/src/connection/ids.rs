//! Ids and randomness of a connection.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::wire::Id;

/// Creates ids for sent events, so that answers and errors can be matched.
pub(crate) struct Ids {
    /// Distinguishes the ids of two connections, which may join the same session.
    mark: u64,
    last: AtomicU64,
}

impl Ids {
    /// `seed` makes what happens by a virtual clock happen again; `unix` is the wall clock. Each where there is one.
    pub(crate) fn new(seed: Option<u64>, unix: Option<Duration>) -> Self {
        Self { mark: seed.unwrap_or_else(|| unique(unix)), last: AtomicU64::new(0) }
    }

    /// Random number from 0 to 1 for a reconnect attempt: different for every connection, reproducible for a virtual
    /// clock.
    pub(super) fn jitter(&self, attempt: u32) -> f64 {
        let mut mixed = self.mark.wrapping_add(u64::from(attempt)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^= mixed >> 32;
        mixed = mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^= mixed >> 32;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn fresh(&self, prefix: &str) -> Id {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        Id::new(&format!("{prefix}_{:016x}_{number}", self.mark))
    }
}

/// A number that no other connection has: of this process by the count, of others by the operating system's randomness
/// and the time.
fn unique(unix: Option<Duration>) -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);

    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.write_u128(unix.unwrap_or_default().as_nanos());
    hasher.finish()
}
