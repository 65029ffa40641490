//! The rules of keepalive: pings on an idle link, and the end of a link whose peer does not answer.

use super::super::options::Keepalive;
use crate::transport::Instant;

/// Keepalive of one link.
#[derive(Default)]
pub(super) struct Silence {
    /// When the last message was received, or the link was opened.
    heard: Instant,
    /// The time of the next check.
    look: Option<Instant>,
    /// When the unanswered ping was requested, and the deadline for its answer. Boxed, because it is rare.
    pinged: Option<Box<(Instant, Instant)>>,
}

/// What to do about an idle link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    /// Nothing.
    Fine,
    /// A ping.
    Ping,
    /// The link is half-open.
    Dead,
}

impl Silence {
    /// Starts keepalive. Without a policy, an idle link is never ended.
    pub(super) fn new(policy: Option<Keepalive>, now: Instant) -> Self {
        Self { heard: now, look: policy.map(|policy| now + policy.idle), pinged: None }
    }

    /// Records that a message was received.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Returns when the last message was received.
    pub(super) fn last_heard(&self) -> Instant {
        self.heard
    }

    /// Returns whether a check is due: a read must be tried before [`pulse`](Self::pulse) is called.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.look.is_some_and(|at| now >= at) || self.pinged.as_deref().is_some_and(|(_, until)| now >= *until)
    }

    /// Checks the link according to its policy. `idle` says that a read was just tried and returned nothing.
    pub(super) fn pulse(&mut self, policy: Option<Keepalive>, now: Instant, idle: bool) -> Pulse {
        let Some(policy) = policy else { return Pulse::Fine };
        if let Some((sent, until)) = self.pinged.as_deref().copied().filter(|(_, until)| now >= *until) {
            if self.heard >= sent {
                self.pinged = None;
                self.look = Some(self.heard + policy.idle);
            } else if idle {
                return Pulse::Dead;
            } else {
                // Nothing was read, so it is not known whether the link is idle.
                self.pinged = Some(Box::new((sent, now + (until - sent))));
            }
        }
        if self.look.is_some_and(|at| now >= at) {
            let due = self.heard + policy.idle;
            if now >= due && idle {
                self.look = None;
                // The timeout begins now, not when the ping is written, because on a dead link the write before it never
                // completes.
                self.pinged = Some(Box::new((now, now + policy.grace)));
                return Pulse::Ping;
            }
            self.look = Some(if now < due { due } else { now + policy.grace });
        }
        Pulse::Fine
    }

    /// Returns the time of the next check.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::earliest([self.look, self.pinged.as_deref().map(|(_, until)| *until)])
    }
}
