//! The rules of keepalive: pings after silence, and the end of a link whose peer does not answer.

use super::super::options::Keepalive;
use crate::transport::Instant;

/// The silence of one link.
#[derive(Default)]
pub(super) struct Silence {
    /// The last sign of life, or the time at which the link came up.
    heard: Instant,
    /// The next time to look at the silence.
    look: Option<Instant>,
    /// The time at which the unanswered ping was asked for, and the deadline for its answer. Boxed, because it is rare.
    pinged: Option<Box<(Instant, Instant)>>,
}

/// What a silent link calls for.
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
    /// Listens from now on. Without a policy nothing is concluded from silence.
    pub(super) fn new(policy: Option<Keepalive>, now: Instant) -> Self {
        Self { heard: now, look: policy.map(|policy| now + policy.idle), pinged: None }
    }

    /// Notes a sign of life.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The last sign of life.
    pub(super) fn last_heard(&self) -> Instant {
        self.heard
    }

    /// Whether the silence is to be judged: a read must be tried before [`pulse`](Self::pulse) is called.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.look.is_some_and(|at| now >= at) || self.pinged.as_deref().is_some_and(|(_, until)| now >= *until)
    }

    /// Judges the silence by the policy that it was made with. `idle` says that a read was tried just now and found nothing.
    pub(super) fn pulse(&mut self, policy: Option<Keepalive>, now: Instant, idle: bool) -> Pulse {
        let Some(policy) = policy else { return Pulse::Fine };
        if let Some((sent, until)) = self.pinged.as_deref().copied().filter(|(_, until)| now >= *until) {
            if self.heard >= sent {
                self.pinged = None;
                self.look = Some(self.heard + policy.idle);
            } else if idle {
                return Pulse::Dead;
            } else {
                // Nobody read. Nothing is concluded from that.
                self.pinged = Some(Box::new((sent, now + (until - sent))));
            }
        }
        if self.look.is_some_and(|at| now >= at) {
            let due = self.heard + policy.idle;
            if now >= due && idle {
                self.look = None;
                // The grace begins now and not when the ping is written: on a dead link the write before it never ends.
                self.pinged = Some(Box::new((now, now + policy.grace)));
                return Pulse::Ping;
            }
            self.look = Some(if now < due { due } else { now + policy.grace });
        }
        Pulse::Fine
    }

    /// The next time at which something may be due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.look.into_iter().chain(self.pinged.as_deref().map(|(_, until)| *until)).min()
    }
}
