use std::{fmt, sync::Arc, time::Duration};

use super::fallback::Fallback;
use crate::{endpoint::Extras, error::Error};

/// Reconnection policy: whether, how often and with which backoff a lost link is replaced.
///
/// Off unless it is given to [`ClientBuilder::reconnect`](crate::ClientBuilder::reconnect) or
/// [`Connect::reconnect`](crate::Connect::reconnect). A first attempt without a link is never repeated: its error is
/// returned. After that, every failure is retried that another connection can cure: a broken or half-open link, and
/// the close codes 1001, 1005, 1006 and 1011 to 1014, whether or not the session was open by then; also 1000, if something
/// was unanswered. A refusal because of the request, the credential or the account is never retried. See
/// [`Error::is_retryable`]. With [fallbacks](Self::fallback), the conversation goes on elsewhere if that serves the reason.
///
/// If the server names a time (`Retry-After`), the next attempt is made no earlier, up to
/// [`max_retry_after`](Self::max_retry_after).
///
/// While there is no link, events are queued. On the new link the conversation is restored first, then the queue is
/// written. No event that was sent is sent again.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use realtime_core::connection::{Decision, Reconnect};
///
/// let policy = Reconnect::default()
///     .max_attempts(10)
///     .initial_backoff(Duration::from_millis(200))
///     .max_backoff(Duration::from_secs(5))
///     .observe(|attempt| {
///         eprintln!("attempt {} in {:?}: {}", attempt.number, attempt.after, attempt.reason);
///         Decision::Go
///     });
/// # drop(policy);
/// ```
#[derive(Clone)]
#[non_exhaustive]
#[doc(alias("retry", "backoff", "resume"))]
pub struct Reconnect {
    /// Attempts in a row before the connection is given up. Default: 5. The budget is refilled only after a session has been
    /// open for [`reset_after`](Self::reset_after), so a server that fails right after accepting exhausts it too.
    pub max_attempts: u32,
    /// Backoff before the first attempt. It doubles with each further one. Default: 500 ms.
    pub initial_backoff: Duration,
    /// Longest backoff. Default: 8 s.
    pub max_backoff: Duration,
    /// Time for which a session must have been open to refill the budget of attempts. Default: 60 s.
    pub reset_after: Duration,
    /// Longest wait that the server may ask for. If it asks for more, the connection ends with its refusal. Default: 60 s.
    pub max_retry_after: Duration,
    /// Whether the conversation is restored on the new link. Default: on.
    pub restore: bool,
    /// Whether a response that was in progress is requested again: one that was requested, and the server's own to the end
    /// of the user's turn. Default: off, because the model may have answered.
    pub repeat_response: bool,
    /// Time before the announced end of a session at which a handover to another one begins, once nobody speaks and no
    /// response is in progress. Default: 2 minutes. With none, the server ends the session.
    pub handover: Option<Duration>,
    fallbacks: Vec<Fallback>,
    observer: Option<Observer>,
}

type Observer = Arc<dyn Fn(&Attempt<'_>) -> Decision + Send + Sync>;

/// An attempt to reconnect that is about to be made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Number of the attempt, from 1. It is 0 for a handover: the present link still works.
    pub number: u32,
    /// Backoff before it.
    pub after: Duration,
    /// Why the link was lost, or is to be replaced.
    pub reason: &'a Error,
    /// Index of the [fallback](Reconnect::fallback) that is attempted. `None` is the connection's own place.
    pub fallback: Option<usize>,
}

/// Decision about an attempt to reconnect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Make it.
    Go,
    /// Make it with these query parameters and headers, in addition to those of the connection.
    With(Extras),
    /// Do not make it: the connection ends with the reason for which the link was lost. In a handover the present link is
    /// kept until the server ends it.
    Abort,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(8),
            reset_after: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(60),
            restore: true,
            repeat_response: false,
            handover: Some(Duration::from_secs(120)),
            fallbacks: Vec::new(),
            observer: None,
        }
    }
}

setters! {
    Reconnect:
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    reset_after: Duration,
    max_retry_after: Duration,
    restore: bool,
    repeat_response: bool,
    handover: impl Into<Option<Duration>>,
}

