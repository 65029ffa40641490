use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
};

use cpal::{
    Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait, StreamTrait},
};
use realtime_audio::{Converter, Format, Level};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::{
    DeviceError,
    stream::{Failure, configuration},
};

/// Milliseconds of audio in one chunk.
const CHUNK_MS: u64 = 20;
/// Milliseconds of audio that wait for an application that is busy.
const WAITING_MS: usize = 2_000;

/// A microphone that records.
///
/// Recording begins when it is opened and ends when it is dropped.
pub struct Microphone {
    name: String,
    ring: Consumer<f32>,
    converter: Converter,
    /// Samples of one chunk at the device's rate, one channel.
    chunk: usize,
    failure: Failure,
    shared: Arc<Shared>,
    level: Level,
    _stream: Stream,
}

#[derive(Default)]
struct Shared {
    muted: AtomicBool,
    dropped: AtomicU64,
}

impl Microphone {
    pub(crate) fn open(device: &Device, format: Format) -> Result<Self, DeviceError> {
        let name = device.to_string();
        let fail = |error| DeviceError::opening(error, &name);
        let (config, samples) = configuration(device.default_input_config().map_err(fail)?, &name)?;
        let rate = config.sample_rate;
        let converter =
            Converter::new(Format::float32(rate), format).map_err(|error| DeviceError::from_audio(error, &name))?;
        let (ring, consumer) = RingBuffer::new(rate as usize * WAITING_MS / 1000);
        let (failure, shared) = (Failure::default(), Arc::new(Shared::default()));
        let recorder = Recorder { ring, failure: failure.clone(), shared: shared.clone() };
        let stream = match samples {
            SampleFormat::I16 => recorder.stream::<i16>(device, config),
            SampleFormat::I32 => recorder.stream::<i32>(device, config),
            SampleFormat::U8 => recorder.stream::<u8>(device, config),
            _ => recorder.stream::<f32>(device, config),
        };
        let stream = stream.map_err(fail)?;
        stream.play().map_err(fail)?;
        let chunk = (u64::from(rate) * CHUNK_MS / 1000) as usize;
        Ok(Self { name, ring: consumer, converter, chunk, failure, shared, level: Level::default(), _stream: stream })
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next 20 ms of audio.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The device was lost or failed. Drop the microphone and open it again.
    pub async fn next(&mut self) -> Result<Vec<u8>, DeviceError> {
        poll_fn(|cx| {
            self.failure.register(cx.waker());
            if let Some(error) = self.failure.get(&self.name) {
                return Poll::Ready(Err(error));
            }
            if self.ring.slots() >= self.chunk { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await?;
        let samples: Vec<f32> = std::iter::from_fn(|| self.ring.pop().ok()).take(self.chunk).collect();
        self.level = Level::of(&samples);
        Ok(self.converter.convert_samples(&samples).to_vec())
    }

    /// The level of the last chunk.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Records silence, or sound again: for push-to-talk, or while a speaker nearby plays.
    pub fn mute(&self, muted: bool) {
        self.shared.muted.store(muted, Ordering::Relaxed);
    }

    /// Number of samples dropped because [`next`](Self::next) was not called for two seconds.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Microphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microphone").field("name", &self.name).field("level", &self.level).finish_non_exhaustive()
    }
}

/// The side of the device's thread.
struct Recorder {
    ring: Producer<f32>,
    failure: Failure,
    shared: Arc<Shared>,
}

impl Recorder {
    fn stream<T: SizedSample>(mut self, device: &Device, config: StreamConfig) -> Result<Stream, cpal::Error>
    where
        f32: FromSample<T>,
    {
        let (channels, failure) = (usize::from(config.channels), self.failure.clone());
        device.build_input_stream(
            config,
            move |data: &[T], _| self.record(data, channels),
            move |error| failure.report(error),
            None,
        )
    }

    /// Takes what the device recorded: the mean of its channels. Takes no lock, allocates nothing.
    fn record<T: SizedSample>(&mut self, data: &[T], channels: usize)
    where
        f32: FromSample<T>,
    {
        let muted = self.shared.muted.load(Ordering::Relaxed);
        for frame in data.chunks_exact(channels) {
            let sum: f32 = frame.iter().map(|&sample| f32::from_sample_(sample)).sum();
            let sample = if muted { 0.0 } else { sum / channels as f32 };
            if self.ring.push(sample).is_err() {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.failure.wake();
    }
}
