use serde_json::value::RawValue;

use crate::wire::{Notes, Omission};

/// How a message had to be read, beside the event that it became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Whether it came by an older name. Some servers send an event by both its names.
    pub older_name: bool,
    /// What did not fit and was left out, the first sixteen of it.
    pub left_out: Vec<Omission>,
    /// Bytes that the event takes beside the length of its message, where that may be many times more; else 0.
    pub weight: usize,
}

impl Reading {
    /// Reads a message member by member. If the event cannot be placed: the name of the member that it would need, if
    /// that is why.
    pub(crate) fn leniently<T>(
        &mut self,
        text: &[u8],
        read: impl FnOnce(&RawValue, &mut Notes) -> Option<T>,
    ) -> Result<T, Option<&'static str>> {
        let raw: &RawValue = serde_json::from_slice(text).map_err(|_| None)?;
        let mut notes = Notes::new(text.len());
        let event = read(raw, &mut notes).ok_or(notes.missing())?;
        self.weight = notes.taken();
        self.left_out = notes.finish();
        Ok(event)
    }
}
