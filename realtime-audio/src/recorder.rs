use std::{
    collections::VecDeque,
    error, fmt,
    io::{Seek, Write},
    time::Duration,
};

use bytes::Bytes;
use realtime_core::{Id, Player, event::ServerEvent, session::realtime::Heard, transport::Instant};

use crate::{
    AudioError, Converter, Format,
    wav::{WavError, WavWriter},
};

/// Records a session in stereo: the audio sent on the left, the model's audio as it was *heard* on the right.
///
/// The model sends faster than real time, and truncated audio is never heard. The right channel therefore does not contain
/// what was received, but what the playback ledger reports as heard, at the time at which it was heard: see
/// [`Player`](realtime_core::Player). Gaps on either side are recorded as silence, so later audio stays in place.
///
/// ```
/// use std::{io::Cursor, time::Duration};
/// use realtime_audio::{Format, Recorder, wav::Wav};
/// use realtime_core::transport::Instant;
///
/// let at = |ms| Instant::from_origin(Duration::from_millis(ms));
/// let pcm = Format::pcm(24_000);
/// let mut recorder = Recorder::new(Cursor::new(Vec::new()), pcm, pcm, 24_000, at(0))?;
/// recorder.sent(&[0; 4_800], at(0))?;
/// recorder.received("item_1", 0, vec![0; 48_000].into())?; // a second of audio
/// recorder.heard("item_1", 0, 400, at(700))?; // 400 ms of it were heard by now, so it began at 300 ms
/// recorder.cut_off("item_1", 0);
/// let file = recorder.finish()?.into_inner();
/// assert_eq!(Wav::parse(&file)?.duration(), Duration::from_millis(700));
/// # Ok::<(), realtime_audio::RecordError>(())
/// ```
///
/// With a connection, [`event`](Self::event) and [`follow`](Self::follow) supply the right channel: call the former with each
/// event, and the latter about every 100 ms.
#[derive(Debug)]
pub struct Recorder<W> {
    wav: WavWriter<W>,
    begin: Instant,
    sent: Side,
    heard: Side,
    /// Audio received and not heard yet, in playback order.
    waiting: VecDeque<Item>,
    waiting_bytes: usize,
    interleaved: Vec<u8>,
}

#[derive(Debug)]
struct Item {
    id: Id,
    part: u32,
    audio: VecDeque<Bytes>,
    /// Bytes heard.
    heard: u64,
}

/// One channel of the recording. Audio is appended in order.
#[derive(Debug)]
struct Side {
    converter: Converter,
    /// Frames written, at the channel's own rate.
    frames: u64,
    /// 16-bit samples at the recording's rate beyond the end of the other channel.
    ready: Vec<u8>,
}

/// How far one channel may lag behind the other before it is filled with silence. On a telephone, what was heard is known
/// only after a mark was returned.
const MOST_LAG: Duration = Duration::from_secs(10);
/// Maximum number of bytes of audio not heard yet: the same limit as in the session.
const MOST_WAITING: usize = 128 << 20;
/// Longest gap within an item that is closed up, because reports of what was heard are slightly late and in whole
/// milliseconds.
const SEAMLESS: Duration = Duration::from_millis(60);
/// Number of samples of silence written at a time.
const SILENCE: [f32; 1024] = [0.0; 1024];

impl<W: Write> Recorder<W> {
    /// Starts a recording at `now`, with the formats of the sent and the received audio, and the recording's rate in
    /// Hz.
    ///
    /// # Errors
    ///
    /// The formats cannot be converted, or the sink failed.
    pub fn new(sink: W, sent: Format, received: Format, rate: u32, now: Instant) -> Result<Self, RecordError> {
        Ok(Self {
            wav: WavWriter::new(sink, Format::pcm(rate).with_channels(2))?,
            begin: now,
            sent: Side::new(sent, rate)?,
            heard: Side::new(received, rate)?,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            interleaved: Vec::new(),
        })
    }

    /// Records audio sent at `now`. Audio sent faster than real time is appended to the previous audio.
    ///
    /// # Errors
    ///
    /// The sink failed, or the recording would exceed 4 GiB.
    pub fn sent(&mut self, audio: &[u8], now: Instant) -> Result<(), RecordError> {
        self.sent.place(now.since(self.begin), audio);
        self.write()
    }

