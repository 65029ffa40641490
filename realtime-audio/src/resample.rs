use std::fmt;

use rubato::{
    Async, Fft, FixedAsync, FixedSync, Indexing, ResamplerConstructionError, SincInterpolationParameters,
    WindowFunction, audioadapter_buffers::direct::InterleavedSlice, calculate_cutoff,
};

use crate::{AudioError, Format};

/// Converts the sampling rate of a stream. Accepts chunks of any size and returns the output available so far.
///
/// Uses a windowed sinc filter of 20 ms. For rates from 8,000 Hz, it is accurate to 16 bits up to 90 % of the lower Nyquist
/// frequency, and removes everything above that frequency. The filter's delay is compensated: the first output sample
/// corresponds to the first input sample, and a [`finish`](Self::finish)ed stream has its original duration. Until then, the
/// last 10 ms and any incomplete block of 20 ms are held back, so a stream of 20 ms frames has a latency of 10 ms. (For
/// rates with a small common divisor, blocks are up to 40 ms long. If that is not enough, the filter has 128 samples of the
/// lower rate, and blocks are 5 ms long.)
///
/// The output does not depend on how the input is chunked. With equal rates, samples are unchanged.
///
/// ```
/// use realtime_audio::Resampler;
///
/// let mut resampler = Resampler::new(8_000, 24_000, 1)?;
/// let mut out = Vec::new();
/// for piece in [0.25_f32; 8_000].chunks(160) {
///     resampler.push(piece, &mut out);
/// }
/// resampler.finish(&mut out);
/// assert_eq!(out.len(), 24_000);
/// # Ok::<(), realtime_audio::AudioError>(())
/// ```
pub struct Resampler(Option<Inner>);

struct Inner {
    filter: Box<dyn rubato::Resampler<f32>>,
    channels: usize,
    /// The ratio of the rates in lowest terms.
    from: u64,
    to: u64,
    /// Leading frames of silence, which make the filter's delay a whole number of output frames.
    lead_in: usize,
    /// Output frames that correspond to no input.
    delay: usize,
    /// Samples of an incomplete chunk.
    waiting: Vec<f32>,
    /// Buffer for one chunk of output.
    chunk: Vec<f32>,
    /// Output frames still to be skipped.
    skip: usize,
    frames_in: u64,
    frames_out: u64,
}

/// Window with side lobes at -92 dB, just below 16-bit resolution.
const WINDOW: WindowFunction = WindowFunction::BlackmanHarris;
/// Blocks per second: 20 ms each, as closely as the ratio allows.
const BLOCKS: usize = 50;
/// Minimum number of blocks per second. Ratios that need longer blocks use the interpolated filter.
const FEWEST_BLOCKS: usize = 25;
/// Length of the interpolated filter in samples of the lower rate, and its number of points between two samples.
const INTERPOLATED: usize = 128;
const POINTS: usize = 64;
/// Chunks per second with the interpolated filter.
const CHUNKS: usize = 200;
/// Floats are clipped at this multiple of full scale, so that no sum overflows.
const LOUDEST: f32 = 1024.0;

impl Resampler {
    /// Creates a resampler between two rates in Hz, for interleaved samples of `channels` channels.
    ///
    /// # Errors
    ///
    /// A rate is outside 4,000 to 384,000 Hz, or there are no channels.
    pub fn new(from: u32, to: u32, channels: u16) -> Result<Self, AudioError> {
        Format::float32(from).with_channels(channels).check()?;
        Format::float32(to).check()?;
        if from == to { Ok(Self(None)) } else { Inner::new(from, to, channels.into()).map(|inner| Self(Some(inner))) }
    }

    /// Pushes samples, and appends the available output to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match &mut self.0 {
            Some(inner) => inner.push(samples, out),
            None => out.extend_from_slice(samples),
        }
    }

    /// Appends the remaining output to `out`. The next sample starts a new stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if let Some(inner) = &mut self.0 {
            inner.finish(out);
        }
    }

    /// Discards buffered samples. The next sample starts a new stream.
    pub fn reset(&mut self) {
        if let Some(inner) = &mut self.0 {
            inner.reset();
        }
    }
}

