use std::time::Duration;

use futures::future::{self, Either};

use super::{Connection, driver::wait::WaitKind, machine::resume::Parts};
use crate::{protocol::Protocol, transport::CloseFrame};

/// How often a draining connection is looked at, though nothing happens: what was played is known by the clock only.
const LOOK: Duration = Duration::from_millis(50);

impl<P: Protocol> Connection<P> {
    /// The conversation at this moment.
    pub(crate) fn parts(&self) -> Parts<P> {
        self.shared.core().machine.parts(&*self.shared)
    }

    /// Requests no more responses, waits for a quiet moment or until `limit` has passed, and begins to close. Returns the
    /// conversation at that moment, and whether it was quiet.
    pub(crate) async fn drained(&self, limit: Duration) -> (Parts<P>, bool) {
        let shared = &self.shared;
        let until = shared.timer.now() + limit;
        shared.core().machine.drain();
        loop {
            let now = shared.timer.now();
            // Checked and closed in one moment, so that nothing arrives in between.
            let quiet = shared.wait(WaitKind::Drive, |machine, shared| {
                let now = shared.timer.now();
                let ended = machine.end().is_some();
                let quiet = !ended && machine.is_drained(shared, now);
                (ended || quiet || now >= until).then(|| {
                    let parts = machine.parts(shared);
                    machine.begin_close(CloseFrame::new(1000, ""), shared, now);
                    (parts, quiet)
                })
            });
            let look = shared.timer.sleep_until(until.min(now + LOOK));
            if let Either::Left((Ok(found), _)) = future::select(quiet, look).await {
                return found;
            }
        }
    }
}
