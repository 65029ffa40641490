use std::{collections::VecDeque, error, fmt, time::Duration};

use realtime_core::transport::{Instant, Timer};

/// Releases frames in real time, although they arrive in bursts.
///
/// Frames are released at intervals of one frame's duration, on a fixed schedule: a late wake-up does not delay the frames
/// after it. After a pause, the next frame is released immediately, and the schedule restarts. With a *lead*, that many
/// frames are released early, as a buffer against network jitter.
///
/// Time is an argument; the pacer reads no clock. [`next`](Self::next) waits on a connection's timer, which tests replace by
/// a virtual one.
///
/// ```
/// use std::time::Duration;
/// use realtime_audio::Pacer;
/// use realtime_core::transport::Instant;
///
/// let at = |ms| Instant::from_origin(Duration::from_millis(ms));
/// let mut pacer = Pacer::new(Duration::from_millis(20));
/// for frame in ["a", "b"] {
///     pacer.push(frame, at(5))?;
/// }
/// assert_eq!(pacer.poll(at(5)), Some("a"));
/// assert_eq!(pacer.poll(at(24)), None);
/// assert_eq!(pacer.due(), Some(at(25)));
/// assert_eq!(pacer.poll(at(25)), Some("b"));
/// # Ok::<(), realtime_audio::PacerFull<&str>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pacer<T> {
    length: Duration,
    lead: Duration,
    queue: VecDeque<(Instant, T)>,
    /// Earliest playback time of the next frame: the end of the previous one.
    free: Instant,
    /// When the last released frame was due.
    sent: Option<Instant>,
}

impl<T> Pacer<T> {
    /// Maximum number of queued frames: an hour of 20 ms each.
    pub const MOST_WAITING: usize = 180_000;

    /// Creates a pacer for frames of this duration, without a lead.
    pub fn new(length: Duration) -> Self {
        Self { length, lead: Duration::ZERO, queue: VecDeque::new(), free: Instant::default(), sent: None }
    }

    /// Sets the number of frames that are released early.
    pub fn with_lead(self, frames: u32) -> Self {
        Self { lead: self.length.saturating_mul(frames), ..self }
    }

    /// Queues a frame.
    ///
    /// # Errors
    ///
    /// [`MOST_WAITING`](Self::MOST_WAITING) frames are queued. The frame is returned.
    pub fn push(&mut self, frame: T, now: Instant) -> Result<(), PacerFull<T>> {
        if self.queue.len() >= Self::MOST_WAITING {
            return Err(PacerFull(frame));
        }
        let heard = self.free.max(now);
        self.free = heard + self.length;
        let ahead = Instant::from_origin(heard.since_origin().saturating_sub(self.lead));
        self.queue.push_back((ahead.max(now), frame));
        Ok(())
    }

    /// The next frame, if it is due.
    pub fn poll(&mut self, now: Instant) -> Option<T> {
        let (due, frame) = self.queue.pop_front_if(|(due, _)| *due <= now)?;
        self.sent = Some(due);
        Some(frame)
    }

    /// When the next frame is due. `None` if no frame is queued.
    pub fn due(&self) -> Option<Instant> {
        self.queue.front().map(|(due, _)| *due)
    }

    /// Waits until the next frame is due. Returns `None` immediately if no frame is queued.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no frame.
    pub async fn next(&mut self, timer: &dyn Timer) -> Option<T> {
        loop {
            let now = timer.now();
            if let Some(frame) = self.poll(now) {
                return Some(frame);
            }
            timer.sleep_until(self.due()?).await;
        }
    }

    /// Number of queued frames.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no frame is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Drops the queued frames, for a barge-in, and assumes that the receiver drops its buffer as well.
    pub fn clear(&mut self) {
        self.queue.clear();
        // Any two frames are at least one duration apart, also across the clear.
        self.free = self.sent.map_or(Instant::default(), |sent| sent + self.length);
    }
}

/// Too many frames are queued: push no faster than real time, or clear stale frames. Contains the rejected frame.
#[derive(Clone, PartialEq, Eq)]
pub struct PacerFull<T>(
    /// The rejected frame.
    pub T,
);

impl<T> fmt::Debug for PacerFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacerFull").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PacerFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} frames wait to be sent: push no faster than real time, or clear the pacer",
            Pacer::<T>::MOST_WAITING
        )
    }
}

impl<T> error::Error for PacerFull<T> {}