    /// Adds received audio of a content part, to be played after the audio received before it.
    ///
    /// # Errors
    ///
    /// [`RecordError::NothingHeard`]: too much audio was received without a report of playback.
    pub fn received(&mut self, item_id: &str, content_index: u32, audio: Bytes) -> Result<(), RecordError> {
        if self.waiting_bytes.saturating_add(audio.len()) > MOST_WAITING {
            return Err(RecordError::NothingHeard);
        }
        self.waiting_bytes += audio.len();
        match self.find(item_id, content_index) {
            Some(at) => self.waiting[at].audio.push_back(audio),
            None => self.waiting.push_back(Item {
                id: item_id.into(),
                part: content_index,
                audio: [audio].into(),
                heard: 0,
            }),
        }
        Ok(())
    }

    /// Reports that a content part was heard up to a position in milliseconds, and the parts before it completely unless
    /// they were [cut off](Self::cut_off).
    ///
    /// # Errors
    ///
    /// See [`sent`](Self::sent).
    pub fn heard(&mut self, item_id: &str, content_index: u32, ms: u64, now: Instant) -> Result<(), RecordError> {
        let Some(at) = self.find(item_id, content_index) else { return Ok(()) };
        self.all_heard(at, now);
        if let Some(item) = self.waiting.front_mut() {
            let bytes = self.heard.converter.from().ms_to_bytes(ms).saturating_sub(item.heard);
            let heard = self.heard.play(item, bytes, now.since(self.begin));
            self.waiting_bytes -= heard;
        }
        self.write()
    }

    /// Reports that nothing more of a content part will be heard.
    pub fn cut_off(&mut self, item_id: &str, content_index: u32) {
        if let Some(item) = self.find(item_id, content_index).and_then(|at| self.waiting.remove(at)) {
            self.waiting_bytes -= item.waits();
        }
    }

    /// Adds the audio of an event, if it carries any.
    ///
    /// # Errors
    ///
    /// See [`received`](Self::received).
    pub fn event(&mut self, event: &ServerEvent) -> Result<(), RecordError> {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                self.received(&delta.item_id, delta.content_index, delta.delta.clone().into_bytes())
            }
            _ => Ok(()),
        }
    }

    /// Records what a connection's playback ledger reports as heard or truncated.
    ///
    /// # Errors
    ///
    /// See [`sent`](Self::sent).
    pub fn follow(&mut self, player: &Player, now: Instant) -> Result<(), RecordError> {
        let cut: Vec<Heard> = self.waiting.iter().filter_map(|item| player.heard(&item.id)).collect();
        for Heard { item_id, content_index, ms, .. } in cut {
            self.heard(&item_id, content_index, ms, now)?;
            self.cut_off(&item_id, content_index);
        }
        match player.position() {
            Some((item_id, content_index, ms)) => self.heard(&item_id, content_index, ms, now),
            None => {
                self.all_heard(self.waiting.len(), now);
                self.write()
            }
        }
    }

    /// Marks the first items as heard completely.
    fn all_heard(&mut self, items: usize, now: Instant) {
        for mut item in self.waiting.drain(..items) {
            self.waiting_bytes -= self.heard.play(&mut item, u64::MAX, now.since(self.begin));
        }
    }

    fn find(&self, item_id: &str, content_index: u32) -> Option<usize> {
        self.waiting.iter().position(|item| item.part == content_index && item.id == *item_id)
    }

    /// Writes the samples available in both channels.
    fn write(&mut self) -> Result<(), RecordError> {
        let (sent, heard) = (self.sent.time(), self.heard.time());
        self.sent.fill(heard.saturating_sub(MOST_LAG));
        self.heard.fill(sent.saturating_sub(MOST_LAG));
        self.interleave()
    }

    fn interleave(&mut self) -> Result<(), RecordError> {
        let both = self.sent.ready.len().min(self.heard.ready.len());
        self.interleaved.clear();
        let (left, right) = (self.sent.ready[..both].chunks(2), self.heard.ready[..both].chunks(2));
        self.interleaved.extend(left.zip(right).flat_map(|(left, right)| left.iter().chain(right)));
        self.wav.write(&self.interleaved)?;
        self.sent.ready.drain(..both);
        self.heard.ready.drain(..both);
        Ok(())
    }

    /// Fills the shorter channel with silence, and writes the rest.
    fn end(&mut self) -> Result<(), RecordError> {
        let end = self.sent.time().max(self.heard.time());
        self.sent.end(end);
        self.heard.end(end);
        let longer = self.sent.ready.len().max(self.heard.ready.len());
        // Rounding between the rates leaves a difference of at most one sample.
        self.sent.ready.resize(longer, 0);
        self.heard.ready.resize(longer, 0);
        self.interleave()
    }

    /// Ends the recording on a sink that cannot seek, and returns the sink. The file's header declares an unknown length.
    ///
    /// # Errors
    ///
    /// See [`sent`](Self::sent).
    pub fn finish_unknown(mut self) -> Result<W, RecordError> {
        self.end()?;
        Ok(self.wav.finish_unknown()?)
    }
}

