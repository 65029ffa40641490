//! What consecutive events of a content part repeat.

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
struct Common {
    /// Their text, from the comma in front of the first. At most [`MOST`] bytes.
    text: Vec<u8>,
    places: Places,
}

/// Where in such a text the ids are, and what the numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) response_id: Span,
    pub(crate) item_id: Span,
    pub(crate) output_index: u32,
    pub(crate) content_index: u32,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Enough for the members of any event that is decoded by hand.
const MOST: usize = 160;

impl PartCache {
    /// Creates a cache that keeps something, unlike the default.
    pub(crate) fn on() -> Self {
        Self { is_on: true, last: None }
    }

    /// If the text begins with the members of the latest event: where they are in it, and what follows them.
    #[inline]
    pub(crate) fn strip<'a>(&self, text: &'a [u8]) -> Option<(Places, &'a [u8])> {
        let last = self.last.as_deref()?;
        let rest = text.strip_prefix(&*last.text)?;
        // The last of them is a number.
        (!rest.first()?.is_ascii_digit()).then_some((last.places, rest))
    }

    /// Replaces what is kept, of a cache that is [on](Self::is_on).
    pub(crate) fn set(&mut self, text: &[u8], places: Places) {
        if text.len() <= MOST {
            let last = &mut **self.last.get_or_insert_default();
            last.text.clear();
            last.text.extend_from_slice(text);
            last.places = places;
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether the members of an event are kept.
    #[cfg(test)]
    pub(crate) fn is_set(&self) -> bool {
        self.last.is_some()
    }
}