impl Reconnect {
    /// Adds another place for the conversation, after those added before.
    ///
    /// If the place in use fails for a reason that another one [serves](Fallback::on), that is attempted: at once if it has not
    /// failed, otherwise after its own backoff or `Retry-After`, and of several the one that can be attempted soonest. An
    /// attempt counts against [`max_attempts`](Self::max_attempts) wherever it is made. The same holds for the first connection,
    /// and for a response that fails because the account has no quota left or a rate limit is reached: the session is then
    /// given up, and the response is [cut short](super::Reconnected::cut_short), or requested again if
    /// [`repeat_response`](Self::repeat_response) is set.
    ///
    /// A link that is lost is first sought where it was. The conversation returns to an earlier place if a link is lost, or a
    /// session is about to end, after the session has been open for [`reset_after`](Self::reset_after) and the time that the
    /// server of the earlier place has named is over.
    ///
    /// What the [dialect](crate::dialect::Dialect) of the other endpoint cannot express is left out and reported as
    /// [`unsupported`](super::Reconnected::unsupported). A session that was joined, such as a call, exists in one place only:
    /// fallbacks are not used for it.
    #[must_use]
    #[doc(alias("failover"))]
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallbacks.push(fallback);
        self
    }

    pub(crate) fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// Sets a function that is called before every attempt, after its backoff. It may add to the query and the headers, or
    /// abort.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Attempt<'_>) -> Decision + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Returns the backoff before attempt number `attempt`, counted from 1. None: it is not made.
    ///
    /// The backoff doubles from attempt to attempt up to [`max_backoff`](Self::max_backoff). `jitter`, a number from 0 to 1,
    /// shortens it by up to a quarter, so that many clients do not come back at once. If the server has asked for a longer
    /// wait, that is taken, plus up to [`initial_backoff`](Self::initial_backoff). `unix` is the time since the Unix epoch,
    /// for a date that the server may have named.
    pub fn next(&self, attempt: u32, reason: &Error, jitter: f64, unix: Option<Duration>) -> Option<Duration> {
        if !reason.is_retryable() {
            return None;
        }
        self.backoff(attempt, jitter)?;
        self.wait(attempt, reason.retry_after(unix), jitter)
    }

    /// The wait before an attempt at a place that has failed so often, and whose server asks for so long a wait. None: it is
    /// not made.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
        let ours = if failures == 0 { Duration::ZERO } else { self.backoff(failures, jitter)? };
        match asked {
            Some(asked) if asked > self.max_retry_after => None,
            Some(asked) if asked > ours => {
                Some(asked.saturating_add(self.initial_backoff.mul_f64(jitter.clamp(0.0, 1.0))))
            }
            _ => Some(ours),
        }
    }

    /// The backoff before an attempt for which the server names no time, whatever the reason.
    pub(crate) fn backoff(&self, attempt: u32, jitter: f64) -> Option<Duration> {
        if attempt == 0 || attempt > self.max_attempts {
            return None;
        }
        let doubled = self.initial_backoff.saturating_mul(2_u32.saturating_pow(attempt - 1));
        Some(doubled.min(self.max_backoff).mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0)))
    }

    pub(crate) fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        self.observer.as_ref().map_or(Decision::Go, |observer| observer(attempt))
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("max_attempts", &self.max_attempts)
            .field("initial_backoff", &self.initial_backoff)
            .field("max_backoff", &self.max_backoff)
            .field("reset_after", &self.reset_after)
            .field("max_retry_after", &self.max_retry_after)
            .field("restore", &self.restore)
            .field("handover", &self.handover)
            .field("fallbacks", &self.fallbacks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::{
        error::{Deadline, ErrorKind},
        transport::{CloseFrame, TransportError, TransportErrorKind},
    };

    fn error(kind: ErrorKind) -> Error {
        kind.into()
    }

    #[test]
    fn waits_double_up_to_the_most() {
        let policy = Reconnect::default();
        let reason = error(ErrorKind::Closed(None));
        let waits: Vec<_> = (0..=7).map(|attempt| policy.next(attempt, &reason, 1.0, None)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [None, ms(500), ms(1000), ms(2000), ms(4000), ms(8000), None, None]);
        assert_eq!(policy.next(1, &reason, 0.0, None), ms(375));
        assert_eq!(policy.next(3, &reason, 0.5, None), ms(1750));
        assert_eq!(policy.clone().max_attempts(40).next(40, &reason, 1.0, None), ms(8000));
        assert_eq!(policy.max_attempts(0).next(1, &reason, 1.0, None), None);
    }

    #[test]
    fn the_server_is_given_the_time_that_it_asks_for() {
        let policy = Reconnect::default();
        let refused = |status: u16, name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let status = StatusCode::from_u16(status).unwrap();
            error(ErrorKind::Transport(TransportError::rejected(status, headers, "".into())))
        };
        let unix = Some(Duration::from_secs(1_795_600_800));
        let date = "Wed, 25 Nov 2026 10:00:30 GMT";
        for (status, name, value, jitter, unix, wait) in [
            (429, "retry-after", "7", 0.0, None, Some(7_000)),
            (503, "retry-after", "7", 1.0, None, Some(7_500)),
            (503, "retry-after-ms", "2500", 0.0, None, Some(2_500)),
            (503, "retry-after", date, 0.0, unix, Some(30_000)),
            // Without a wall clock, or for less than is waited anyway, the policy's own wait stands.
            (503, "retry-after", date, 1.0, None, Some(500)),
            (503, "retry-after", "0", 1.0, None, Some(500)),
            (503, "retry-after", "soon", 1.0, None, Some(500)),
            (503, "retry-after", "60", 0.0, None, Some(60_000)),
            (503, "retry-after", "61", 0.0, None, None),
            (401, "retry-after", "7", 0.0, None, None),
            (429, "x-should-retry", "false", 1.0, None, None),
            (409, "x-should-retry", "true", 1.0, None, Some(500)),
        ] {
            let next = policy.next(1, &refused(status, name, value), jitter, unix);
            assert_eq!(next, wait.map(Duration::from_millis), "{status} {name}: {value}");
        }
        let patient = policy.max_retry_after(Duration::MAX);
        let next = patient.next(1, &refused(503, "retry-after", "3600"), 0.0, None);
        assert_eq!(next, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn only_what_can_be_mended_is_tried_again() {
        let transport = |kind| error(ErrorKind::Transport(TransportError::new(kind, "x")));
        let rejected = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            error(ErrorKind::Transport(TransportError::rejected(status, HeaderMap::new(), "".into())))
        };
        let closed = |code| error(ErrorKind::Closed(Some(CloseFrame::new(code, ""))));
        for (reason, again) in [
            (error(ErrorKind::Closed(None)), true),
            (closed(1001), true),
            (closed(1005), true),
            (closed(1006), true),
            (closed(1011), true),
            (closed(1012), true),
            (closed(1013), true),
            (closed(1014), true),
            // It is an error only where something was unanswered.
            (closed(1000), true),
            (closed(1002), false),
            (closed(1008), false),
            (closed(3000), false),
            (closed(4000), false),
            (error(ErrorKind::Timeout(Deadline::Keepalive)), true),
            (error(ErrorKind::Timeout(Deadline::Connect)), true),
            (transport(TransportErrorKind::Io), true),
            (transport(TransportErrorKind::Connect), true),
            (transport(TransportErrorKind::Timeout), true),
            (transport(TransportErrorKind::Tls), false),
            (transport(TransportErrorKind::Protocol), false),
            (transport(TransportErrorKind::Proxy), false),
            (transport(TransportErrorKind::TooLarge), false),
            (rejected(401), false),
            (rejected(403), false),
            (rejected(404), false),
            (rejected(429), true),
            (rejected(500), true),
            (rejected(503), true),
            (Error::refused(None, None), false),
            (error(ErrorKind::Panicked), false),
            (error(ErrorKind::Invalid("x".into())), false),
        ] {
            assert_eq!(Reconnect::default().next(1, &reason, 0.5, None).is_some(), again, "{reason:?}");
        }
    }
}
