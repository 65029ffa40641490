//! Transcript fragments of both sides of a conversation, each with its own times.

use std::collections::{HashSet, VecDeque};

use realtime_core::Id;

use crate::Segment;

/// The speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Side {
    /// The user.
    Input,
    /// The model.
    Output,
}

/// Silence that ends a segment.
const PAUSE_MS: u64 = 500;
/// Duration after which a segment ends at the next word.
const LONG_MS: u64 = 7_000;
/// Number of recent event ids remembered, to ignore repeated events.
const MOST_KNOWN: usize = 4_096;

/// One side's segments. They do not overlap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) groups: Vec<Group>,
    known: HashSet<Id>,
    order: VecDeque<Id>,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) text: String,
}

impl Groups {
    /// Records the event, and returns whether it was seen before. An event without an id never was.
    pub(crate) fn is_known(&mut self, event_id: &Id) -> bool {
        if event_id.is_empty() {
            return false;
        }
        if !self.known.insert(event_id.clone()) {
            return true;
        }
        self.order.push_back(event_id.clone());
        if self.order.len() > MOST_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }

    pub(crate) fn add(&mut self, text: &str, start_ms: u64, end_ms: u64) {
        let end_ms = end_ms.max(start_ms);
        let Some(last) = self.groups.last_mut() else {
            return self.groups.push(Group { start_ms, end_ms, text: text.into() });
        };
        let word = text.starts_with(char::is_whitespace) || last.text.ends_with(char::is_whitespace);
        let is_long = end_ms.saturating_sub(last.start_ms) > LONG_MS && word;
        // A fragment without duration, or within the previous segment, cannot be a segment of its own.
        let follows = start_ms >= last.end_ms && end_ms > start_ms && last.end_ms > last.start_ms;
        if follows && (start_ms - last.end_ms >= PAUSE_MS || is_long) {
            self.groups.push(Group { start_ms, end_ms, text: text.into() });
        } else {
            last.text.push_str(text);
            last.end_ms = last.end_ms.max(end_ms);
        }
    }
}

impl Group {
    pub(crate) fn segment(&self) -> Segment {
        Segment::new(self.start_ms, self.end_ms, self.text.trim())
    }
}
