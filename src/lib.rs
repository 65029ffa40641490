//! x
pub use realtime_core::*;
