//! The model's audio from arrival to playback: what is queued, handed out, and heard. Pure: time is an argument, and
//! there are no locks.

use std::{collections::VecDeque, time::Duration};

use super::{Chunk, Output, starts::Starts};
use crate::{
    protocol::{
        state::limits::{MOST_PARTS, MOST_QUEUED},
        types::AudioFormat,
    },
    realtime::event::ResponseOutputAudioDelta,
    transport::Instant,
    wire::{Audio, Id},
};

/// The parts to be heard, in playing order.
#[derive(Debug)]
pub(crate) struct Track {
    /// Whether audio is queued until it is handed out.
    queues: bool,
    parts: VecDeque<Part>,
    source: Source,
    /// When the clock was last read.
    then: Instant,
    /// Whether audio was handed out since the last flush.
    handed_out: bool,
    /// Whether the player must discard what was handed out before it receives more.
    flush: bool,
    starts: Starts,
}

/// Source of the heard position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The clock, if the application reports nothing.
    Clock,
    /// The application, sample by sample.
    Samples,
    /// The application occasionally, and the clock in between, limited to what was handed out if known.
    Marks,
}

/// The audio of a content part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) item_id: Id,
    pub(super) content_index: u32,
    pub(super) response_id: Id,
    pub(super) format: AudioFormat,
    /// Bytes received.
    pub(super) received: u64,
    /// Bytes heard. At most [`Part::audible`].
    pub(super) heard: u64,
    /// Whether the part was received completely.
    pub(super) whole: bool,
    queue: VecDeque<Audio>,
    /// Bytes queued.
    queued: usize,
}

impl Track {
    pub(super) fn new(queues: bool) -> Self {
        Self {
            queues,
            parts: VecDeque::new(),
            source: Source::Clock,
            then: Instant::default(),
            handed_out: false,
            flush: false,
            starts: Starts::default(),
        }
    }

    /// When playback of each response began.
    pub(in super::super) fn starts(&self) -> &Starts {
        &self.starts
    }

    pub(in super::super) fn starts_mut(&mut self) -> &mut Starts {
        &mut self.starts
    }

    /// Appends audio. Returns whether it starts a new part.
    pub(super) fn add(
        &mut self,
        delta: &ResponseOutputAudioDelta,
        format: impl FnOnce() -> AudioFormat,
        asked: Option<Instant>,
        now: Instant,
    ) -> bool {
        self.tick(now);
        let queued: usize = self.parts.iter().map(|part| part.queued).sum();
        if queued + delta.delta.len() > MOST_QUEUED {
            return false;
        }
        let at = self.parts.iter().rposition(|part| part.is(&delta.item_id, delta.content_index));
        if at.is_none() {
            if self.parts.len() >= MOST_PARTS {
                return false;
            }
            if self.parts.is_empty() {
                self.then = now;
            }
            self.starts.prepare(&delta.response_id, asked);
            self.parts.push_back(Part {
                item_id: delta.item_id.clone(),
                content_index: delta.content_index,
                response_id: delta.response_id.clone(),
                format: format(),
                received: 0,
                heard: 0,
                whole: false,
                queue: VecDeque::new(),
                queued: 0,
            });
        }
        let part = match at {
            Some(at) => self.parts.get_mut(at),
            None => self.parts.back_mut(),
        };
        if let Some(part) = part {
            part.received += delta.delta.len() as u64;
            if self.queues {
                part.queue.push_back(delta.delta.clone());
                part.queued += delta.delta.len();
            }
        }
        at.is_none()
    }

    /// Advances the heard position by the clock.
    pub(super) fn tick(&mut self, now: Instant) {
        let then = std::mem::replace(&mut self.then, now);
        let all = now - then;
        let mut time = all;
        if !self.follows_clock() {
            return;
        }
        for part in &mut self.parts {
            let Some(rate) = part.bytes_per_second() else { break };
            let left = part.audible() - part.heard;
            let can = bytes_in(time, rate);
            part.hear(can.min(left), then + (all - time), &mut self.starts);
            if can < left || !part.is_all_out() {
                break;
            }
            time = time.saturating_sub(time_of(left, rate));
        }
        self.drop_heard();
    }

