use std::time::Duration;

/// Durations, counted in fixed buckets: bounded, and cheap to add up over sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// How many durations were added.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
    /// The longest.
    pub max: Duration,
    /// How many were at most as long as each of [`BOUNDS_MS`](Self::BOUNDS_MS). Longer ones are in `count` only.
    pub buckets: [u64; Self::BOUNDS_MS.len()],
}

impl Histogram {
    /// Upper bounds of the buckets, in milliseconds.
    pub const BOUNDS_MS: [u64; 12] = [50, 100, 200, 300, 500, 800, 1200, 2000, 5000, 10_000, 30_000, 120_000];

    /// Adds a duration.
    pub fn add(&mut self, time: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(time);
        self.max = self.max.max(time);
        for (bucket, bound) in self.buckets.iter_mut().zip(Self::BOUNDS_MS) {
            *bucket += u64::from(time <= Duration::from_millis(bound));
        }
    }

    /// Adds all durations of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
    }

    /// The mean. `None` if there is nothing to divide.
    pub fn mean(&self) -> Option<Duration> {
        let nanos = self.sum.as_nanos().checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// A time that a user of the session noticed. Reported once each, in [`Changes`](super::Changes::measured).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measurement {
    /// From the end of the user's speech to the first audio received that answers it.
    FirstAudio(Duration),
    /// From the end of the user's speech to the first audio played that answers it.
    FirstPlayback(Duration),
    /// From a complete function call to the sending of its output.
    Tool(Duration),
    /// From the first audio of a response to its interruption.
    Interruption(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_what_is_at_most_as_long() {
        let ms = Duration::from_millis;
        let mut all = Histogram::default();
        assert_eq!(all.mean(), None);
        [50, 51, 200_000].into_iter().for_each(|time| all.add(ms(time)));
        assert_eq!((all.count, all.sum, all.max), (3, ms(200_101), ms(200_000)));
        assert_eq!(all.buckets, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        let mut both = Histogram::default();
        both.add(ms(1));
        both.merge(&all);
        assert_eq!((both.count, both.max, both.buckets[0]), (4, ms(200_000), 2));
        assert_eq!(both.mean(), Some(Duration::from_micros(50_025_500)));
        both.add(Duration::MAX);
        assert_eq!((both.sum, both.mean()), (Duration::MAX, Some(Duration::from_nanos(u64::MAX))));
    }
}
