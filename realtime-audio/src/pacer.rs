use std::{collections::VecDeque, error, fmt, time::Duration};

use realtime_core::transport::{Instant, Timer};

/// Releases frames in real time, although they arrive in bursts.
///
/// Frames leave at intervals of one frame's length, on a schedule of their own: a late wake-up does not delay the frames
/// that follow. After a pause the next frame leaves at once, and nothing is caught up. With a *lead*, that many frames
/// leave early, as the receiver's reserve against network jitter.
///
/// It reads no clock: time is an argument. [`next`](Self::next) waits on a connection's timer, which tests replace by a
/// virtual one.
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
    /// When the frame that comes next is heard at the earliest: at the end of the one before.
    free: Instant,
    /// When the last frame that went was due.
    sent: Option<Instant>,
}

impl<T> Pacer<T> {
    /// The most frames that may wait: an hour of 20 ms each.
    pub const MOST_WAITING: usize = 180_000;

    /// A pacer of frames of this length, without a lead.
    pub fn new(length: Duration) -> Self {
        Self { length, lead: Duration::ZERO, queue: VecDeque::new(), free: Instant::default(), sent: None }
    }

    /// Lets this many frames leave early.
    pub fn with_lead(self, frames: u32) -> Self {
        Self { lead: self.length.saturating_mul(frames), ..self }
    }

    /// Takes a frame.
    ///
    /// # Errors
    ///
    /// [`MOST_WAITING`](Self::MOST_WAITING) frames wait already. The frame is given back.
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

    /// The next frame, if it is due by now.
    pub fn poll(&mut self, now: Instant) -> Option<T> {
        let (due, frame) = self.queue.pop_front_if(|(due, _)| *due <= now)?;
        self.sent = Some(due);
        Some(frame)
    }

    /// When the next frame is due. None if no frame waits.
    pub fn due(&self) -> Option<Instant> {
        self.queue.front().map(|(due, _)| *due)
    }

    /// Waits until the next frame is due. None at once if no frame waits.
    ///
    /// # Cancel safety
    ///
    /// A wait that is dropped has taken no frame.
    pub async fn next(&mut self, timer: &dyn Timer) -> Option<T> {
        loop {
            let now = timer.now();
            if let Some(frame) = self.poll(now) {
                return Some(frame);
            }
            timer.sleep_until(self.due()?).await;
        }
    }

    /// How many frames wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no frame waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Drops the frames that wait, as after an interruption, and assumes that the receiver drops its lead as well.
    pub fn clear(&mut self) {
        self.queue.clear();
        // At least one length lies between any two frames, before and after.
        self.free = self.sent.map_or(Instant::default(), |sent| sent + self.length);
    }
}

/// Too many frames wait: push no faster than real time, or clear what is no longer wanted. Holds the rejected frame.
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
