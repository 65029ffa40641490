//! The choice of the next target: the connection's own, or one to fall back to. A table, and nothing else.
//!
//! Targets are numbered in order of preference: 0 is the connection's own, `n` the policy's fallback `n - 1`. After a failure,
//! the one that can be attempted soonest is next, and of several the one named first:
//!
//! | target | earliest attempt |
//! |---|---|
//! | has not failed | at once |
//! | has failed `n` times | after the backoff of attempt `n` |
//! | has asked for a time (`Retry-After`) | no earlier |
//! | has failed in a way that another attempt cannot cure | never |
//! | does not serve the reason | never |
//! | comes after the one whose open link was lost | never: that one is tried first |
//!
//! A session that lived refills the budget: all targets count as not failed then, but a time that was asked for is kept.

use std::time::Duration;

use super::super::{fallback::FailoverReason, retry::Reconnect};
use crate::transport::Instant;

/// The targets of a connection, and what is known of each.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    of: Box<[Standing]>,
    current: usize,
    /// The session because of which all targets counted as not failed in a handover.
    refilled: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    failures: u32,
    /// Whether another attempt cannot succeed.
    out: bool,
    /// Before this, the server does not want another attempt.
    not_before: Option<Instant>,
}

/// A failure of the target in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pub(super) reason: Option<FailoverReason>,
    /// Whether another attempt at the same target may succeed.
    pub(super) retryable: bool,
    /// The wait that the server asks for.
    pub(super) retry_after: Option<Duration>,
    /// Whether the session was open.
    pub(super) was_open: bool,
    /// Whether the same target may be attempted again at all.
    pub(super) stays: bool,
}

/// The next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) target: usize,
    pub(super) after: Duration,
}

impl Targets {
    pub(super) fn new(count: usize) -> Self {
        Self { of: vec![Standing::default(); count.max(1)].into(), current: 0, refilled: None }
    }

    /// The number of the target in use.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    pub(super) fn use_target(&mut self, target: usize) {
        self.current = target.min(self.of.len() - 1);
    }

    /// Whether there is more than one.
    pub(super) fn are_several(&self) -> bool {
        self.of.len() > 1
    }

    /// A session has lived.
    pub(super) fn refill(&mut self) {
        for standing in &mut self.of {
            (standing.failures, standing.out) = (0, false);
        }
    }

    /// A session has lived, and is about to be replaced. What fails from now on counts until it is.
    pub(super) fn refill_once(&mut self, session: u32) {
        if self.refilled.replace(session) != Some(session) {
            self.refill();
        }
    }

    /// What has failed at the target in use is not attempted there any more: something else is.
    pub(super) fn forgive(&mut self) {
        self.of[self.current].out = false;
    }

    /// A target has failed that is not in use.
    pub(super) fn failed(&mut self, target: usize, retryable: bool) {
        if let Some(standing) = self.of.get_mut(target) {
            standing.failures = standing.failures.saturating_add(1);
            standing.out |= !retryable;
        }
    }

    /// The target in use has failed. The next attempt, if the policy allows one, whatever their number so far.
    pub(super) fn next(&mut self, policy: &Reconnect, failure: Failure, jitter: f64, now: Instant) -> Option<Choice> {
        self.failed(self.current, failure.retryable);
        if let Some(asked) = failure.retry_after {
            self.of[self.current].not_before = Some(now + asked);
        }
        let stays_up = failure.was_open && failure.reason == Some(FailoverReason::Unavailable);
        let serves = |target: usize| {
            if target == self.current {
                return failure.stays;
            }
            let accepts = |reason| target.checked_sub(1).is_none_or(|at| policy.fallbacks()[at].accepts(reason));
            (target < self.current || !stays_up) && failure.reason.is_some_and(accepts)
        };
        let choices = (0..self.of.len()).filter(|target| serves(*target)).filter_map(|target| {
            let Standing { failures, out, not_before } = self.of[target];
            let asked = not_before.map(|at| at - now).filter(|asked| !asked.is_zero());
            let after = policy.wait(failures, asked, jitter).filter(|_| !out)?;
            Some(Choice { target, after })
        });
        // Of equal ones, the first.
        choices.min_by_key(|choice| choice.after)
    }

    /// The target for a planned change: the first one that has nothing against it, and otherwise the one in use.
    pub(super) fn preferred(&self, now: Instant) -> usize {
        let is_fine = |standing: &Standing| {
            standing.failures == 0 && !standing.out && standing.not_before.is_none_or(|at| at <= now)
        };
        self.of[..self.current].iter().position(is_fine).unwrap_or(self.current)
    }
}

#[cfg(test)]
mod tests {
    use FailoverReason::{Quota, RateLimited, Unauthorized, Unavailable};

    use super::*;
    use crate::connection::fallback::Fallback;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    /// Three targets: the second serves everything, the third what is said.
    fn table(third: &[FailoverReason]) -> (Reconnect, Targets) {
        let policy = Reconnect::default().fallback(Fallback::new()).fallback(Fallback::new().on(third.to_vec()));
        (policy, Targets::new(3))
    }

    fn attempt(reason: FailoverReason) -> Failure {
        let retryable = matches!(reason, RateLimited | Unavailable);
        Failure { reason: Some(reason), retryable, retry_after: None, was_open: false, stays: true }
    }

