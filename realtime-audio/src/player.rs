use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use realtime_core::{Id, Player, session::realtime::Output, transport::Timer};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::{AudioError, Format, Resampler, Sample};

/// Queue from a connection to a sound card's callback, which also keeps the playback ledger.
///
/// The callback owns a [`PlayerCallback`], which takes no lock, does not allocate and never blocks. The queue stays with the
/// connection: it takes audio from the [`Player`], resamples it to the card's rate, reports to the ledger how many samples
/// the callback has taken, and drops truncated audio.
///
/// ```no_run
/// # async fn run(
/// #     connection: realtime_core::Connection<realtime_core::Realtime>,
/// #     timer: &dyn realtime_core::transport::Timer,
/// # ) -> Result<(), realtime_audio::AudioError> {
/// use std::time::Duration;
/// use realtime_audio::{Format, PlayerQueue};
///
/// // Turn the player on with `Connect::playback` and `Playback::queued()`.
/// let player = connection.player().expect("playback is on");
/// let (mut queue, mut callback) = PlayerQueue::new(Format::pcm(24_000), 48_000, Duration::from_millis(200))?;
/// // The sound card calls this, with two channels:
/// let mut on_sound = move |out: &mut [f32]| callback.fill(out, 2);
/// # on_sound(&mut []);
/// // Beside the loop that reads events:
/// queue.run(&player, timer).await;
/// # Ok(())
/// # }
/// ```
pub struct PlayerQueue {
    format: Format,
    rate: u32,
    ring: Producer<f32>,
    shared: Arc<Shared>,
    resampler: Resampler,
    decoded: Vec<f32>,
    /// Samples at the card's rate for which the ring had no room yet.
    pending: Vec<f32>,
    /// Total number of samples made at the card's rate, including pending ones.
    made: u64,
    /// Position in the queue of the first sample of the resampler's stream.
    stream: u64,
    /// Samples pushed into that stream.
    stream_in: u64,
    /// Queued audio not reported as heard.
    pieces: VecDeque<Piece>,
    /// Whether the resampler holds samples back.
    held_back: bool,
}

/// A chunk of audio in the queue.
#[derive(Debug)]
struct Piece {
    item_id: Id,
    /// Position in the queue: `start..end`, at the card's rate.
    start: u64,
    end: u64,
    /// Number of samples at the session's rate, and how many of them were reported.
    samples: u64,
    reported: u64,
}

/// Counters shared by the queue and the callback.
#[derive(Debug, Default)]
struct Shared {
    /// Samples that the callback took from the ring, played or dropped.
    taken: AtomicU64,
    /// Position up to which samples are to be dropped.
    drop_until: AtomicU64,
}

/// The end of a [`PlayerQueue`] owned by a sound card's callback.
pub struct PlayerCallback {
    ring: Consumer<f32>,
    shared: Arc<Shared>,
    taken: u64,
}

/// Maximum length of a queue, in milliseconds.
const MOST_QUEUED_MS: u64 = 10_000;
/// Interval at which [`PlayerQueue::run`] calls [`PlayerQueue::sync`].
const TICK: Duration = Duration::from_millis(10);

