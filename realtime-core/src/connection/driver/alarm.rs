//! The one alarm of a connection.

use std::task::{Context, Waker};

use futures::future::BoxFuture;

use crate::transport::{Instant, Timer};

/// An alarm on the transport's timer. None is armed per message: it stands at the earliest deadline, is moved only forward to
/// an earlier one, and a deadline that has moved on is found not to be due when it rings.
#[derive(Default)]
pub(super) struct Alarm(Option<(Instant, BoxFuture<'static, ()>)>);

impl Alarm {
    /// Unsets it.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Sets it to the earliest deadline. `waker` makes a waker of its own, `rang` says that one was
    /// called. Whether the time has come already.
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
