//! The grouping of transcripts into turns, against recorded cases and against a plain reference.

use std::{fs, path::Path, time::Duration};

use proptest::prelude::*;
use realtime_core::{
    event::Event,
    live::{
        Live, LiveState,
        event::{ServerEvent, SessionInputTranscriptDelta, SessionOutputTranscriptDelta},
        state::{ConnectionKind, Grouping},
    },
    session::{Changes, State},
    transport::Instant,
};
use serde_json::{Value, json};

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn receive(state: &mut LiveState, mut event: ServerEvent, ms: u64) {
    State::<Live>::received(state, &mut event, at(ms), &mut Changes::default());
}

fn turns(state: &LiveState) -> Vec<Value> {
    let turn = |turn: &realtime_core::live::state::LiveTurn| {
        json!({
            "speaker": turn.speaker.as_str(), "text": turn.text, "start_ms": turn.start_ms, "end_ms": turn.end_ms,
            "close_reason": turn.ended.map(|end| end.as_str()),
        })
    };
    state.turns().map(turn).collect()
}

fn grouping(options: &Value) -> Grouping {
    let mut grouping = Grouping::default();
    let set = |member: &str, to: &mut f64| *to = options[member].as_f64().unwrap_or(*to);
    set("sep", &mut grouping.separation_ms);
    set("silence", &mut grouping.assistant_silence_ms);
    set("bc_max", &mut grouping.backchannel_max_ms);
    set("bc_iso", &mut grouping.isolation_ms);
    grouping.acknowledgements =
        options["extra"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().into()).collect();
    grouping
}

#[test]
fn every_recorded_case_gives_its_turns() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/live-turns.jsonl");
    let mut seen = 0;
    for case in fs::read_to_string(file).unwrap().lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let mut state = LiveState::new(ConnectionKind::Primary, grouping(&case["options"]));
        for fragment in case["fragments"].as_array().unwrap() {
            let mut event = fragment.clone();
            let side = fragment["side"].as_str().unwrap();
            event["type"] = format!("session.{side}_transcript.delta").into();
            let event = ServerEvent::decode(event.to_string().as_bytes());
            receive(&mut state, event, fragment["at_ms"].as_u64().unwrap());
        }
        let end = case["end"]["at_ms"].as_u64().unwrap();
        match case["end"]["reason"].as_str().unwrap() {
            "manual" => state.ended(at(end)),
            _ => {
                let closed =
                    json!({"type": "session.closed", "reason": "expired", "session": {"id": "s"}, "usage": {}});
                receive(&mut state, ServerEvent::decode(closed.to_string().as_bytes()), end);
            }
        }
        assert_eq!(json!(turns(&state)), case["segments"], "{} ({})", case["name"], case["why"]);
        seen += 1;
    }
    assert_eq!(seen, 146);
}

/// The rules once more, as plainly as they can be written: a clock that ticks every millisecond, turns that are copied,
/// nothing kept but what the rules name.
mod plain {
    use realtime_core::live::state::Grouping;

    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Turn {
        pub(super) user: bool,
        pub(super) text: String,
        pub(super) start: f64,
        pub(super) end: f64,
        pub(super) reason: Option<&'static str>,
        droppable: bool,
        order: Option<usize>,
    }

    #[derive(Clone, Debug)]
    pub(super) struct Fragment {
        pub(super) at: u64,
        pub(super) user: bool,
        pub(super) text: String,
        pub(super) start: f64,
        pub(super) end: f64,
    }

    const KNOWN: &str = "aha|alright|gotcha|hm|hmm|mhm|mm|mm hmm|okay|ok|right|sure|uh huh|yeah|yep|yes";

    #[derive(Default)]
    pub(super) struct Plain {
        options: Grouping,
        now: u64,
        shown: Vec<Turn>,
        open: Option<Turn>,
        held: Option<Turn>,
        last_start: Option<f64>,
        last_assistant_end: Option<f64>,
        anchor: Option<(f64, u64)>,
        batch: Vec<Fragment>,
        /// When the timer rings, as it was set after the last arrival or firing.
        alarm: Option<u64>,
    }