    /// Whether all received audio was heard.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        let mut time = now - self.then;
        self.parts.iter().all(|part| {
            let Some(rate) = part.bytes_per_second() else { return false };
            let left = part.audible() - part.heard;
            let is_over = part.is_all_out() && self.follows_clock() && bytes_in(time, rate) >= left;
            time = time.saturating_sub(time_of(left, rate));
            is_over
        })
    }

    fn follows_clock(&self) -> bool {
        match self.source {
            Source::Clock => true,
            Source::Samples => false,
            // Audio played by the application itself is known from its marks only.
            Source::Marks => self.queues,
        }
    }

    /// Marks parts as received completely.
    pub(super) fn finish(&mut self, ends: impl Fn(&Part) -> bool, now: Instant) {
        self.tick(now);
        self.parts.iter_mut().filter(|part| ends(part)).for_each(|part| part.whole = true);
        self.drop_heard();
    }

    /// The link was lost: audio already received continues to play, and no more arrives. Returns the parts.
    pub(super) fn break_off(&mut self) -> Vec<(Id, u32)> {
        self.parts.iter_mut().for_each(|part| part.whole = true);
        self.parts.iter().map(|part| (part.item_id.clone(), part.content_index)).collect()
    }

    /// Removes the parts of an item. They are returned so that they can be dropped outside the lock.
    pub(super) fn remove(&mut self, item_id: &Id) -> VecDeque<Part> {
        let (removed, kept) = std::mem::take(&mut self.parts).into_iter().partition(|part| part.item_id == *item_id);
        self.parts = kept;
        removed
    }

    /// Removes everything not heard, and makes the player discard what it was handed.
    pub(super) fn cut_off(&mut self, now: Instant) -> VecDeque<Part> {
        self.tick(now);
        self.flush |= std::mem::take(&mut self.handed_out);
        std::mem::take(&mut self.parts)
    }

    /// The next instruction for the player.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Output> {
        if std::mem::take(&mut self.flush) {
            return Some(Output::Flush);
        }
        // Audio not handed out yet cannot have been heard.
        self.tick(now);
        let part = self.parts.iter_mut().find(|part| !part.queue.is_empty())?;
        let audio = part.queue.pop_front()?;
        part.queued -= audio.len();
        self.handed_out = true;
        let (item_id, content_index, format) = (part.item_id.clone(), part.content_index, part.format.clone());
        self.drop_heard();
        Some(Output::Chunk(Chunk { item_id, content_index, format, audio }))
    }

    /// Fills a buffer with audio, which counts as heard immediately. Returns the number of bytes. Never allocates.
    pub(crate) fn read(&mut self, buffer: &mut [u8], now: Instant) -> usize {
        // Audio read this way is played at once, so there is nothing to discard.
        self.flush = false;
        let mut rest = &mut *buffer;
        for part in &mut self.parts {
            while let Some(audio) = part.queue.front_mut()
                && !rest.is_empty()
            {
                let bytes = audio.len().min(rest.len());
                let (filled, empty) = rest.split_at_mut(bytes);
                filled.copy_from_slice(&audio[..bytes]);
                rest = empty;
                part.queued -= bytes;
                audio.advance(bytes);
                if audio.is_empty() {
                    part.queue.pop_front();
                }
            }
        }
        let left = rest.len();
        let filled = buffer.len() - left;
        self.advance(filled as u64, now);
        filled
    }

    /// Counts more samples as heard, in playing order.
    pub(crate) fn played(&mut self, samples: u64, now: Instant) {
        let sample = self.parts.front().and_then(|part| part.format.bytes_per_sample()).unwrap_or(1);
        self.advance(samples.saturating_mul(u64::from(sample)), now);
    }

    /// Counts more bytes as heard.
    fn advance(&mut self, mut bytes: u64, now: Instant) {
        self.source = Source::Samples;
        for part in &mut self.parts {
            let step = bytes.min(part.audible() - part.heard);
            part.hear(step, now, &mut self.starts);
            bytes -= step;
            if bytes == 0 {
                break;
            }
        }
        self.drop_heard();
    }

    /// Counts everything up to this position as heard.
    pub(crate) fn mark(&mut self, item_id: &str, content_index: u32, ms: u64, now: Instant) {
        self.tick(now);
        self.source = Source::Marks;
        let Some(at) = self.parts.iter().position(|part| part.is(item_id, content_index)) else { return };
        for (index, part) in self.parts.iter_mut().enumerate().take(at + 1) {
            let left = part.audible() - part.heard;
            if index < at {
                part.hear(left, now, &mut self.starts);
            } else if let Some(bytes) = part.format.ms_to_bytes(ms) {
                let bytes = bytes.min(part.audible());
                // A position may go back.
                let since = now.since_origin().saturating_sub(Duration::from_millis(ms));
                part.hear(bytes.saturating_sub(part.heard), Instant::from_origin(since), &mut self.starts);
                part.heard = bytes;
            }
        }
        self.drop_heard();
    }

    /// The part being played, and how much of it was heard in milliseconds.
    pub(crate) fn position(&mut self, now: Instant) -> Option<(Id, u32, u64)> {
        self.tick(now);
        let part = self.parts.iter().find(|part| part.heard < part.received || !part.whole)?;
        Some((part.item_id.clone(), part.content_index, part.ms(part.heard)))
    }

    /// Duration of audio received and not heard, in milliseconds.
    pub(crate) fn unheard_ms(&mut self, now: Instant) -> u64 {
        self.tick(now);
        self.parts.iter().map(|part| part.ms(part.received - part.heard)).sum()
    }

    /// Removes parts that were heard completely.
    fn drop_heard(&mut self) {
        while self.parts.front().is_some_and(|part| part.is_all_out() && part.heard == part.received) {
            self.parts.pop_front();
        }
    }
}

