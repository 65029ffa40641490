//! Input audio at the pace of speech, whatever the pace at which the application has it.

use std::{
    collections::VecDeque,
    error, fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::FutureExt;

use super::{InputAudioResource, Live, LiveFork, LiveKind, LiveNotice};
use crate::{
    connection::{Connection, SendErrorKind, Sender, WeakSender},
    error::Error,
    transport::{Instant, Timer},
    types::AudioFormat,
};

/// Duration of the audio in one append.
const CHUNK: Duration = Duration::from_millis(40);

/// The longest delay that is caught up. After a longer one the audio goes on as if the time had not passed.
const CATCH_UP: Duration = Duration::from_millis(400);

/// How much audio waits to be sent at most: what the application pushes beyond it is given back.
const MOST_QUEUED: Duration = Duration::from_secs(600);

/// Sends input audio at the pace of speech: what the application has pushed, else silence.
///
/// A Live session's clock runs on its input, so audio must be sent all the time and in real time. A feeder does it on the
/// transport's timer, whenever somebody drives the connection, 40 ms at a time. The application pushes audio in pieces of
/// any length whenever it has some: a file at once, a microphone's buffers as they come.
///
/// A feeder that is late catches up by at most 400 ms. After a longer delay (nobody drove the connection, or the link did
/// not take what was sent) the time is skipped, counted in [`FeederStatus::skipped`] and reported by
/// [`LiveNotice::FellBehind`]; no audio of the application's is dropped, it is only sent later. Nothing is sent while the
/// session is not open.
///
/// A clone is the same feeder. It works until its last clone is dropped or the connection ends.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(client.live().model("gpt-live-1.1").run(async |live| {
/// let feeder = live.session().input_audio().feeder();
/// # let recording = vec![0; 96_000];
/// feeder.push(&recording).expect("there is room"); // at once, however long it is
/// feeder.drained().await?; // while it is sent at the pace of speech
/// assert_eq!(feeder.status().queued.as_millis(), 0);
/// # Ok::<_, realtime_core::Error>(())
/// # }))?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
pub struct Feeder<P: LiveKind> {
    feed: Arc<Mutex<Feed>>,
    sender: Sender<P>,
}

/// Progress of a feeder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeederStatus {
    /// Duration of the application's audio waiting to be sent. It grows if the application pushes faster than real time.
    pub queued: Duration,
    /// Duration of the application's audio sent.
    pub sent: Duration,
    /// Duration of silence sent because there was no audio.
    pub silence: Duration,
    /// Duration without any audio because the feeder was late.
    pub skipped: Duration,
}

/// Ten minutes of audio would wait, or the piece ends in half a sample: nothing of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeederFull {
    /// So much audio waits, and no more than ten minutes may. Wait until it is [sent](Feeder::drained), or [clear](Feeder::clear) it.
    Queued(Duration),
    /// The piece has so many bytes, and every sample has two.
    HalfSample(usize),
}

impl<P: LiveKind> Feeder<P> {
    /// Queues audio in the session's format. Pieces are joined without a gap.
    ///
    /// # Errors
    /// Ten minutes of audio would wait, or the piece ends in half a sample. Nothing of it was taken.
    pub fn push(&self, audio: &[u8]) -> Result<(), FeederFull> {
        let mut feed = lock(&self.feed);
        feed.format = self.sender.state().input_format();
        feed.push(audio)
    }

    /// Drops what was pushed and not sent yet. How much it was.
    pub fn clear(&self) -> Duration {
        let mut feed = lock(&self.feed);
        let queued = feed.status().queued;
        feed.queue.clear();
        queued
    }

    /// Its progress.
    pub fn status(&self) -> FeederStatus {
        lock(&self.feed).status()
    }

    /// Waits until everything that was pushed so far has been handed to the connection. Drives it meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection ended first, or events wait to be read and there is no room for more: read them, then wait again.
    pub async fn drained(&self) -> Result<(), Error> {
        self.sender.until(|_| lock(&self.feed).queue.is_empty().then_some(())).await
    }
}