    impl Plain {
        pub(super) fn run(options: Grouping, fragments: &[Fragment], end: u64) -> Vec<Turn> {
            let mut plain = Self { options, ..Self::default() };
            let mut fragments = fragments.iter().peekable();
            for now in 0..=end {
                plain.now = now;
                plain.ring();
                while let Some(fragment) = fragments.next_if(|fragment| fragment.at == now) {
                    plain.arrive(fragment.clone());
                    plain.set_alarm();
                    plain.ring();
                }
            }
            plain.settled();
            plain.close("manual");
            plain.shown
        }

        fn ring(&mut self) {
            while self.alarm.is_some_and(|alarm| alarm <= self.now) {
                self.settled();
                self.advance(self.source(), false);
                self.set_alarm();
            }
        }

        fn source(&self) -> f64 {
            self.anchor.map_or(0.0, |(source, arrival)| source + (self.now - arrival) as f64)
        }

        fn set_alarm(&mut self) {
            self.alarm = if let Some(first) = self.batch.first() {
                Some(first.at + 50)
            } else {
                self.deadline().map(|deadline| {
                    let wait = (deadline - self.source()).ceil();
                    self.now + if wait > 0.0 { wait as u64 } else { 0 }
                })
            };
        }

        fn arrive(&mut self, fragment: Fragment) {
            if fragment.text.is_empty() {
                return;
            }
            if let Some(first) = self.batch.first()
                && (first.start, first.end) == (fragment.start, fragment.end)
            {
                self.batch.push(fragment);
                if self.batch.iter().any(|f| f.user) && self.batch.iter().any(|f| !f.user) {
                    self.settled();
                }
                return;
            }
            self.settled();
            match &self.open {
                Some(open) if open.user == fragment.user => self.commit(vec![fragment]),
                _ => self.batch = vec![fragment],
            }
        }

        fn settled(&mut self) {
            let batch = std::mem::take(&mut self.batch);
            if !batch.is_empty() {
                self.commit(batch);
            }
        }

        fn commit(&mut self, batch: Vec<Fragment>) {
            if let Some(last) = self.last_start
                && batch[0].start < last
            {
                self.close("timestamp_reset");
                self.last_assistant_end = None;
                self.anchor = None;
            }
            self.last_start = Some(batch[0].start);
            let mut source = self.anchor.map_or(0.0, |(source, _)| source);
            for fragment in &batch {
                source = source.max(fragment.end);
            }
            self.anchor = Some((source, batch.iter().map(|fragment| fragment.at).max().unwrap()));
            let first_user = self.open.as_ref().is_none_or(|open| open.user);
            let (first, second): (Vec<_>, Vec<_>) = batch.into_iter().partition(|fragment| fragment.user == first_user);
            let ordered = [first, second].concat();
            let start = ordered[0].start;
            while let Some(deadline) = self.deadline() {
                if deadline >= start {
                    break;
                }
                self.advance(deadline, false);
            }
            if let Some(open) = &self.open
                && !ordered.iter().any(|fragment| fragment.user == open.user)
            {
                self.advance(start, ordered.iter().any(|fragment| fragment.user));
            }
            for fragment in ordered {
                self.take(fragment);
            }
        }

