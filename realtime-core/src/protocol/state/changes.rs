//! What an event changes beyond the state.

use super::{Awaited, Measurement, ResponseTransition};
use crate::{
    protocol::event::{ErrorEvent, Reading},
    transport::Instant,
};

/// Effects of an event, or of the passage of time, beyond the state itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Changes<E> {
    /// Outcomes of requests, by request number.
    pub settled: Vec<(u64, Outcome<E>)>,
    /// Number of the request that the event is part of the answer to.
    pub part_of: Option<u64>,
    /// Responses that began or ended.
    pub turns: Vec<ResponseTransition>,
    /// Synthesized final events of responses that ended without one.
    pub ended: Vec<E>,
    /// How the event was read. Set before the state receives the event.
    pub reading: Reading,
    /// Whether the event repeats an earlier one, under its other name or after a session was rejoined. It then has no
    /// effect and is not delivered.
    pub repeated: bool,
    /// What was measured since the last event.
    pub measured: Vec<Measurement>,
}

impl<E> Default for Changes<E> {
    fn default() -> Self {
        Self {
            settled: Vec::new(),
            part_of: None,
            turns: Vec::new(),
            ended: Vec::new(),
            reading: Reading::default(),
            repeated: false,
            measured: Vec::new(),
        }
    }
}

impl<E> Changes<E> {
    /// Makes it like a new one. Its lists are nearly always empty, and looking at them takes less time than making and
    /// dropping them for each event.
    pub(crate) fn clear(&mut self) {
        let Self { settled, part_of, turns, ended, reading, repeated, measured } = self;
        (*part_of, *repeated) = (None, false);
        if !settled.is_empty() || !turns.is_empty() || !ended.is_empty() || !measured.is_empty() {
            (*settled, *turns, *ended, *measured) = Default::default();
        }
        reading.clear();
    }
}

/// Outcome of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome<E> {
    /// Granted by the current event.
    Granted,
    /// Finished without the event that normally answers it; this one is synthesized.
    Ended(E),
    /// Refused with this error.
    Refused(Awaited, Box<ErrorEvent>),
    /// Not answered in time.
    Overdue(Box<Overdue>),
}

impl<E> Outcome<E> {
    /// Whether the server granted (`true`) or refused (`false`) the request. `None` if it did neither.
    pub fn granted(&self) -> Option<bool> {
        match self {
            Self::Granted | Self::Ended(_) => Some(true),
            Self::Refused(..) => Some(false),
            Self::Overdue(_) => None,
        }
    }
}

/// An answer that did not arrive in time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overdue {
    /// The expected answer.
    pub awaited: Awaited,
    /// Since when it was expected.
    pub since: Instant,
    /// The last error that named no event, received meanwhile.
    pub error: Option<ErrorEvent>,
}

impl Overdue {
    /// Creates a description without an error.
    pub fn new(awaited: Awaited, since: Instant) -> Self {
        Self { awaited, since, error: None }
    }

    /// Sets the error that may be the cause.
    #[must_use]
    pub fn error(mut self, error: Option<ErrorEvent>) -> Self {
        self.error = error;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::Omission;

    #[test]
    fn what_is_cleared_is_like_new() {
        let shown = |changes: &Changes<()>| format!("{changes:?}");
        let new = shown(&Changes::default());
        let each: [fn(&mut Changes<()>); 9] = [
            |changes| changes.settled.push((1, Outcome::Granted)),
            |changes| changes.part_of = Some(1),
            |changes| {
                let (id, out_of_band, conversation_id) = ("r".into(), false, None);
                changes.turns.push(ResponseTransition::Began { id, out_of_band, conversation_id });
            },
            |changes| changes.ended.push(()),
            |changes| changes.reading.older_name = true,
            |changes| changes.reading.left_out.push(Omission { path: "a".into(), reason: "b".into() }),
            |changes| changes.reading.weight = 1,
            |changes| changes.repeated = true,
            |changes| changes.measured.push(Measurement::Tool(Duration::ZERO)),
        ];
        let mut changes = Changes::default();
        for change in each {
            change(&mut changes);
            assert_ne!(shown(&changes), new);
            changes.clear();
            assert_eq!(shown(&changes), new);
        }
    }
}
