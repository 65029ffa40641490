//! Usage of Live sessions.

use serde_json::Value;

use super::tally::add;
use crate::{live::types::SessionUsage, wire::Json};

/// Total usage of Live sessions.
///
/// The voice is billed by the second, and each of its reports is cumulative: the last one is the total of its session. The
/// Responses backend and the decision model report tokens, for each response and decision. Their numbers are added member by
/// member, whatever they are called: at most 256, of which further ones are left out.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LiveTotals {
    /// Seconds of the voice, silence included.
    pub seconds: f64,
    /// Seconds in which inference ran. Zero unless reported.
    pub active_seconds: f64,
    /// Seconds in which inference was paused. Zero unless reported.
    pub paused_seconds: f64,
    /// Usage of the Responses backend. Null until a response reports any.
    pub backend: Value,
    /// Usage of the decision model. Null until a decision reports any.
    pub decisions: Value,
}

impl LiveTotals {
    /// Adds the usage of a session's voice since its report before, or all of it if there was none.
    pub fn add_voice(&mut self, before: Option<&SessionUsage>, now: &SessionUsage) {
        let since = |read: fn(&SessionUsage) -> Option<f64>| {
            read(now).unwrap_or_default() - before.and_then(read).unwrap_or_default()
        };
        self.seconds += since(|usage| usage.seconds.map(|seconds| seconds.get()));
        self.active_seconds += since(|usage| usage.active_seconds.map(|seconds| seconds.get()));
        self.paused_seconds += since(|usage| usage.paused_seconds.map(|seconds| seconds.get()));
    }

    /// Adds the usage of a response of the backend. Each response must be added once.
    pub fn add_response(&mut self, usage: &Json) {
        add(&mut self.backend, &usage.to_value());
    }

    /// Adds the usage of a decision. Each decision must be added once.
    pub fn add_decision(&mut self, usage: &Json) {
        add(&mut self.decisions, &usage.to_value());
    }

    /// Adds the totals of another session.
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.active_seconds += other.active_seconds;
        self.paused_seconds += other.paused_seconds;
        add(&mut self.backend, &other.backend);
        add(&mut self.decisions, &other.decisions);
    }
}