        fn take(&mut self, f: Fragment) {
            let new = Turn {
                user: f.user,
                text: f.text.clone(),
                start: f.start,
                end: f.end,
                reason: None,
                droppable: true,
                order: None,
            };
            let Some(open) = self.open.clone() else {
                self.open = Some(new);
                return self.show();
            };
            if open.user == f.user {
                let mut open = open;
                let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                if self.held.is_some() && word(open.text.chars().last()) && word(f.text.chars().next()) {
                    open.text.push(' ');
                }
                open.text.push_str(&f.text);
                open.end = open.end.max(f.end);
                self.open = Some(open);
                return self.show();
            }
            if !open.user {
                self.held = Some(new);
                return self.promote();
            }
            if self.talked_over() {
                self.held = None;
            }
            let from = self.held.as_ref().map_or(f.start, |held| held.start);
            let brief = f.end - from < self.options.backchannel_max_ms;
            let whole = plain_words(&format!("{}{}", self.held.as_ref().map_or("", |held| &held.text), f.text));
            let known: Vec<String> = KNOWN
                .split('|')
                .map(str::to_owned)
                .chain(self.options.acknowledgements.iter().map(|extra| plain_words(extra)))
                .filter(|known| !known.is_empty())
                .collect();
            let droppable = if f.start - open.end < self.options.separation_ms {
                Some(brief && !whole.is_empty() && known.iter().any(|known| known.starts_with(&whole)))
            } else if brief && known.contains(&whole) {
                Some(self.held.is_some())
            } else {
                None
            };
            let joined = |held: Option<Turn>| match held {
                Some(held) => Turn { text: held.text.clone() + &f.text, end: held.end.max(f.end), ..held },
                None => new.clone(),
            };
            match droppable {
                Some(droppable) => self.held = Some(Turn { droppable, ..joined(self.held.take()) }),
                None => {
                    self.settle(f.start);
                    self.end("speaker_change");
                    self.open = Some(joined(self.held.take()));
                    self.show();
                }
            }
        }

        fn short(&self) -> bool {
            match (&self.open, &self.held) {
                (Some(open), Some(held)) => open.user && held.end - held.start < self.options.backchannel_max_ms,
                _ => false,
            }
        }

        fn talked_over(&self) -> bool {
            match (&self.open, &self.held) {
                (Some(open), Some(held)) => self.short() && held.droppable && open.end > held.end,
                _ => false,
            }
        }

        fn replies_on(&self) -> bool {
            match (&self.open, &self.held, self.last_assistant_end) {
                (Some(open), Some(held), Some(end)) => {
                    held.start - end < self.options.isolation_ms && held.start <= open.start
                }
                _ => false,
            }
        }

        fn undecided(&self) -> bool {
            self.short() && self.held.as_ref().unwrap().droppable && !self.talked_over() && !self.replies_on()
        }

        fn settle(&mut self, t: f64) {
            let Some(held) = self.held.clone() else { return };
            let keep = if !self.short() {
                true
            } else if self.talked_over() {
                false
            } else if self.replies_on() || t < held.end + self.options.isolation_ms {
                true
            } else {
                !held.droppable
            };
            if !keep {
                self.held = None;
            }
        }

        fn advance(&mut self, t: f64, user_comes: bool) {
            if let (Some(open), Some(held)) = (self.open.clone(), self.held.clone())
                && t >= open.end + self.options.separation_ms
                && !(self.undecided() && t < held.end + self.options.isolation_ms)
            {
                self.settle(t);
                if self.held.is_some() {
                    return self.promote();
                }
            }
            if let Some(open) = &self.open
                && !open.user
                && !user_comes
                && t >= open.end + self.options.assistant_silence_ms
            {
                self.end("inactivity");
            }
        }

        fn deadline(&self) -> Option<f64> {
            let open = self.open.as_ref()?;
            match &self.held {
                Some(held) if self.undecided() => {
                    Some((open.end + self.options.separation_ms).max(held.end + self.options.isolation_ms))
                }
                Some(_) => Some(open.end + self.options.separation_ms),
                None if !open.user => Some(open.end + self.options.assistant_silence_ms),
                None => None,
            }
        }

        fn promote(&mut self) {
            self.end("speaker_change");
            self.open = self.held.take();
            self.show();
        }

        fn close(&mut self, reason: &'static str) {
            self.settle(self.source());
            self.end(reason);
            if let Some(held) = self.held.take() {
                self.open = Some(held);
                self.show();
                self.end(reason);
            }
        }

