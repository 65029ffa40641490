//! How many seeds a run takes: all of them with `REALTIME_TESTS=full`, as the gate runs them, else a part.

#![allow(dead_code, reason = "every test program uses a part")]

/// Whether everything is wanted.
pub(crate) fn is_full() -> bool {
    std::env::var("REALTIME_TESTS").is_ok_and(|tests| tests == "full")
}

/// The first tenth by default, so that a run takes minutes.
pub(crate) fn seeds(all: u64) -> u64 {
    if is_full() { all } else { all / 10 }
}
