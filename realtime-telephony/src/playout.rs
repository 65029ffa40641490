//! Playback positions at a carrier, by the clock and by returned marks.

use std::{collections::VecDeque, time::Duration};

use realtime_core::{Id, transport::Instant};

/// A content part of an item: audio of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Part {
    /// Id of the item.
    pub item_id: Id,
    /// Index of the content part.
    pub content_index: u32,
}

impl Part {
    /// Names a part of an item.
    pub fn new(item_id: &str, content_index: u32) -> Self {
        Self { item_id: Id::new(item_id), content_index }
    }
}

/// Number of parts whose positions are remembered.
const MOST_PARTS: usize = 64;
/// Maximum number of outstanding marks. Beyond it, the oldest is dropped.
const MOST_MARKS: usize = 4_096;

/// Assumes that the carrier plays in order and in real time. A message and a clear take equally long to arrive, so the
/// times at which they are sent determine what was played before the clear.
#[derive(Debug, Default)]
pub(crate) struct Playout {
    /// When everything sent will have been played.
    end: Instant,
    parts: VecDeque<Played>,
    marks: VecDeque<Sent>,
}

#[derive(Debug)]
struct Played {
    part: Part,
    /// Start and duration of each stretch, without cleared audio.
    stretches: Vec<(Instant, Duration)>,
    sent: Duration,
    /// Position confirmed by a mark.
    proved: Duration,
}

#[derive(Debug)]
struct Sent {
    name: String,
    /// When everything sent before it will have been played.
    end: Instant,
    /// When a clear was sent after it, if one was.
    cleared: Option<Instant>,
    position: Option<(Part, Duration)>,
}

impl Playout {
    /// When everything sent will have been played.
    pub(crate) fn end(&self) -> Instant {
        self.end
    }

    pub(crate) fn sent(&mut self, part: &Part, length: Duration, now: Instant) {
        let start = self.end.max(now);
        self.end = start + length;
        let at = match self.parts.iter().rposition(|played| played.part == *part) {
            Some(at) => at,
            None => {
                if self.parts.len() == MOST_PARTS {
                    self.parts.pop_front();
                }
                let played =
                    Played { part: part.clone(), stretches: Vec::new(), sent: Duration::ZERO, proved: Duration::ZERO };
                self.parts.push_back(played);
                self.parts.len() - 1
            }
        };
        let Some(played) = self.parts.get_mut(at) else { return };
        played.sent += length;
        match played.stretches.last_mut() {
            Some((begun, before)) if *begun + *before == start => *before += length,
            _ => played.stretches.push((start, length)),
        }
    }

    pub(crate) fn mark(&mut self, name: &str) {
        if self.marks.len() == MOST_MARKS {
            self.marks.pop_front();
        }
        let position = self.parts.back().map(|played| (played.part.clone(), played.sent));
        self.marks.push_back(Sent { name: name.into(), end: self.end, cleared: None, position });
    }

    /// Drops what has not been played by now.
    pub(crate) fn clear(&mut self, now: Instant) {
        self.end = self.end.min(now);
        for (start, length) in self.parts.iter_mut().flat_map(|played| &mut played.stretches) {
            *length = (*length).min(now - *start);
        }
        for mark in self.marks.iter_mut().filter(|mark| mark.cleared.is_none()) {
            mark.cleared = Some(now);
        }
    }

    /// Records a returned mark. Returns whether what was sent before it was played, and the part and position of the mark.
    pub(crate) fn returned(&mut self, name: &str) -> Option<(bool, Option<(Part, Duration)>)> {
        let at = self.marks.iter().position(|mark| mark.name == name)?;
        // Marks return in order: earlier ones that a clear dropped will not return.
        let mut before = self.marks.drain(..=at);
        let mark = before.next_back()?;
        let waiting: Vec<_> = before.filter(|mark| mark.cleared.is_none()).collect();
        waiting.into_iter().rev().for_each(|mark| self.marks.push_front(mark));
        let played = mark.cleared.is_none_or(|cleared| mark.end <= cleared);
        if let Some((part, position)) = mark.position.as_ref().filter(|_| played)
            && let Some(known) = self.parts.iter_mut().find(|known| known.part == *part)
        {
            known.proved = known.proved.max(*position);
        }
        Some((played, mark.position))
    }

