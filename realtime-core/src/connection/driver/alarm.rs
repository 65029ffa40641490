//! The one alarm of a connection.

use std::task::{Context, Waker};

use futures::future::BoxFuture;

use crate::transport::{Instant, Timer};

/// An alarm on the transport's timer, set to the earliest deadline. It is not armed again for each message: it is only moved
/// to an earlier time. If its deadline has meanwhile been postponed, it rings early, and is set again.
#[derive(Default)]
pub(super) struct Alarm(Option<(Instant, BoxFuture<'static, ()>)>);

impl Alarm {
    /// Unsets it.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Sets it to the earliest deadline. `waker` creates its waker, and `rang` says that the waker was called. Returns
    /// whether the deadline has passed already.
    pub(super) fn set(
        &mut self,
        next: Option<Instant>,
        timer: &dyn Timer,
        waker: impl Fn() -> Waker,
        rang: bool,
    ) -> bool {
        let Some(next) = next else {
            self.clear();
            return false;
        };
        let is_ready =
            |alarm: &mut BoxFuture<'static, ()>| alarm.as_mut().poll(&mut Context::from_waker(&waker())).is_ready();
        if rang && self.0.as_mut().is_some_and(|(_, alarm)| is_ready(alarm)) {
            self.0 = None;
        }
        if self.0.as_ref().is_none_or(|(at, _)| *at > next) {
            let mut alarm = timer.sleep_until(next);
            let due = is_ready(&mut alarm);
            self.0 = (!due).then_some((next, alarm));
            return due;
        }
        false
    }
}
