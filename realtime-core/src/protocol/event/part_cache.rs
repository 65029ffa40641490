//! What consecutive events of a content part repeat.

use crate::wire::Id;

/// The members that the events of a content part have in common, kept from one message to the next: comparing their text
/// takes a fraction of the time of parsing it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartCache {
    /// Whether anything is kept.
    is_on: bool,
    /// Allocated on the first such event.
    last: Option<Box<Common>>,
}

/// These members of the latest of these events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Common {
    /// Their text, from the comma in front of the first. At most [`MOST`] bytes.
    text: Vec<u8>,
    pub(crate) response_id: Id,
    pub(crate) item_id: Id,
    pub(crate) output_index: u32,
    pub(crate) content_index: u32,
}

/// Enough for the members of any event that is decoded by hand.
const MOST: usize = 160;

impl PartCache {
    /// Creates a cache that keeps something, unlike the default.
    pub(crate) fn on() -> Self {
        Self { is_on: true, last: None }
    }

    /// What follows the members, if the text begins with those of the latest event.
    #[inline]
    pub(crate) fn strip<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let rest = text.strip_prefix(&*self.last.as_ref()?.text)?;
        // The last of them is a number.
        (!rest.first()?.is_ascii_digit()).then_some(rest)
    }

    /// The members of the latest event.
    #[inline]
    pub(crate) fn last(&self) -> Option<&Common> {
        self.last.as_deref()
    }

    /// Replaces what is kept, of a cache that is [on](Self::is_on).
    pub(crate) fn set(&mut self, text: &[u8], response_id: Id, item_id: Id, output_index: u32, content_index: u32) {
        if text.len() <= MOST {
            let last = &mut **self.last.get_or_insert_default();
            last.text.clear();
            last.text.extend_from_slice(text);
            (last.response_id, last.item_id) = (response_id, item_id);
            (last.output_index, last.content_index) = (output_index, content_index);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }
}
