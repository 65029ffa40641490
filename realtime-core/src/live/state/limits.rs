//! What is kept of a session that says without end. Lists keep the latest.

use std::collections::VecDeque;

/// Ids of events that are remembered, so that none counts twice, and ids of ours that an error may name.
pub(super) const MOST_IDS: usize = 8192;

/// Turns of the conversation.
pub(super) const MOST_TURNS: usize = 8192;

/// Bytes of one turn's text, and of one text of a backend response.
pub(super) const MOST_TEXT: usize = 1 << 20;

/// Bytes of each transcript: its end is kept.
pub(super) const MOST_TRANSCRIPT: usize = 4 << 20;

/// Clips, appended contexts, delegations, responses, calls, decisions, decision items, requests.
pub(super) const MOST_ENTRIES: usize = 4096;

/// Bytes of a call's arguments. A longer call is not a call.
pub(super) const MOST_ARGUMENTS: usize = 4 << 20;

/// Calls, and tasks of the voice, that handlers work on at one time, and the bytes of the calls' arguments. Others are
/// refused.
pub(super) const MOST_OPEN: usize = 1024;
pub(super) const MOST_OPEN_ARGUMENTS: usize = 32 << 20;

/// Bytes of one report of token usage.
pub(super) const MOST_USAGE: usize = 16 << 10;

/// Texts of one backend response.
pub(super) const MOST_PARTS: usize = 1024;

/// Messages and bytes of text that a replacement session begins with. The service takes 128 messages and 8,192 tokens, and a
/// token of English has four bytes: half of that leaves room for languages that take more.
pub(in crate::live) const MOST_HISTORY: usize = 128;
pub(super) const MOST_HISTORY_BYTES: usize = 16 << 10;

/// Bytes of all turns' text, of all backend responses' texts, of all calls, of all decisions: beyond it the oldest leave. More
/// than [`MOST_OPEN_ARGUMENTS`], so that no call leaves while a function works on it.
pub(super) const MOST_KEPT: usize = 64 << 20;

/// Holes in the output audio.
pub(super) const MOST_GAPS: usize = 4096;

/// Keys of a telephone.
pub(super) const MOST_KEYS: usize = 4096;

/// Bytes of an id that is kept. The protocol's longest have 512.
pub(super) const MOST_ID: usize = 1024;

/// A list of the latest, whose entries keep their numbers when older ones leave.
#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    entries: VecDeque<T>,
    left: u64,
    most: usize,
    /// The bytes of an entry's content, and of all of them.
    size: fn(&T) -> usize,
    bytes: usize,
}

impl<T> Log<T> {
    /// A list of at most so many entries, which are small.
    pub(super) fn new(most: usize) -> Self {
        Self::sized(most, |_| 0)
    }

    /// A list of at most so many entries, and [`MOST_KEPT`] bytes of their content.
    pub(super) fn sized(most: usize, size: fn(&T) -> usize) -> Self {
        Self { entries: VecDeque::new(), left: 0, most, size, bytes: 0 }
    }

    /// Adds an entry, and gives its number.
    pub(super) fn push(&mut self, entry: T) -> u64 {
        if self.entries.len() >= self.most {
            self.pop();
        }
        let size = (self.size)(&entry);
        self.entries.push_back(entry);
        self.resized(0, size);
        self.left + self.entries.len() as u64 - 1
    }

    /// The content of an entry has become larger or smaller.
    pub(super) fn resized(&mut self, before: usize, after: usize) {
        self.bytes = (self.bytes + after).saturating_sub(before);
        // The latest stays: it is bounded by itself.
        while self.bytes > MOST_KEPT && self.entries.len() > 1 {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes = self.bytes.saturating_sub((self.size)(&oldest));
            self.left += 1;
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.entries.get_mut(usize::try_from(number.checked_sub(self.left)?).ok()?)
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.entries.get(usize::try_from(number.checked_sub(self.left)?).ok()?)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator + Clone {
        self.entries.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.entries.iter_mut()
    }

    /// The entries with their numbers, the oldest first.
    pub(super) fn numbered(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.entries.iter().enumerate().map(|(at, entry)| (self.left + at as u64, entry))
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.entries.retain(keep);
        self.bytes = self.entries.iter().map(self.size).sum();
    }
}

/// Adds to a text of which only the beginning is kept.
pub(super) fn append_first(text: &mut String, new: &str) {
    let room = MOST_TEXT.saturating_sub(text.len());
    text.push_str(&new[..new.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_numbers_when_older_ones_leave() {
        let mut log = Log::new(2);
        let numbers: Vec<_> = ["a", "b", "c"].into_iter().map(|entry| log.push(entry)).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!((log.get(0), log.get(1), log.get(2), log.get(3)), (None, Some(&"b"), Some(&"c"), None));
        assert_eq!(log.numbered().collect::<Vec<_>>(), [(1, &"b"), (2, &"c")]);
    }

    #[test]
    fn the_oldest_leave_when_all_are_too_large_together() {
        let half = MOST_KEPT / 2;
        let mut log = Log::sized(9, |size: &usize| *size);
        for size in [half, half - 1, 1] {
            log.push(size);
        }
        assert_eq!(log.iter().count(), 3);
        *log.get_mut(2).unwrap() = half;
        log.resized(1, half);
        assert_eq!(log.numbered().collect::<Vec<_>>(), [(1, &(half - 1)), (2, &half)]);
        // One that is too large by itself stays until there is another.
        log.push(2 * MOST_KEPT);
        assert_eq!(log.numbered().collect::<Vec<_>>(), [(3, &(2 * MOST_KEPT))]);
        log.push(7);
        assert_eq!((log.numbered().collect::<Vec<_>>(), log.bytes), (vec![(4, &7)], 7));
    }

    #[test]
    fn a_long_text_keeps_its_beginning() {
        let mut text = "é".repeat(MOST_TEXT / 2 - 1) + "x";
        append_first(&mut text, "éé");
        append_first(&mut text, "z");
        assert_eq!(text.len(), MOST_TEXT);
        assert!(text.ends_with("xz"));
    }
}
