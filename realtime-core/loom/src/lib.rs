//! The wake-up protocol of `realtime-core`, alone, so that its model is built in seconds.

#[cfg(not(loom))]
compile_error!("the atomics are loom's only with RUSTFLAGS=\"--cfg loom\"");

#[cfg(all(test, loom))]
#[allow(dead_code, reason = "the model uses a part of it")]
#[path = "../../src/connection/driver/wakers/mod.rs"]
mod wakers;
