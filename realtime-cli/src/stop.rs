//! Signals.

use std::{io, process};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The wish of the user, or of the system, that the command ends: SIGINT or SIGTERM.
///
/// A command ends its session and prints its summary. A second signal ends the process at once.
#[derive(Clone, Default)]
pub(crate) struct Stop(CancellationToken);

impl Stop {
    /// Listens to the signals from now on, so that one that arrives before the first wait is not lost.
    pub(crate) fn on_signals() -> Self {
        let stop = Self::default();
        // Without a listener, a signal ends the process.
        if let Ok(mut signals) = Signals::listen() {
            let token = stop.0.clone();
            tokio::spawn(async move {
                signals.next().await;
                token.cancel();
                signals.next().await;
                process::exit(130);
            });
        }
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
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
