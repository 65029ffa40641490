//! Turns, grouped from the fragments of both transcripts.
//!
//! The server ends no turn: fragments have their places on the timeline, come late, overlap, and a listener's "mhm" is no
//! turn of its own. This is the projection that the official clients make for display: fragments settle for 50 ms, a
//! turn ends when the other one speaks long enough after it or when the model falls silent, and a short acknowledgement
//! within the user's turn is held back until it is clear whether it was more than that.

use super::{
    limits::{Log, MOST_TURNS, append_first},
    turn::{Fragment, Grouping, LiveTurn, Speaker, TurnEnd},
    words::{ACKNOWLEDGEMENTS, is_word, normalised},
};
use crate::wire::Id;

/// How long fragments of both transcripts wait for each other, in milliseconds.
const SETTLING_MS: f64 = 50.0;

/// A turn that is not over.
#[derive(Clone, Debug)]
struct Open {
    id: Id,
    speaker: Speaker,
    text: String,
    start: f64,
    end: f64,
    droppable: bool,
    /// Its number among the turns that were shown.
    shown: Option<u64>,
}

impl Open {
    fn new(fragment: Fragment) -> Self {
        let Fragment { id, speaker, text, start, end } = fragment;
        Self { id, speaker, text, start: start as f64, end: end as f64, droppable: true, shown: None }
    }

    fn append(&mut self, fragment: &Fragment) {
        append_first(&mut self.text, &fragment.text);
        self.end = self.end.max(fragment.end as f64);
    }
}

/// Groups fragments. Times of arrival are in milliseconds of the client's clock.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    options: Grouping,
    acknowledgements: Vec<String>,
    turns: Log<LiveTurn>,
    open: Option<Open>,
    /// What the model says while the user's turn is open, and may be nothing but an acknowledgement.
    held: Option<Open>,
    last_start: Option<f64>,
    last_assistant_end: Option<f64>,
    /// A point of the timeline, and when it was reached.
    anchor: Option<(f64, f64)>,
    /// Fragments that settle, and when the first of them and the last came.
    settling: Option<(Vec<Fragment>, f64, f64)>,
    timer: Option<f64>,
    over: bool,
}