    /// Fails with each of these in turn, and gives where to go and after how long.
    fn walk(policy: &Reconnect, targets: &mut Targets, failures: &[Failure]) -> Vec<Option<(usize, u64)>> {
        let step = |failure: &Failure| {
            let choice = targets.next(policy, *failure, 1.0, at(0))?;
            targets.use_target(choice.target);
            Some((choice.target, choice.after.as_millis() as u64))
        };
        failures.iter().map(step).collect()
    }

    #[test]
    fn without_fallbacks_it_is_the_backoff_and_what_the_server_asks_for() {
        let policy = Reconnect::default();
        let mut targets = Targets::new(1);
        let again = [attempt(Unavailable); 3];
        assert_eq!(walk(&policy, &mut targets, &again), [Some((0, 500)), Some((0, 1000)), Some((0, 2000))]);
        let asked = |seconds| Failure { retry_after: Some(Duration::from_secs(seconds)), ..attempt(RateLimited) };
        assert_eq!(walk(&policy, &mut Targets::new(1), &[asked(7)]), [Some((0, 7500))]);
        assert_eq!(walk(&policy, &mut Targets::new(1), &[asked(61)]), [None]);
        assert_eq!(walk(&policy, &mut Targets::new(1), &[attempt(Quota)]), [None]);
        let stays = Failure { stays: false, ..attempt(Unavailable) };
        assert_eq!(walk(&policy, &mut Targets::new(1), &[stays]), [None]);
    }

    #[test]
    fn targets_are_tried_in_order_each_at_once_before_any_is_tried_twice() {
        let (policy, mut targets) = table(&[Unavailable]);
        let found = walk(&policy, &mut targets, &[attempt(Unavailable); 7]);
        let expected = [(1, 0), (2, 0), (0, 500), (1, 500), (2, 500), (0, 1000), (1, 1000)];
        assert_eq!(found, expected.map(Some));
    }

    #[test]
    fn the_reason_decides_which_targets_serve() {
        for (third, reason, expected) in [
            (&[Quota][..], Quota, [Some((1, 0)), Some((2, 0)), None]),
            (&[Unauthorized], Quota, [Some((1, 0)), None, None]),
            // The second does not serve it, and the third fails for good.
            (&[Unauthorized], Unauthorized, [Some((2, 0)), None, None]),
            (&[], Unavailable, [Some((1, 0)), Some((0, 500)), Some((1, 500))]),
        ] {
            let (policy, mut targets) = table(third);
            let mut found = Vec::new();
            for _ in 0..3 {
                found.extend(walk(&policy, &mut targets, &[attempt(reason)]));
                if found.last() == Some(&None) {
                    break;
                }
            }
            found.resize(3, None);
            assert_eq!(found, expected, "{third:?} {reason:?}");
        }
    }

    #[test]
    fn a_lost_link_is_sought_where_it_was_or_at_a_better_target_and_never_at_a_worse_one() {
        let (policy, mut targets) = table(&[Unavailable]);
        let lost = Failure { was_open: true, ..attempt(Unavailable) };
        assert_eq!(walk(&policy, &mut targets, &[lost]), [Some((0, 500))]);
        // That fails, and the second answers, but is lost as well.
        assert_eq!(walk(&policy, &mut targets, &[attempt(Unavailable), lost]), [Some((1, 0)), Some((1, 500))]);
        // It has lived for long: the first is tried again.
        targets.refill();
        assert_eq!(walk(&policy, &mut targets, &[lost]), [Some((0, 0))]);
        // A limit is another matter.
        let limited = Failure { was_open: true, ..attempt(RateLimited) };
        assert_eq!(walk(&policy, &mut Targets::new(3), &[limited]), [Some((1, 0))]);
    }

    #[test]
    fn a_time_that_was_asked_for_outlives_the_budget() {
        let (policy, mut targets) = table(&[]);
        let limited = Failure { retry_after: Some(Duration::from_secs(40)), ..attempt(RateLimited) };
        assert_eq!(walk(&policy, &mut targets, &[limited]), [Some((1, 0))]);
        assert_eq!(targets.preferred(at(100)), 1, "it has failed");
        targets.refill();
        assert_eq!((targets.preferred(at(39)), targets.preferred(at(40))), (1, 0));
        let lost = Failure { was_open: true, ..attempt(Unavailable) };
        let mut early = targets.clone();
        let choice = early.next(&policy, lost, 1.0, at(30)).unwrap();
        assert_eq!(choice, Choice { target: 1, after: ms(500) }, "the second is ready before the first may be asked");
        let choice = targets.next(&policy, lost, 1.0, at(40)).unwrap();
        assert_eq!(choice, Choice { target: 0, after: ms(0) });
    }

    #[test]
    fn a_target_that_failed_beside_the_one_in_use_is_not_preferred() {
        let (_, mut targets) = table(&[]);
        targets.use_target(1);
        assert_eq!(targets.preferred(at(0)), 0);
        targets.failed(0, true);
        assert_eq!(targets.preferred(at(0)), 1);
        targets.failed(9, true);
        // The session that has lived pardons it once, and so does the next.
        for session in 1..3 {
            targets.refill_once(session);
            assert_eq!(targets.preferred(at(0)), 0);
            targets.failed(0, false);
            targets.refill_once(session);
            assert_eq!(targets.preferred(at(0)), 1);
        }
    }
}