impl PlayerQueue {
    /// Creates a queue for audio of a session's format, played at the card's rate in Hz. It holds `length` of audio, from
    /// 20 ms to ten seconds, and continues to play for that long when the executor is busy. 200 ms are usually enough.
    ///
    /// # Errors
    ///
    /// The rate is not supported, or the format has more than one channel.
    pub fn new(format: Format, rate: u32, length: Duration) -> Result<(Self, PlayerCallback), AudioError> {
        if format.channels() != 1 {
            return Err(AudioError::Channels { from: format.channels(), to: 1 });
        }
        let resampler = Resampler::new(format.rate_hz(), rate, 1)?;
        let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).clamp(20, MOST_QUEUED_MS);
        // At most ten seconds of 384,000 samples.
        let (ring, consumer) = RingBuffer::new((ms * u64::from(rate) / 1000) as usize);
        let shared = Arc::new(Shared::default());
        let callback = PlayerCallback { ring: consumer, shared: shared.clone(), taken: 0 };
        let queue = Self {
            format,
            rate,
            ring,
            shared,
            resampler,
            decoded: Vec::new(),
            pending: Vec::new(),
            made: 0,
            stream: 0,
            stream_in: 0,
            pieces: VecDeque::new(),
            held_back: false,
        };
        Ok((queue, callback))
    }

    /// Reports the samples taken by the callback as heard, drops truncated audio, and takes more audio while there is room.
    /// Call it about every 10 ms, or use [`run`](Self::run).
    ///
    /// The ledger knows what was heard up to the last call. On a
    /// [barge-in](realtime_core::session::realtime::Playback::barge_in), the truncation is exact to the interval between two
    /// calls, and never later than what was heard; [`interrupt`](Self::interrupt) is exact to the callback.
    pub fn sync(&mut self, player: &Player) {
        // The player's stream contains the interruption as well, but after audio that waits here for room.
        if self.pieces.front().is_some_and(|piece| player.heard(&piece.item_id).is_some()) {
            self.clear();
        }
        // Also if that is 0: otherwise playback would be assumed to run, although the card does not.
        player.played(self.report());
        self.refill(|| player.next());
    }

    /// Stops the model at what was heard so far, with [`Player::interrupt`], and empties the queue.
    pub fn interrupt(&mut self, player: &Player) {
        self.sync(player);
        player.interrupt();
        self.clear();
    }

    /// Calls [`sync`](Self::sync) every 10 ms until the future is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing. `run` can be called again.
    pub async fn run(&mut self, player: &Player, timer: &dyn Timer) {
        let mut next = timer.now();
        loop {
            self.sync(player);
            next = (next + TICK).max(timer.now());
            timer.sleep_until(next).await;
        }
    }

    /// Duration of the queued audio, in milliseconds.
    pub fn queued_ms(&self) -> u64 {
        let gone = self.shared.taken.load(Ordering::Acquire).max(self.shared.drop_until.load(Ordering::Relaxed));
        self.made.saturating_sub(gone) * 1000 / u64::from(self.rate)
    }

    /// Drops all queued audio.
    pub fn clear(&mut self) {
        self.pieces.clear();
        // Pending samples are dropped here, those in the ring by the callback.
        self.made -= self.pending.len() as u64;
        self.pending.clear();
        self.shared.drop_until.store(self.made, Ordering::Release);
        self.begin_stream();
    }

    /// Number of samples at the session's rate that the callback has taken since the last call.
    fn report(&mut self) -> u64 {
        let taken = self.shared.taken.load(Ordering::Acquire);
        let mut heard = 0;
        while let Some(piece) = self.pieces.front_mut() {
            let samples = if taken >= piece.end {
                piece.samples
            } else {
                let part = taken.saturating_sub(piece.start);
                (part * u64::from(self.format.rate_hz()) / u64::from(self.rate)).min(piece.samples)
            };
            heard += samples - piece.reported;
            piece.reported = samples;
            if taken < piece.end {
                break;
            }
            self.pieces.pop_front();
        }
        heard
    }

    /// Takes chunks while there is room for a whole one. Waits until the callback has dropped what it should, because
    /// otherwise new speech would start in the little room that is left, and then pause.
    fn refill(&mut self, mut next: impl FnMut() -> Option<Output>) {
        loop {
            if self.shared.taken.load(Ordering::Acquire) < self.shared.drop_until.load(Ordering::Relaxed) {
                return;
            }
            let (taken, _) = self.ring.push_partial_slice(&self.pending);
            let taken = taken.len();
            self.pending.drain(..taken);
            if !self.pending.is_empty() {
                return;
            }
            match next() {
                Some(Output::Chunk(chunk)) => self.push(chunk.item_id, &chunk.audio),
                Some(Output::Flush) => self.clear(),
                Some(_) => {}
                // Nothing follows, so the resampler is flushed to play what it holds back.
                None if self.held_back && self.queued_ms() < 20 => self.begin_stream_after_the_rest(),
                None => return,
            }
        }
    }

    fn push(&mut self, item_id: Id, audio: &[u8]) {
        self.decoded.clear();
        self.format.encoding().decode(audio, &mut self.decoded);
        let before = self.pending.len();
        self.resampler.push(&self.decoded, &mut self.pending);
        self.made += (self.pending.len() - before) as u64;
        let samples = self.decoded.len() as u64;
        let start = self.place(self.stream_in);
        self.stream_in += samples;
        self.held_back |= samples > 0;
        let end = self.place(self.stream_in);
        match self.pieces.back_mut() {
            Some(last) if last.item_id == item_id && last.end == start => {
                last.end = end;
                last.samples += samples;
            }
            _ => self.pieces.push_back(Piece { item_id, start, end, samples, reported: 0 }),
        }
    }

    /// Position in the queue of a sample of the resampler's stream.
    fn place(&self, samples: u64) -> u64 {
        let (from, to) = (u128::from(self.format.rate_hz()), u128::from(self.rate));
        let frames = (u128::from(samples) * to + from / 2) / from;
        self.stream.saturating_add(u64::try_from(frames).unwrap_or(u64::MAX))
    }

    fn begin_stream_after_the_rest(&mut self) {
        let before = self.pending.len();
        self.resampler.finish(&mut self.pending);
        self.made += (self.pending.len() - before) as u64;
        self.begin_stream();
    }

    fn begin_stream(&mut self) {
        self.resampler.reset();
        self.stream = self.made;
        self.stream_in = 0;
        self.held_back = false;
    }
}

impl PlayerCallback {
    /// Fills a buffer of interleaved channels with the next audio, the same in each channel, and the rest with silence.
    /// Returns the number of samples per channel that were audio.
    ///
    /// Takes no lock, does not allocate, and never blocks.
    pub fn fill<S: Sample>(&mut self, out: &mut [S], channels: usize) -> usize {
        let drop_until = self.shared.drop_until.load(Ordering::Acquire);
        let dropped = usize::try_from(drop_until.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        let dropped = dropped.min(self.ring.slots());
        if let Ok(chunk) = self.ring.read_chunk(dropped) {
            chunk.commit_all();
        }
        let mut frames = out.chunks_exact_mut(channels.max(1));
        let played = frames.len().min(self.ring.slots());
        if let Ok(chunk) = self.ring.read_chunk(played) {
            let (first, second) = chunk.as_slices();
            for (sample, frame) in first.iter().chain(second).zip(&mut frames) {
                frame.fill(S::from_f32(*sample));
            }
            chunk.commit_all();
        }
        frames.for_each(|frame| frame.fill(S::default()));
        self.taken += (dropped + played) as u64;
        self.shared.taken.store(self.taken, Ordering::Release);
        played
    }
}

impl fmt::Debug for PlayerQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlayerQueue")
            .field("format", &self.format)
            .field("rate", &self.rate)
            .field("queued_ms", &self.queued_ms())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PlayerCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlayerCallback").field("taken", &self.taken).finish_non_exhaustive()
    }
}
