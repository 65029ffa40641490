use std::time::Duration;

/// The speed of a simulated service, on its clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub(super) first: Duration,
    pub(super) text: Duration,
    pub(super) audio: f64,
}

impl Pace {
    /// No time passes between a request and the end of its answer.
    pub const INSTANT: Self = Self { first: Duration::ZERO, text: Duration::ZERO, audio: f64::INFINITY };

    /// About as fast as the real service: 300 ms until a response begins, 30 text deltas per second, and audio at four
    /// times real time.
    pub const LIVE: Self = Self { first: Duration::from_millis(300), text: Duration::from_millis(33), audio: 4.0 };

    /// Sets the time until a response begins.
    #[must_use]
    pub fn first(mut self, time: Duration) -> Self {
        self.first = time;
        self
    }

    /// Sets the time per text delta.
    #[must_use]
    pub fn text(mut self, time: Duration) -> Self {
        self.text = time;
        self
    }

    /// Sets the speed of audio relative to real time. Infinity generates it at once.
    #[must_use]
    pub fn audio(mut self, times: f64) -> Self {
        self.audio = times;
        self
    }

    /// Time to generate this much audio.
    pub(super) fn of_audio(&self, ms: u64) -> Duration {
        let seconds = ms as f64 / 1000.0 / self.audio;
        // NaN and infinity take no time.
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}
