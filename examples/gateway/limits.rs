//! What one key may use.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use realtime::{
    event::{ErrorEvent, Event, ServerEvent},
    server::{Direction, Head, Injector, Tap, Verdict},
    types::ErrorBody,
};

const MINUTE: Duration = Duration::from_secs(60);

/// The limits of one key, and what it uses of them.
#[derive(Default)]
pub(crate) struct Limits {
    sessions: Option<u64>,
    tokens_per_minute: Option<u64>,
    open: AtomicU64,
    /// Tokens of the last minute.
    used: Mutex<VecDeque<(Instant, u64)>>,
}

/// One session of a key.
pub(crate) struct Permit(Arc<Limits>);

impl Limits {
    pub(crate) fn new(sessions: Option<u64>, tokens_per_minute: Option<u64>) -> Arc<Self> {
        Arc::new(Self { sessions, tokens_per_minute, ..Self::default() })
    }

    /// Begins a session, unless a limit is reached: then the reason.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Permit, &'static str> {
        if self.is_spent() {
            return Err("the tokens of this minute are used up");
        }
        let free = |open| self.sessions.is_none_or(|most| open < most).then_some(open + 1);
        match self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, free) {
            Ok(_) => Ok(Permit(self.clone())),
            Err(_) => Err("this key has as many sessions as it may have"),
        }
    }

    fn is_spent(&self) -> bool {
        let Some(most) = self.tokens_per_minute else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while used.front().is_some_and(|(at, _)| at.elapsed() > MINUTE) {
            used.pop_front();
        }
        used.iter().map(|(_, tokens)| tokens).sum::<u64>() >= most
    }

    fn spend(&self, tokens: u64) {
        if self.tokens_per_minute.is_some() {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.push_back((Instant::now(), tokens));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Refuses responses once the tokens of a minute are used up.
impl Tap for Permit {
    fn event(&mut self, direction: Direction, head: &Head<'_>, injector: &mut Injector) -> Verdict {
        match (direction, head.kind()) {
            (Direction::Up, "response.create") if self.0.is_spent() => {
                let mut error = ErrorBody::new("The tokens of this minute are used up.");
                error.kind = Some("rate_limit_error".into());
                error.code = Some("rate_limit_exceeded".into());
                error.event_id = head.event_id().map(Into::into);
                injector.inject(Direction::Down, ServerEvent::from(ErrorEvent::new(error)).encode());
                Verdict::Drop
            }
            (Direction::Down, "response.done") => {
                if let ServerEvent::ResponseDone(done) = head.decode() {
                    let usage = done.response.usage.as_ref().or(done.usage.as_ref());
                    self.0.spend(usage.and_then(|usage| usage.total_tokens).unwrap_or_default());
                }
                Verdict::Pass
            }
            _ => Verdict::Pass,
        }
    }
}
