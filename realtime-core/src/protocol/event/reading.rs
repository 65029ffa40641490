use serde_json::value::RawValue;

use super::part_cache::PartCache;
use crate::wire::{Crowd, Notes, Omission};

/// How a message had to be read, beyond the resulting event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Whether the event arrived under an older name. Some servers send an event under both of its names.
    pub older_name: bool,
    /// Members that did not fit and were left out: the first sixteen.
    pub left_out: Vec<Omission>,
    /// Memory in bytes that the event needs beyond the length of its message, where that may be many times more;
    /// otherwise 0.
    pub weight: usize,
    /// What is kept from one message to the next.
    pub(crate) part: PartCache,
}

impl Reading {
    /// Makes it like a new one, except for what is kept from one message to the next.
    pub(crate) fn clear(&mut self) {
        (self.older_name, self.weight) = (false, 0);
        if !self.left_out.is_empty() {
            self.left_out = Vec::new();
        }
    }

    /// Whether a message can be read strictly. Notes what it may need if it is crowded with values.
    pub(crate) fn has_room(&mut self, text: &str) -> bool {
        match Crowd::of(text.as_bytes()) {
            Crowd::Usual => {}
            Crowd::Small(weight) => self.weight = weight,
            Crowd::Large => return false,
        }
        true
    }

    /// Notes that the message was no JSON, and what was done about it.
    pub(crate) fn mended(&mut self) {
        self.left_out.push(Omission {
            path: "".into(),
            reason: "NaN, an infinity or a bare control character, which JSON does not have".into(),
        });
    }

    /// Reads a message member by member. On failure, returns the name of the required member that is missing, if that
    /// is the reason.
    pub(crate) fn leniently<T>(
        &mut self,
        text: &str,
        read: impl FnOnce(&RawValue, &mut Notes) -> Option<T>,
    ) -> Result<T, Option<&'static str>> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| None)?;
        let mut notes = Notes::new(text.len());
        let event = read(raw, &mut notes).ok_or(notes.missing())?;
        self.weight = notes.taken();
        self.left_out = notes.finish();
        Ok(event)
    }
}