    /// Duration of a part that was played.
    pub(crate) fn heard(&self, part: &Part, now: Instant) -> Option<Duration> {
        self.parts.iter().rfind(|played| played.part == *part).map(|played| played.heard(now))
    }

    /// Duration of a part that was sent.
    pub(crate) fn sent_of(&self, part: &Part) -> Option<Duration> {
        self.parts.iter().rfind(|played| played.part == *part).map(|played| played.sent)
    }

    /// The part that plays or played last, and the position in it.
    pub(crate) fn position(&self, now: Instant) -> Option<(Part, Duration)> {
        let begun = |played: &&Played| played.stretches.iter().any(|(start, length)| *start < now && !length.is_zero());
        self.parts.iter().rfind(begun).map(|played| (played.part.clone(), played.heard(now)))
    }

    /// Whether a clear would drop anything.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        self.end <= now
    }
}

impl Played {
    fn heard(&self, now: Instant) -> Duration {
        let by_clock: Duration = self.stretches.iter().map(|(start, length)| (*length).min(now - *start)).sum();
        by_clock.max(self.proved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_mark_that_a_clear_sends_back_is_not_proof_of_playing() {
        let (mut playout, part) = (Playout::default(), Part::new("item", 0));
        for name in ["200", "400", "600"] {
            playout.sent(&part, ms(200), at(100));
            playout.mark(name);
        }
        assert!(playout.returned("200").unwrap().0);
        // Sent at 500, when 400 ms have been played: the echo of the second mark is under way.
        playout.clear(at(500));
        assert_eq!(playout.returned("400").unwrap(), (true, Some((part.clone(), ms(400)))));
        assert!(!playout.returned("600").unwrap().0);
        assert_eq!((playout.heard(&part, at(9_999)), playout.returned("600")), (Some(ms(400)), None));
        // A clear only concerns what was sent before it.
        playout.sent(&part, ms(50), at(600));
        playout.mark("650");
        assert_eq!((playout.returned("650").unwrap().0, playout.heard(&part, at(620))), (true, Some(ms(650))));
    }

    #[test]
    fn gaps_are_not_played_and_marks_that_never_come_back_are_not_waited_for() {
        let (mut playout, one, two) = (Playout::default(), Part::new("one", 0), Part::new("two", 1));
        playout.sent(&one, ms(100), at(0));
        playout.sent(&two, ms(100), at(0));
        playout.mark("a");
        assert_eq!(playout.position(at(150)), Some((two.clone(), ms(50))));
        playout.clear(at(150));
        playout.sent(&two, ms(100), at(1_000));
        playout.mark("b");
        assert_eq!(playout.heard(&two, at(1_020)), Some(ms(70)));
        assert_eq!((playout.heard(&one, at(1_020)), playout.sent_of(&two)), (Some(ms(100)), Some(ms(200))));
        // For carriers that do not return cleared marks: the next returned mark reveals it.
        assert!(playout.returned("b").unwrap().0);
        assert_eq!(playout.returned("a"), None);
        assert!(playout.is_idle(at(1_100)) && !playout.is_idle(at(1_099)));
    }

    #[test]
    fn marks_of_one_name_come_back_one_after_the_other() {
        let (mut playout, part) = (Playout::default(), Part::new("item", 0));
        playout.sent(&part, ms(10), at(0));
        playout.mark("x");
        playout.sent(&part, ms(10), at(0));
        playout.mark("x");
        playout.clear(at(15));
        assert_eq!(playout.returned("x").map(|(played, _)| played), Some(true));
        assert_eq!(playout.returned("x").map(|(played, _)| played), Some(false));
    }
}