impl Inner {
    fn new(from_hz: u32, to_hz: u32, channels: usize) -> Result<Self, AudioError> {
        let divisor = gcd(from_hz, to_hz);
        let (from, to) = ((from_hz / divisor) as usize, (to_hz / divisor) as usize);
        let (from_hz, to_hz) = (from_hz as usize, to_hz as usize);
        // The filter's delay in points of input, of which each sample has `points`.
        let block = from * ((from_hz / BLOCKS + from / 2) / from).max(1);
        let (filter, late, points) = if block <= from_hz / FEWEST_BLOCKS {
            (spectral(from_hz, to_hz, block, channels), block / 2, 1)
        } else {
            let length = (INTERPOLATED * from_hz).div_ceil(to_hz).max(INTERPOLATED).next_multiple_of(8);
            // The first output sample is one output step late and one point early.
            (interpolated(from_hz, to_hz, length, channels), length / 2 * POINTS - 1 - POINTS * from / to, POINTS)
        };
        let filter = filter.map_err(|error| AudioError::Resampler(error.to_string().into()))?;
        // Leading silence makes that a whole number of output frames.
        let late = |lead_in: usize| (late + lead_in * points) * to;
        let lead_in = (0..from).find(|lead_in| late(*lead_in) % (from * points) == 0).unwrap_or(0);
        let mut inner = Self {
            chunk: vec![0.0; filter.output_frames_max() * channels],
            filter,
            channels,
            from: from as u64,
            to: to as u64,
            lead_in,
            delay: (late(lead_in) + from * points / 2) / (from * points),
            waiting: Vec::new(),
            skip: 0,
            frames_in: 0,
            frames_out: 0,
        };
        inner.reset();
        Ok(inner)
    }

    fn reset(&mut self) {
        self.filter.reset();
        self.waiting.clear();
        self.waiting.resize(self.lead_in * self.channels, 0.0);
        self.skip = self.delay;
        (self.frames_in, self.frames_out) = (0, 0);
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.frames_in += (samples.len() / self.channels) as u64;
        self.waiting.extend(samples.iter().map(
            |sample| {
                if sample.is_nan() { 0.0 } else { sample.clamp(-LOUDEST, LOUDEST) }
            },
        ));
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = &waiting[..];
        while let Some((chunk, after)) = rest.split_at_checked(self.filter.input_frames_next() * self.channels) {
            self.run(chunk, out, u64::MAX);
            rest = after;
        }
        let used = waiting.len() - rest.len();
        self.waiting = waiting;
        self.waiting.drain(..used);
    }

    fn finish(&mut self, out: &mut Vec<f32>) {
        // Rounded, like any time that ends within a sample.
        let whole =
            (u128::from(self.frames_in) * u128::from(self.to) + u128::from(self.from / 2)) / u128::from(self.from);
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        let mut last = std::mem::take(&mut self.waiting);
        while self.frames_out < whole && self.run(&last, out, whole) {
            last.clear();
        }
        self.waiting = last;
        self.reset();
    }

    /// Filters a chunk, padded with silence, and appends its output up to the total that the input allows. Returns whether
    /// the filter succeeded, which it always does: both buffers have the sizes that it requires.
    fn run(&mut self, input: &[f32], out: &mut Vec<f32>, most: u64) -> bool {
        let frames = input.len() / self.channels;
        let room = self.chunk.len() / self.channels;
        let (Ok(input), Ok(mut output)) = (
            InterleavedSlice::new(input, self.channels, frames),
            InterleavedSlice::new_mut(&mut self.chunk, self.channels, room),
        ) else {
            return false;
        };
        let partial = Indexing { partial_len: Some(frames), ..Indexing::default() };
        let Ok((_, made)) = self.filter.process_into_buffer(&input, &mut output, Some(&partial)) else { return false };
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        let left = usize::try_from(most - self.frames_out).unwrap_or(usize::MAX);
        let taken = (made - skipped).min(left);
        self.frames_out += taken as u64;
        out.extend_from_slice(&self.chunk[skipped * self.channels..(skipped + taken) * self.channels]);
        true
    }
}

type Filter = Result<Box<dyn rubato::Resampler<f32>>, ResamplerConstructionError>;

/// Filters blocks in the frequency domain, where changing the rate is free.
fn spectral(from: usize, to: usize, block: usize, channels: usize) -> Filter {
    Ok(Box::new(Fft::new_custom(from, to, block, 1, channels, WINDOW, FixedSync::Input)?))
}

/// Computes every sample as a sum over the interpolated filter.
fn interpolated(from: usize, to: usize, length: usize, channels: usize) -> Filter {
    let parameters = SincInterpolationParameters::new(length, WINDOW)
        .f_cutoff(calculate_cutoff(INTERPOLATED, WINDOW))
        .oversampling_factor(POINTS);
    let (ratio, chunk) = (to as f64 / from as f64, from / CHUNKS);
    Ok(Box::new(Async::new_sinc(ratio, 1.0, &parameters, chunk, channels, FixedAsync::Input)?))
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.0.as_ref().map(|inner| (inner.from, inner.to));
        f.debug_struct("Resampler").field("ratio", &ratio).finish_non_exhaustive()
    }
}
