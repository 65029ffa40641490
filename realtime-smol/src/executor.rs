//! The executor of spawned drivers.

use std::{future::pending, panic::catch_unwind, sync::OnceLock, thread};

use async_executor::Executor;

/// An executor that one thread runs, which the first call starts.
pub(crate) fn global() -> &'static Executor<'static> {
    static GLOBAL: Executor<'static> = Executor::new();
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let started = thread::Builder::new().name("realtime-smol".into()).spawn(|| {
            // A task that panics is the end of that task, not of the others.
            while catch_unwind(|| async_io::block_on(GLOBAL.run(pending::<()>()))).is_err() {}
        });
        started.unwrap_or_else(|error| panic!("no thread for a connection's driver: {error}"));
    });
    &GLOBAL
}
