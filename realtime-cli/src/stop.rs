//! Signals.

use std::process;

use tokio::signal;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The wish of the user, or of the system, that the command ends: SIGINT or SIGTERM.
///
/// A command ends its session and prints its summary. A second signal ends the process at once.
#[derive(Clone, Default)]
pub(crate) struct Stop(CancellationToken);

impl Stop {
    /// Listens to the signals.
    pub(crate) fn on_signals() -> Self {
        let stop = Self::default();
        let token = stop.0.clone();
        tokio::spawn(async move {
            signalled().await;
            token.cancel();
            signalled().await;
            process::exit(130);
        });
        stop
    }

    /// Waits for a signal.
    pub(crate) async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Runs a future until it ends or a signal arrives.
    ///
    /// # Errors
    /// Those of the future, and the interruption.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.requested() => Err(Failure::interrupted().into()),
            result = work => result,
        }
    }
}

#[cfg(unix)]
async fn signalled() {
    use signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without a handler, the signal ends the process.
        Err(_) => drop(signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signalled() {
    drop(signal::ctrl_c().await);
}