        fn show(&mut self) {
            let open = self.open.as_mut().unwrap();
            let order = *open.order.get_or_insert(self.shown.len());
            if order == self.shown.len() {
                self.shown.push(open.clone());
            } else {
                self.shown[order] = open.clone();
            }
        }

        fn end(&mut self, reason: &'static str) {
            if let Some(open) = self.open.take() {
                if !open.user {
                    self.last_assistant_end = Some(open.end);
                }
                self.shown[open.order.unwrap()].reason = Some(reason);
            }
        }
    }

    /// For ASCII alone.
    fn plain_words(text: &str) -> String {
        let text = text.to_ascii_lowercase().replace('-', " ");
        let text = text.trim_matches(|c: char| " .,!?;:\"'()[]{}".contains(c));
        text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

fn fragments() -> impl Strategy<Value = Vec<plain::Fragment>> {
    let texts = prop::sample::select(vec![
        "", "Yes", " yes,", "mm", "-hmm", " okay.", "No", " I", " would", "...", " right", "bike", " the", "7", "uh",
        " huh",
    ]);
    // Steps of arrival, of the start against the one before, the length, who, what.
    let fragment = (0..400_u64, -3..12_i64, 0..6_u64, any::<bool>(), texts);
    prop::collection::vec(fragment, 1..40).prop_map(|steps| {
        let (mut arrival, mut start) = (0, 1_000_i64);
        let fragment = |(wait, step, length, user, text): (u64, i64, u64, bool, &str)| {
            // Often at once, often at the very moment at which a timer fires.
            arrival += match wait {
                0..100 => 0,
                100..250 => wait / 50 * 100,
                _ => wait,
            };
            start = (start + 100 * step).max(0);
            plain::Fragment {
                at: arrival,
                user,
                text: text.into(),
                start: start as f64,
                end: (start as u64 + 100 * length) as f64,
            }
        };
        steps.into_iter().map(fragment).collect()
    })
}

fn options() -> impl Strategy<Value = Grouping> {
    let of = |values: &'static [f64]| prop::sample::select(values);
    (
        of(&[0.0, 100.0, 300.5, 500.0, 900.0]),
        of(&[0.0, 200.0, 700.0, 2000.0, 2500.25]),
        of(&[0.0, 400.0, 1000.0]),
        of(&[0.0, 1200.75, 2000.0]),
        prop::sample::select(vec![vec![], vec![" the  BIKE "], vec!["..."]]),
    )
        .prop_map(|(separation, silence, backchannel, isolation, extra)| {
            let mut grouping = Grouping::default();
            grouping.separation_ms = separation;
            grouping.assistant_silence_ms = silence;
            grouping.backchannel_max_ms = backchannel;
            grouping.isolation_ms = isolation;
            grouping.acknowledgements = extra.into_iter().map(Into::into).collect();
            grouping
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn turns_are_those_of_the_plain_reference(fragments in fragments(), options in options(), rest in 0..4_000_u64) {
        let end = fragments.last().unwrap().at + rest;
        let expected = plain::Plain::run(options.clone(), &fragments, end);

        let mut state = LiveState::new(ConnectionKind::Primary, options);
        for (n, fragment) in fragments.iter().enumerate() {
            let id = format!("event_{n}");
            let event = if fragment.user {
                SessionInputTranscriptDelta::new(Some(id.into()), &*fragment.text, fragment.start, fragment.end).into()
            } else {
                SessionOutputTranscriptDelta::new(Some(id.into()), &*fragment.text, fragment.start, fragment.end).into()
            };
            receive(&mut state, event, fragment.at);
        }
        state.ended(at(end));
        let expected: Vec<_> = expected
            .iter()
            .map(|turn| {
                json!({
                    "speaker": if turn.user { "user" } else { "assistant" }, "text": turn.text,
                    "start_ms": turn.start as u64, "end_ms": turn.end as u64, "close_reason": turn.reason,
                })
            })
            .collect();
        prop_assert_eq!(turns(&state), expected);
    }
}