impl Part {
    fn is(&self, item_id: &str, content_index: u32) -> bool {
        self.content_index == content_index && self.item_id == *item_id
    }

    /// Counts more bytes as heard. The first of them began to play at this time.
    fn hear(&mut self, bytes: u64, since: Instant, starts: &mut Starts) {
        if self.heard == 0 && bytes > 0 {
            starts.begin(&self.response_id, since);
        }
        self.heard += bytes;
    }

    /// Bytes that can have been heard: if audio is queued, those that were handed out.
    fn audible(&self) -> u64 {
        self.received - self.queued as u64
    }

    /// Whether neither the queue nor the server has more of it.
    fn is_all_out(&self) -> bool {
        self.whole && self.queue.is_empty()
    }

    fn bytes_per_second(&self) -> Option<u64> {
        self.format.bytes_per_second().filter(|rate| *rate > 0)
    }

    /// Duration of this many bytes, in milliseconds.
    pub(super) fn ms(&self, bytes: u64) -> u64 {
        self.format.bytes_to_ms(bytes).unwrap_or_default()
    }
}

/// Bytes played in a time. Exact for whole milliseconds.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn time_of(bytes: u64, rate: u64) -> Duration {
    let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::default() + Duration::from_millis(ms)
    }

    fn delta(item: &str, ms: usize) -> ResponseOutputAudioDelta {
        ResponseOutputAudioDelta::new("resp", item, 0, 0, vec![1; ms * 48])
    }

    fn track(queues: bool, items: &[(&str, usize)]) -> Track {
        let mut track = Track::new(queues);
        for (item, ms) in items {
            track.add(&delta(item, *ms), AudioFormat::default, None, at(0));
            track.finish(|part| part.item_id == **item, at(0));
        }
        track
    }

    #[test]
    fn a_read_crosses_chunks_and_items_and_leaves_the_rest_of_the_buffer() {
        let mut track = track(true, &[("a", 10), ("a", 10), ("b", 10)]);
        let mut buffer = [7; 25 * 48];
        assert_eq!(track.read(&mut buffer, at(0)), 25 * 48);
        assert_eq!((track.unheard_ms(at(0)), track.parts.len()), (5, 1), "the first item is heard to its end");
        assert_eq!(track.read(&mut buffer[..0], at(0)), 0);
        buffer.fill(7);
        assert_eq!(track.read(&mut buffer, at(0)), 5 * 48);
        assert_eq!((buffer[5 * 48 - 1], buffer[5 * 48]), (1, 7));
        assert_eq!((track.read(&mut buffer, at(0)), track.parts.len()), (0, 0));
    }

    #[test]
    fn silence_is_computed_from_the_clock_and_changes_nothing() {
        let track = track(false, &[("a", 100), ("b", 50)]);
        assert!(!track.is_silent(at(149)));
        assert!(track.is_silent(at(150)));
        assert_eq!((track.parts.len(), track.then), (2, at(0)));
    }

    #[test]
    fn queued_audio_is_never_silent_and_samples_stop_the_clock() {
        assert!(!track(true, &[("a", 10)]).is_silent(at(1_000)));
        let mut track = track(false, &[("a", 10)]);
        track.played(24, at(0));
        assert!(!track.is_silent(at(1_000)), "the application reports what it plays");
        track.played(24 * 9, at(0));
        assert!(track.is_silent(at(0)));
    }

    #[test]
    fn an_interruption_flushes_what_was_handed_out_once() {
        let mut track = track(true, &[("a", 10), ("b", 10)]);
        assert_eq!(track.cut_off(at(0)).len(), 2);
        assert_eq!(track.next(at(0)), None, "nothing was handed out");
        track.add(&delta("c", 10), AudioFormat::default, None, at(0));
        track.add(&delta("c", 10), AudioFormat::default, None, at(0));
        assert!(track.next(at(0)).and_then(Output::into_chunk).is_some());
        assert_eq!(track.cut_off(at(4)).iter().map(|part| part.ms(part.heard)).collect::<Vec<_>>(), [4]);
        assert_eq!((track.next(at(4)), track.next(at(4))), (Some(Output::Flush), None));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(u8, usize),
        Finish(u8),
        Remove(u8),
        BreakOff,
        CutOff,
        Next,
        Read(usize),
        Played(u64),
        Mark(u8, u64),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let item = 0_u8..4;
        prop_oneof![
            4 => (item.clone(), 0_usize..40).prop_map(|(item, ms)| Step::Add(item, ms)),
            1 => item.clone().prop_map(Step::Finish),
            1 => item.clone().prop_map(Step::Remove),
            1 => Just(Step::BreakOff),
            1 => Just(Step::CutOff),
            3 => Just(Step::Next),
            2 => (0_usize..3_000).prop_map(Step::Read),
            1 => (0_u64..1_000).prop_map(Step::Played),
            1 => (item, 0_u64..100).prop_map(|(item, ms)| Step::Mark(item, ms)),
            2 => (0_u64..50).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// In any order of operations: a part's queue and its count agree, only audio that was handed out is heard,
        /// every byte is handed out at most once, and no finished part stays at the front.
        #[test]
        fn nothing_is_heard_that_was_not_handed_out(queues: bool, steps in prop::collection::vec(step(), 0..60)) {
            let mut track = Track::new(queues);
            let (mut now, mut received, mut handed_out) = (0, 0, 0);
            let name = |item: u8| format!("item_{item}");
            for step in steps {
                match step {
                    Step::Add(item, ms) => {
                        track.add(&delta(&name(item), ms), AudioFormat::default, None, at(now));
                        received += ms * 48;
                    }
                    Step::Finish(item) => track.finish(|part| part.item_id == *name(item), at(now)),
                    Step::Remove(item) => drop(track.remove(&Id::new(&name(item)))),
                    Step::BreakOff => drop(track.break_off()),
                    Step::CutOff => drop(track.cut_off(at(now))),
                    Step::Next => {
                        let chunk = track.next(at(now)).and_then(Output::into_chunk);
                        handed_out += chunk.map_or(0, |chunk| chunk.audio.len());
                    }
                    Step::Read(bytes) => handed_out += track.read(&mut vec![0; bytes], at(now)),
                    Step::Played(samples) => track.played(samples, at(now)),
                    Step::Mark(item, ms) => track.mark(&name(item), 0, ms, at(now)),
                    Step::Wait(ms) => now += ms,
                }
                for part in &track.parts {
                    let queued: usize = part.queue.iter().map(|audio| audio.len()).sum();
                    prop_assert_eq!(part.queued, queued);
                    prop_assert!(queues || queued == 0);
                    prop_assert!(part.heard <= part.audible() && part.audible() <= part.received);
                }
                prop_assert!(handed_out <= received);
                let is_silent = track.is_silent(at(now));
                track.tick(at(now));
                prop_assert_eq!(is_silent, track.parts.is_empty(), "it agrees with what the clock leaves");
            }
        }
    }
}
