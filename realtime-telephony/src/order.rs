//! Restores the order of media chunks.

use std::collections::{BTreeMap, VecDeque};

use crate::Media;

/// Maximum number of chunks that wait for a missing one. Beyond it, the missing chunk counts as lost.
pub const MOST_HELD: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Number of the next chunk.
    next: Option<u64>,
    held: BTreeMap<u64, Media>,
    ready: VecDeque<Media>,
    late: u64,
}

impl Order {
    pub(crate) fn push(&mut self, media: Media) {
        let Some(chunk) = media.chunk else { return self.ready.push_back(media) };
        // Carriers count from 1, but a stream joined later can begin with any number.
        let next = *self.next.get_or_insert(if chunk <= MOST_HELD as u64 { chunk.min(1) } else { chunk });
        if chunk < next {
            // Too late, or a duplicate.
            self.late += 1;
            return;
        }
        if self.held.insert(chunk, media).is_some() {
            self.late += 1;
        }
        self.release();
        if self.held.len() > MOST_HELD {
            self.skip();
        }
    }

    /// Gives up the missing chunks before the first one that waits.
    fn skip(&mut self) {
        self.next = self.held.first_key_value().map(|(chunk, _)| *chunk).or(self.next);
        self.release();
    }

    fn release(&mut self) {
        while let Some(next) = self.next
            && let Some(media) = self.held.remove(&next)
        {
            self.ready.push_back(media);
            self.next = Some(next.saturating_add(1));
        }
    }

    /// The stream has ended: releases the waiting chunks, whatever is missing.
    pub(crate) fn finish(&mut self) {
        while !self.held.is_empty() {
            self.skip();
        }
    }

    pub(crate) fn next(&mut self) -> Option<Media> {
        self.ready.pop_front()
    }

    /// Number of chunks that were too late or duplicates.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(chunks: &[Option<u64>]) -> (Vec<Option<u64>>, u64) {
        let mut order = Order::default();
        for chunk in chunks {
            order.push(Media { track: None, chunk: *chunk, timestamp_ms: None, audio: vec![0].into() });
        }
        order.finish();
        (std::iter::from_fn(|| order.next()).map(|media| media.chunk).collect(), order.late())
    }

    fn numbers(chunks: &[u64]) -> (Vec<u64>, u64) {
        let chunks: Vec<_> = chunks.iter().copied().map(Some).collect();
        let (ordered, late) = order(&chunks);
        (ordered.into_iter().flatten().collect(), late)
    }

    #[test]
    fn pieces_come_out_by_their_numbers() {
        assert_eq!(numbers(&[1, 2, 4, 3, 5]), (vec![1, 2, 3, 4, 5], 0));
        assert_eq!(numbers(&[2, 1, 3]), (vec![1, 2, 3], 0));
        assert_eq!(numbers(&[4, 3, 2, 1]), (vec![1, 2, 3, 4], 0));
        assert_eq!(numbers(&[700, 702, 701]), (vec![700, 701, 702], 0));
        assert_eq!(numbers(&[0, 1, 2]), (vec![0, 1, 2], 0));
        // A lost chunk delays the others for a while, and the end releases them.
        assert_eq!(numbers(&[1, 3, 4]), (vec![1, 3, 4], 0));
        let without_two: Vec<u64> = (1..40).filter(|chunk| *chunk != 2).collect();
        assert_eq!(numbers(&without_two), (without_two.clone(), 0));
        // Duplicates are dropped, and late chunks are counted.
        assert_eq!(numbers(&[1, 2, 2, 3, 1]), (vec![1, 2, 3], 2));
        assert_eq!(order(&[None, Some(1), None]), (vec![None, Some(1), None], 0));
        assert_eq!(numbers(&[u64::MAX, u64::MAX - 1]), (vec![u64::MAX], 1));
    }
}
