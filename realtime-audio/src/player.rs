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

/// Feeds a sound card's callback with the model's audio, and keeps the playback ledger.
///
/// The callback gets a [`PlayerCallback`] of its own, which takes no lock, allocates nothing and never waits. This side
/// stays with the connection: it takes audio from the [`Player`], at the card's rate, tells the ledger how many samples
/// the callback has taken, and drops from the queue what was cut off.
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
/// let player = connection.player().expect("the options turn it on");
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
    /// Samples at the card's rate that found no room yet.
    pending: Vec<f32>,
    /// Samples at the card's rate that were made since the beginning, pending ones included.
    made: u64,
    /// Where the resampler's stream began: its first sample in the queue's count.
    stream: u64,
    /// Samples that went into that stream.
    stream_in: u64,
    /// Audio in the queue that has not been reported as heard.
    pieces: VecDeque<Piece>,
    /// Whether the resampler holds something back.
    held_back: bool,
}

/// A piece of audio in the queue.
#[derive(Debug)]
struct Piece {
    item_id: Id,
    /// Where it lies in the queue's count: `start..end`, at the card's rate.
    start: u64,
    end: u64,
    /// Its samples at the session's rate, and how many of them were reported.
    samples: u64,
    reported: u64,
}

/// What the two sides tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Samples that the callback has taken from the ring, played or dropped.
    taken: AtomicU64,
    /// Up to here, samples are to be dropped.
    drop_until: AtomicU64,
}

/// The side of a [`PlayerQueue`] that a sound card's callback owns.
pub struct PlayerCallback {
    ring: Consumer<f32>,
    shared: Arc<Shared>,
    taken: u64,
}

/// The longest queue, in milliseconds.
const MOST_QUEUED_MS: u64 = 10_000;
/// How often [`PlayerQueue::run`] calls [`PlayerQueue::sync`].
const TICK: Duration = Duration::from_millis(10);

impl PlayerQueue {
    /// A queue for audio of a session's format, played at the card's rate in Hz. It holds `length` of audio, from 20 ms
    /// to ten seconds, and plays on for that long when the executor is busy: 200 ms are usually enough.
    ///
    /// # Errors
    ///
    /// A rate that is not supported, or a format of more than one channel.
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

    /// Reports what the callback took as heard, drops what the ledger has cut off, and takes more audio while there is
    /// room. Call it every 10 ms or so, or let [`run`](Self::run) do it.
    ///
    /// The ledger knows what was heard up to the last call. Where the user interrupts by
    /// [speech](realtime_core::session::realtime::Playback::barge_in), the truncation is exact to the time between two
    /// calls, and never later than what was heard; [`interrupt`](Self::interrupt) is exact to the callback.
    pub fn sync(&mut self, player: &Player) {
        // An interruption is in the player's stream as well, but behind what waits here for room.
        if self.pieces.front().is_some_and(|piece| player.heard(&piece.item_id).is_some()) {
            self.clear();
        }
        // Also if that is nothing: or else the clock would be believed, though the card stands still.
        player.played(self.report());
        self.refill(|| player.next());
    }

    /// Stops the model at what was heard until now: [`Player::interrupt`], with a queue that is empty after it.
    pub fn interrupt(&mut self, player: &Player) {
        self.sync(player);
        player.interrupt();
        self.clear();
    }

    /// Calls [`sync`](Self::sync) every 10 ms, until the future is dropped.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped at any time and `run` called again: nothing is lost.
    pub async fn run(&mut self, player: &Player, timer: &dyn Timer) {
        let mut next = timer.now();
        loop {
            self.sync(player);
            next = (next + TICK).max(timer.now());
            timer.sleep_until(next).await;
        }
    }

    /// How much audio is in the queue, in milliseconds.
    pub fn queued_ms(&self) -> u64 {
        let gone = self.shared.taken.load(Ordering::Acquire).max(self.shared.drop_until.load(Ordering::Relaxed));
        self.made.saturating_sub(gone) * 1000 / u64::from(self.rate)
    }

    /// Drops all audio that is in the queue.
    pub fn clear(&mut self) {
        self.pieces.clear();
        // What found no room in the ring goes here, what is in the ring in the callback.
        self.made -= self.pending.len() as u64;
        self.pending.clear();
        self.shared.drop_until.store(self.made, Ordering::Release);
        self.begin_stream();
    }

    /// How many more samples, at the session's rate, the callback has taken since the last time.
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

    /// Takes pieces while there is room for all of the last one. Not before the callback has dropped what it should: the
    /// next words would begin with what little room there is, and then wait.
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
                // What the resampler holds back is heard as well, once nothing follows.
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

    /// Where a sample of the resampler's stream lies in the queue's count.
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
    /// Fills a buffer of so many interleaved channels with what is next, the same in each, and with silence where there
    /// is nothing. How many samples of each channel were audio.
    ///
    /// Takes no lock, allocates nothing, never waits.
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