impl<P: LiveKind> Clone for Feeder<P> {
    fn clone(&self) -> Self {
        Self { feed: self.feed.clone(), sender: self.sender.clone() }
    }
}

impl<P: LiveKind> fmt::Debug for Feeder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").field("status", &self.status()).finish_non_exhaustive()
    }
}

macro_rules! feeders {
    ($($kind:ident)+) => {$(
        impl InputAudioResource<'_, $kind> {
            /// Begins to send audio at the pace of speech: silence, until something is pushed. See [`Feeder`].
            pub fn feeder(&self) -> Feeder<$kind> {
                begin(self.0)
            }
        }
    )+};
}

feeders!(Live LiveFork);

fn begin<P: LiveKind>(connection: &Connection<P>) -> Feeder<P> {
    let sender = connection.sender();
    let timer = sender.timer();
    let feed = Arc::new(Mutex::new(Feed::new(sender.state().input_format(), timer.now())));
    sender.run(feed_on(Arc::downgrade(&feed), sender.downgrade(), timer).boxed());
    Feeder { feed, sender }
}

/// Sends a piece whenever one is due.
async fn feed_on<P: LiveKind>(feed: Weak<Mutex<Feed>>, sender: WeakSender<P>, timer: Arc<dyn Timer>) {
    loop {
        let Some(due) = feed.upgrade().map(|feed| lock(&feed).next) else { return };
        timer.sleep_until(due).await;
        let (Some(feed), Some(sender)) = (feed.upgrade(), sender.upgrade()) else { return };
        if sender.is_closed() {
            return;
        }
        let now = timer.now();
        let format = sender.state().input_format();
        let open = sender.is_open();
        let mut feed = lock(&feed);
        feed.format = format;
        if !open {
            feed.next = now + CHUNK;
            continue;
        }
        let mut late = feed.skip(now);
        while let Some(piece) = feed.take(now) {
            match sender.append(&piece.audio) {
                Ok(()) => feed.sent(&piece),
                // The link does not take what is sent: later, then.
                Err(refused) if refused.kind() == SendErrorKind::Full => {
                    late += feed.put_back(piece, now);
                    break;
                }
                Err(_) => break,
            }
        }
        drop(feed);
        if late > Duration::ZERO {
            sender.notify(LiveNotice::FellBehind { by: late });
        }
    }
}

/// A piece of audio: so much of it is the application's, the rest is silence.
struct Piece {
    audio: Vec<u8>,
    given: usize,
}

/// What is sent when. Time is an argument.
struct Feed {
    format: AudioFormat,
    queue: VecDeque<u8>,
    /// When the next piece is due.
    next: Instant,
    /// Bytes of the application's audio and of silence that were sent.
    given: u64,
    silence: u64,
    skipped: Duration,
}

impl Feed {
    fn new(format: AudioFormat, now: Instant) -> Self {
        Self { format, queue: VecDeque::new(), next: now, given: 0, silence: 0, skipped: Duration::ZERO }
    }

    fn push(&mut self, audio: &[u8]) -> Result<(), FeederFull> {
        let sample = self.format.bytes_per_sample().unwrap_or(1) as usize;
        if !audio.len().is_multiple_of(sample) {
            return Err(FeederFull::HalfSample(audio.len()));
        }
        if self.length((self.queue.len() + audio.len()) as u64) > MOST_QUEUED {
            return Err(FeederFull::Queued(self.length(self.queue.len() as u64)));
        }
        self.queue.extend(audio);
        Ok(())
    }

    /// Lets go of time that is too long past. How much it was.
    fn skip(&mut self, now: Instant) -> Duration {
        let late = now - self.next;
        if late <= CATCH_UP {
            return Duration::ZERO;
        }
        self.next = now;
        self.skipped += late;
        late
    }

