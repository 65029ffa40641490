//! What a load has measured.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::output;

/// Durations in microseconds.
pub(super) type Times = Histogram<u64>;

/// Maximum number of different errors that are told apart.
const MOST_ERRORS: usize = 32;

/// The measurements of one or several sessions.
pub(super) struct Measured {
    /// From the beginning of the dial to the opened session.
    pub(super) connect: Times,
    /// From the end of the question to the first audio of the answer.
    pub(super) first_audio: Times,
    /// How late each piece of audio came, compared with playback that began at the first piece.
    pub(super) late: Times,
    /// From the beginning of an interruption to its detection.
    pub(super) interruption: Times,
    pub(super) completed: u64,
    /// Failed sessions, by error.
    pub(super) errors: BTreeMap<String, u64>,
}

impl Default for Measured {
    fn default() -> Self {
        // Up to an hour, to three digits.
        let times =
            || Times::new_with_max(3_600_000_000, 3).expect("the limit is over 1, and three digits are under 6");
        Self {
            connect: times(),
            first_audio: times(),
            late: times(),
            interruption: times(),
            completed: 0,
            errors: BTreeMap::new(),
        }
    }
}

/// Counts a duration; one that is longer than the longest counts as that.
fn count(times: &mut Times, time: Duration) {
    times.saturating_record(time.as_micros() as u64);
}

impl Measured {
    pub(super) fn connect(&mut self, time: Duration) {
        count(&mut self.connect, time);
    }

    pub(super) fn first_audio(&mut self, time: Duration) {
        count(&mut self.first_audio, time);
    }

    pub(super) fn late(&mut self, time: Duration) {
        count(&mut self.late, time);
    }

    pub(super) fn interruption(&mut self, time: Duration) {
        count(&mut self.interruption, time);
    }

    pub(super) fn failed(&mut self, error: &anyhow::Error) {
        self.count_error(format!("{error:#}"), 1);
    }

    fn count_error(&mut self, error: String, number: u64) {
        let is_new = !self.errors.contains_key(&error) && self.errors.len() >= MOST_ERRORS;
        *self.errors.entry(if is_new { "others".into() } else { error }).or_default() += number;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, its) in [
            (&mut self.connect, &other.connect),
            (&mut self.first_audio, &other.first_audio),
            (&mut self.late, &other.late),
            (&mut self.interruption, &other.interruption),
        ] {
            mine.add(its).expect("both have the same limits");
        }
        self.completed += other.completed;
        for (error, number) in &other.errors {
            self.count_error(error.clone(), *number);
        }
    }
}

/// The result of a load.
pub(super) struct Report {
    pub(super) sessions: u32,
    pub(super) measured: Measured,
    pub(super) interrupted: bool,
    pub(super) elapsed: Duration,
    /// Processor time of this program.
    pub(super) cpu: Duration,
}

/// The percentiles that are told.
const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

impl Report {
    pub(super) fn failed(&self) -> u64 {
        self.measured.errors.values().sum()
    }

    /// The measured durations by name.
    pub(super) fn lines(&self) -> [(&'static str, &Times); 4] {
        let measured = &self.measured;
        [
            ("connect", &measured.connect),
            ("first audio", &measured.first_audio),
            ("audio late", &measured.late),
            ("interruption", &measured.interruption),
        ]
    }

    fn cpu_ms_per_session(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / f64::from(self.sessions.max(1))
    }

    pub(super) fn summary(&self) -> Value {
        let times: serde_json::Map<_, _> = self
            .lines()
            .into_iter()
            .map(|(name, times)| {
                let mut values = serde_json::Map::new();
                values.insert("count".into(), times.len().into());
                for (percentile, quantile) in PERCENTILES {
                    values.insert(percentile.into(), ms(times, quantile).into());
                }
                (format!("{}_ms", name.replace(' ', "_")), values.into())
            })
            .collect();
        json!({
            "sessions": self.sessions,
            "completed": self.measured.completed,
            "errors": self.measured.errors,
            "times": times,
            "elapsed_s": self.elapsed.as_secs_f64(),
            "own_cpu_ms_per_session": self.cpu_ms_per_session(),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} in {:.1} s: {} completed, {} failed\n\n{:<14}{:>8}",
            output::count(self.sessions.into(), "session"),
            self.elapsed.as_secs_f64(),
            self.measured.completed,
            self.failed(),
            "ms",
            "count"
        );
        for (percentile, _) in PERCENTILES {
            let _ = write!(text, "{percentile:>10}");
        }
        for (name, times) in self.lines().into_iter().filter(|(_, times)| !times.is_empty()) {
            let _ = write!(text, "\n{name:<14}{:>8}", times.len());
            for (_, quantile) in PERCENTILES {
                let _ = write!(text, "{:>10.1}", ms(times, quantile));
            }
        }
        for (error, number) in &self.measured.errors {
            let _ = write!(text, "\n{number} failed: {error}");
        }
        let _ = write!(text, "\n\nthis program: {:.1} ms of processor time per session", self.cpu_ms_per_session());
        text
    }
}

/// A percentile in milliseconds.
fn ms(times: &Times, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1000.0
}