impl<W: Write + Seek> Recorder<W> {
    /// Ends the recording and returns the sink. Audio that was not heard is not included.
    ///
    /// # Errors
    ///
    /// See [`sent`](Self::sent).
    pub fn finish(mut self) -> Result<W, RecordError> {
        self.end()?;
        Ok(self.wav.finish()?)
    }
}

impl Item {
    /// Bytes not heard.
    fn waits(&self) -> usize {
        self.audio.iter().map(Bytes::len).sum()
    }
}

impl Side {
    fn new(format: Format, rate: u32) -> Result<Self, AudioError> {
        Ok(Self { converter: Converter::new(format, Format::pcm(rate))?, frames: 0, ready: Vec::new() })
    }

    /// Playback status of the queued audio.
    fn time(&self) -> Duration {
        let rate = u128::from(self.converter.from().rate_hz());
        let nanos = (u128::from(self.frames) * 1_000_000_000).div_ceil(rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Duration of a number of bytes.
    fn length(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.converter.from().bytes_per_second());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Fills the channel with silence up to a time.
    fn fill(&mut self, until: Duration) {
        let rate = u128::from(self.converter.from().rate_hz());
        let until = u64::try_from(until.as_nanos() * rate / 1_000_000_000).unwrap_or(u64::MAX);
        let channels = u64::from(self.converter.from().channels());
        let mut samples = until.saturating_sub(self.frames) * channels;
        self.frames = self.frames.max(until);
        while samples > 0 {
            let some = samples.min(SILENCE.len() as u64);
            // At most 1024.
            self.ready.extend_from_slice(self.converter.convert_samples(&SILENCE[..some as usize]));
            samples -= some;
        }
    }

    /// Adds audio at a time, or after the existing audio if that is later.
    fn place(&mut self, at: Duration, audio: &[u8]) {
        self.fill(at);
        self.append(audio);
    }

    fn append(&mut self, audio: &[u8]) {
        self.frames += (audio.len() / self.converter.from().frame_width()) as u64;
        self.ready.extend_from_slice(self.converter.convert(audio));
    }

    /// Records that more of the item was heard, up to all of it. Returns the number of bytes.
    fn play(&mut self, item: &mut Item, bytes: u64, now: Duration) -> usize {
        let bytes = bytes.min(item.waits() as u64);
        if bytes == 0 {
            return 0;
        }
        let start = now.saturating_sub(self.length(bytes));
        let begun = item.heard > 0;
        if !begun || start > self.time() + SEAMLESS {
            self.fill(start);
        }
        item.heard += bytes;
        let mut left = bytes as usize; // no more than waits in memory
        while left > 0
            && let Some(mut audio) = item.audio.pop_front()
        {
            let rest = audio.split_off(left.min(audio.len()));
            self.append(&audio);
            left -= audio.len();
            if !rest.is_empty() {
                item.audio.push_front(rest);
            }
        }
        bytes as usize
    }

    /// Fills up to the end, and flushes the converter.
    fn end(&mut self, end: Duration) {
        self.fill(end);
        self.ready.extend_from_slice(self.converter.finish());
    }
}

/// Why a recording failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordError {
    /// The formats cannot be recorded.
    Format(AudioError),
    /// The file could not be written.
    Wav(WavError),
    /// 128 MiB of audio were received without a report of playback: report what was heard or truncated.
    NothingHeard,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(_) => f.write_str("the formats cannot be recorded"),
            Self::Wav(_) => f.write_str("the recording could not be written"),
            Self::NothingHeard => {
                f.write_str("128 MiB of audio wait to be heard: follow the player, or say what was heard")
            }
        }
    }
}

impl error::Error for RecordError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            Self::Wav(error) => Some(error),
            Self::NothingHeard => None,
        }
    }
}

impl From<AudioError> for RecordError {
    fn from(error: AudioError) -> Self {
        Self::Format(error)
    }
}

impl From<WavError> for RecordError {
    fn from(error: WavError) -> Self {
        Self::Wav(error)
    }
}