    /// The next piece, if it is due.
    fn take(&mut self, now: Instant) -> Option<Piece> {
        if self.next > now {
            return None;
        }
        self.next = self.next + CHUNK;
        let bytes = self.format.ms_to_bytes(CHUNK.as_millis() as u64).unwrap_or_default();
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0)?;
        let given = bytes.min(self.queue.len());
        let mut audio: Vec<u8> = self.queue.drain(..given).collect();
        audio.resize(bytes, silence(&self.format));
        Some(Piece { audio, given })
    }

    fn sent(&mut self, piece: &Piece) {
        self.given += piece.given as u64;
        self.silence += (piece.audio.len() - piece.given) as u64;
    }

    /// Takes back a piece that could not be sent. How much time passes without audio by that.
    fn put_back(&mut self, piece: Piece, now: Instant) -> Duration {
        for byte in piece.audio[..piece.given].iter().rev() {
            self.queue.push_front(*byte);
        }
        self.next = now + CHUNK;
        self.skipped += CHUNK;
        CHUNK
    }

    fn status(&self) -> FeederStatus {
        FeederStatus {
            queued: self.length(self.queue.len() as u64),
            sent: self.length(self.given),
            silence: self.length(self.silence),
            skipped: self.skipped,
        }
    }

    fn length(&self, bytes: u64) -> Duration {
        Duration::from_millis(self.format.bytes_to_ms(bytes).unwrap_or_default())
    }
}

/// The byte that silence consists of.
fn silence(format: &AudioFormat) -> u8 {
    match format {
        AudioFormat::Pcmu => 0xff,
        AudioFormat::Pcma => 0xd5,
        _ => 0,
    }
}

fn lock(feed: &Mutex<Feed>) -> MutexGuard<'_, Feed> {
    feed.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for FeederFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued(queued) => {
                write!(f, "{} seconds of audio wait to be sent: push no more until they are", queued.as_secs())
            }
            Self::HalfSample(bytes) => write!(f, "{bytes} bytes of 16-bit audio end in half a sample"),
        }
    }
}

impl error::Error for FeederFull {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    #[test]
    fn what_is_there_is_sent_in_real_time_and_silence_where_nothing_is() {
        let mut feed = Feed::new(AudioFormat::Pcmu, at(0));
        feed.push(&[1; 400]).unwrap();
        let mut sent = Vec::new();
        for ms in [0, 39, 40, 80, 200] {
            assert_eq!(feed.skip(at(ms)), Duration::ZERO);
            while let Some(piece) = feed.take(at(ms)) {
                feed.sent(&piece);
                sent.push((ms, piece.given, piece.audio.len(), piece.audio.last().copied()));
            }
        }
        assert_eq!(sent[0], (0, 320, 320, Some(1)));
        assert_eq!(sent[1], (40, 80, 320, Some(0xff)));
        // Late by three pieces: they are caught up.
        assert_eq!(sent.iter().map(|(ms, ..)| *ms).collect::<Vec<_>>(), [0, 40, 80, 200, 200, 200]);
        let status = feed.status();
        assert_eq!((status.sent, status.silence), (Duration::from_millis(50), Duration::from_millis(190)));
    }

    #[test]
    fn a_long_delay_is_skipped_and_no_audio_is_lost() {
        let mut feed = Feed::new(AudioFormat::pcm(), at(0));
        feed.push(&vec![1; 48 * 100]).unwrap();
        assert_eq!(feed.skip(at(5_000)), Duration::from_secs(5));
        let piece = feed.take(at(5_000)).unwrap();
        assert!(feed.take(at(5_000)).is_none());
        assert_eq!(feed.put_back(piece, at(5_000)), CHUNK);
        assert_eq!(feed.status().queued, Duration::from_millis(100));
        let status = feed.status();
        assert_eq!((status.sent, status.skipped), (Duration::ZERO, Duration::from_millis(5_040)));
    }

    #[test]
    fn half_a_sample_and_more_than_ten_minutes_are_given_back() {
        let mut feed = Feed::new(AudioFormat::pcm(), at(0));
        assert_eq!(feed.push(&[0; 3]), Err(FeederFull::HalfSample(3)));
        feed.push(&vec![0; 48_000 * 600]).unwrap();
        assert_eq!(feed.push(&[0; 48]), Err(FeederFull::Queued(Duration::from_secs(600))));
    }
}
