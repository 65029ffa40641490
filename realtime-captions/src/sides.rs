//! Pieces of text that bring their own times, of the two sides of a conversation.

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

/// A silence of this length ends a segment.
const PAUSE_MS: u64 = 500;
/// A segment of this length ends at the next word.
const LONG_MS: u64 = 7_000;
/// How many events are recognised when they are seen again.
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
    /// Whether the event was seen before; from now on it was. One without an id is always new.
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
        // A piece of no length cannot stand alone, nor can one that lies within what stands already.
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