impl Turns {
    pub(super) fn new(options: Grouping) -> Self {
        let extra = options.acknowledgements.iter().map(|text| normalised(text)).filter(|text| !text.is_empty());
        let acknowledgements = ACKNOWLEDGEMENTS.iter().map(|&text| text.to_owned()).chain(extra).collect();
        Self {
            options,
            acknowledgements,
            turns: Log::sized(MOST_TURNS, |turn| turn.text.len()),
            open: None,
            held: None,
            last_start: None,
            last_assistant_end: None,
            anchor: None,
            settling: None,
            timer: None,
            over: false,
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &LiveTurn> + ExactSizeIterator {
        self.turns.iter()
    }

    pub(super) fn grouping(&self) -> &Grouping {
        &self.options
    }

    /// When time alone changes something, by the client's clock.
    pub(super) fn deadline(&self) -> Option<f64> {
        self.timer
    }

    /// Fires every timer that is due, each at its own time.
    pub(super) fn elapse(&mut self, now: f64) {
        while let Some(due) = self.timer.filter(|due| *due <= now) {
            let before = (self.settling.is_some(), self.held.is_some(), self.open.is_some());
            self.commit_settling(due);
            self.advance(self.source_now(due), false);
            let idle = before == (false, self.held.is_some(), self.open.is_some());
            self.set_timer(due);
            // A firing does what it is due for. Were that lost in rounding, the clock would still have to move on.
            if idle {
                self.timer = self.timer.map(|next| next.max(due + 1.0));
            }
        }
    }

    /// Takes a fragment. Empty text changes nothing.
    pub(super) fn arrive(&mut self, fragment: Fragment, now: f64) {
        self.elapse(now);
        if self.over || fragment.text.is_empty() {
            return;
        }
        if let Some((batch, _, last)) = &mut self.settling
            && batch.first().is_some_and(|first| first.start == fragment.start && first.end == fragment.end)
        {
            batch.push(fragment);
            *last = now;
            if batch.iter().any(|other| other.speaker != batch[0].speaker) {
                self.commit_settling(now);
            }
        } else {
            self.commit_settling(now);
            if self.open.as_ref().is_some_and(|open| open.speaker == fragment.speaker) {
                self.commit(vec![fragment], now, now);
            } else {
                self.settling = Some((vec![fragment], now, now));
            }
        }
        self.set_timer(now);
    }

    /// Ends all turns. Nothing is taken any more.
    pub(super) fn close(&mut self, end: TurnEnd, now: f64) {
        self.elapse(now);
        if self.over {
            return;
        }
        self.commit_settling(now);
        self.close_all(end, now);
        self.over = true;
        self.timer = None;
    }

    fn source_now(&self, now: f64) -> f64 {
        self.anchor.map_or(0.0, |(source, arrival)| source + (now - arrival))
    }

    fn set_timer(&mut self, now: f64) {
        self.timer = match (&self.settling, self.due()) {
            (Some((_, first, _)), _) => Some(first + SETTLING_MS),
            (None, Some(due)) => Some(now + (due - self.source_now(now)).ceil().max(0.0)),
            (None, None) => None,
        };
    }

    fn commit_settling(&mut self, now: f64) {
        if let Some((batch, _, last)) = self.settling.take() {
            self.commit(batch, last, now);
        }
    }

    fn commit(&mut self, mut batch: Vec<Fragment>, arrival: f64, now: f64) {
        let Some(first) = batch.first().map(|first| first.start as f64) else { return };
        if self.last_start.is_some_and(|last| first < last) {
            self.close_all(TurnEnd::TimestampReset, now);
            self.last_assistant_end = None;
            self.anchor = None;
        }
        self.last_start = Some(first);
        let source = self.anchor.map_or(0.0, |(source, _)| source);
        self.anchor = Some((batch.iter().map(|fragment| fragment.end as f64).fold(source, f64::max), arrival));

        let leading = self.open.as_ref().map_or(Speaker::User, |open| open.speaker);
        batch.sort_by_key(|fragment| fragment.speaker != leading);
        let start = batch.first().map_or(first, |first| first.start as f64);
        while let Some(due) = self.due().filter(|due| *due < start) {
            self.advance(due, false);
        }
        if let Some(open) = &self.open
            && batch.iter().all(|fragment| fragment.speaker != open.speaker)
        {
            let user_comes = batch.iter().any(|fragment| fragment.speaker == Speaker::User);
            self.advance(start, user_comes);
        }
        for fragment in batch {
            self.take(fragment);
        }
    }

    fn take(&mut self, fragment: Fragment) {
        let Some(open) = &mut self.open else {
            self.open = Some(Open::new(fragment));
            return self.show();
        };
        if open.speaker == fragment.speaker {
            let joins = |letter: Option<char>| letter.is_some_and(is_word);
            if self.held.is_some() && joins(open.text.chars().next_back()) && joins(fragment.text.chars().next()) {
                append_first(&mut open.text, " ");
            }
            open.append(&fragment);
            return self.show();
        }
        if open.speaker == Speaker::Assistant {
            self.held = Some(Open::new(fragment));
            return self.promote();
        }
        if self.is_talked_over() {
            self.held = None;
        }
        let (start, end) = (fragment.start as f64, fragment.end as f64);
        let brief = end - self.held.as_ref().map_or(start, |held| held.start) < self.options.backchannel_max_ms;
        let whole = normalised(&self.held.iter().map(|held| &*held.text).chain([&*fragment.text]).collect::<String>());
        let open_end = self.open.as_ref().map_or(0.0, |open| open.end);
        if start - open_end < self.options.separation_ms {
            let is_prefix = self.acknowledgements.iter().any(|known| known.starts_with(&whole));
            self.hold(fragment, brief && !whole.is_empty() && is_prefix);
        } else if brief && self.acknowledgements.contains(&whole) {
            let droppable = self.held.is_some();
            self.hold(fragment, droppable);
        } else {
            self.settle_held(start);
            self.end_open(TurnEnd::SpeakerChange);
            self.open = Some(match self.held.take() {
                Some(mut held) => {
                    held.append(&fragment);
                    held
                }
                None => Open::new(fragment),
            });
            self.show();
        }
    }

    fn hold(&mut self, fragment: Fragment, droppable: bool) {
        let held = match self.held.take() {
            Some(mut held) => {
                held.append(&fragment);
                held
            }
            None => Open::new(fragment),
        };
        self.held = Some(Open { droppable, ..held });
    }

    fn is_short(&self, held: &Open) -> bool {
        let user = self.open.as_ref().is_some_and(|open| open.speaker == Speaker::User);
        user && held.end - held.start < self.options.backchannel_max_ms
    }

    fn is_talked_over(&self) -> bool {
        let (Some(open), Some(held)) = (&self.open, &self.held) else { return false };
        self.is_short(held) && held.droppable && open.end > held.end
    }

    fn replies_on(&self, open: &Open, held: &Open) -> bool {
        self.last_assistant_end.is_some_and(|end| held.start - end < self.options.isolation_ms)
            && held.start <= open.start
    }

    /// Whether only time can tell if the held turn is more than an acknowledgement.
    fn is_undecided(&self) -> bool {
        let (Some(open), Some(held)) = (&self.open, &self.held) else { return false };
        self.is_short(held) && held.droppable && !self.is_talked_over() && !self.replies_on(open, held)
    }

    /// Decides whether the held turn stays, as of a point of the timeline.
    fn settle_held(&mut self, at: f64) {
        let Some(held) = &self.held else { return };
        let drop = self.is_short(held)
            && (self.is_talked_over()
                || !self.open.as_ref().is_some_and(|open| self.replies_on(open, held))
                    && at >= held.end + self.options.isolation_ms
                    && held.droppable);
        if drop {
            self.held = None;
        }
    }

    fn promote(&mut self) {
        self.end_open(TurnEnd::SpeakerChange);
        self.open = self.held.take();
        self.show();
    }

    fn advance(&mut self, to: f64, user_comes: bool) {
        if let (Some(open), Some(held)) = (&self.open, &self.held)
            && to >= open.end + self.options.separation_ms
            && !(self.is_undecided() && to < held.end + self.options.isolation_ms)
        {
            self.settle_held(to);
            if self.held.is_some() {
                return self.promote();
            }
        }
        if let Some(open) = &self.open
            && open.speaker == Speaker::Assistant
            && !user_comes
            && to >= open.end + self.options.assistant_silence_ms
        {
            self.end_open(TurnEnd::Inactivity);
        }
    }

    /// The point of the timeline at which something changes by itself.
    fn due(&self) -> Option<f64> {
        let open = self.open.as_ref()?;
        if let Some(held) = &self.held {
            let due = open.end + self.options.separation_ms;
            return Some(if self.is_undecided() { due.max(held.end + self.options.isolation_ms) } else { due });
        }
        (open.speaker == Speaker::Assistant).then_some(open.end + self.options.assistant_silence_ms)
    }

    fn close_all(&mut self, end: TurnEnd, now: f64) {
        self.settle_held(self.source_now(now));
        self.end_open(end);
        if let Some(held) = self.held.take() {
            self.open = Some(held);
            self.show();
            self.end_open(end);
        }
    }

    /// Makes the open turn seen as it is now.
    fn show(&mut self) {
        let Some(open) = &mut self.open else { return };
        let number = open.shown.unwrap_or_else(|| {
            self.turns.push(LiveTurn {
                id: open.id.clone(),
                speaker: open.speaker,
                text: String::new(),
                // Its fragments have whole times that are not negative.
                start_ms: open.start as u64,
                end_ms: 0,
                ended: None,
            })
        });
        open.shown = Some(number);
        if let Some(turn) = self.turns.get_mut(number) {
            turn.end_ms = open.end as u64;
            // It only ever grows.
            let before = turn.text.len();
            turn.text.push_str(&open.text[before..]);
            self.turns.resized(before, open.text.len());
        }
    }

    fn end_open(&mut self, end: TurnEnd) {
        let Some(open) = self.open.take() else { return };
        if open.speaker == Speaker::Assistant {
            self.last_assistant_end = Some(open.end);
        }
        if let Some(turn) = open.shown.and_then(|number| self.turns.get_mut(number)) {
            turn.ended = Some(end);
        }
    }
}
