use std::time::Duration;

/// How fast a simulated service is, on its clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub(super) first: Duration,
    pub(super) text: Duration,
    pub(super) audio: f64,
}

impl Pace {
    /// No time passes between the request and the last word.
    pub const INSTANT: Self = Self { first: Duration::ZERO, text: Duration::ZERO, audio: f64::INFINITY };

    /// About as fast as the service: it thinks for 300 ms, writes 30 pieces of text a second, and speaks four times
    /// as fast as one listens.
    pub const LIVE: Self = Self { first: Duration::from_millis(300), text: Duration::from_millis(33), audio: 4.0 };

    /// How long a response takes to begin.
    #[must_use]
    pub fn first(mut self, time: Duration) -> Self {
        self.first = time;
        self
    }

    /// How long each piece of text takes.
    #[must_use]
    pub fn text(mut self, time: Duration) -> Self {
        self.text = time;
        self
    }

    /// How many milliseconds of audio are made in one millisecond. Infinity: all at once.
    #[must_use]
    pub fn audio(mut self, times: f64) -> Self {
        self.audio = times;
        self
    }

    /// How long so much audio takes to make.
    pub(super) fn of_audio(&self, ms: u64) -> Duration {
        let seconds = ms as f64 / 1000.0 / self.audio;
        // Not a number and too much are no time at all.
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}
