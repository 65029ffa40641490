use std::fmt;

use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice, calculate_cutoff,
};

use crate::{AudioError, Format};

/// Changes the rate of samples, as a stream: pieces of any size in, what is ready out.
///
/// A windowed sinc filter, 128 samples of the lower rate long. It is as precise as 16 bits are, up to 85 % of the lower
/// rate's half, and lets nothing of what lies above the new half rate through. Its delay is taken out: the first sample
/// out belongs to the first one in, and a stream that has [`finish`](Self::finish)ed is as long as it was. Until then the
/// last 64 samples of the lower rate (8 ms at 8,000 Hz), and up to 5 ms more, are held back, for the filter needs what
/// follows.
///
/// How the input is cut into pieces changes no sample of the output. Equal rates pass through untouched.
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
    filter: Async<f32>,
    channels: usize,
    /// The ratio of the rates in lowest terms.
    from: u64,
    to: u64,
    /// Frames of silence that go ahead, so that the filter's delay is a whole number of frames of output.
    lead_in: usize,
    /// Frames of output that belong to nothing.
    delay: usize,
    /// Samples that wait for a chunk to be full.
    waiting: Vec<f32>,
    /// Room for one chunk of output.
    chunk: Vec<f32>,
    /// Frames of output that are still to be left out.
    skip: usize,
    frames_in: u64,
    frames_out: u64,
}

/// The filter's length, in samples of the lower rate.
const LENGTH: usize = 128;
/// Its side lobes lie 92 dB below, just under what 16 bits tell apart.
const WINDOW: WindowFunction = WindowFunction::BlackmanHarris;
/// The most coefficients of filters that are exact for a ratio. Beyond, they are interpolated.
const MOST_COEFFICIENTS: usize = 1 << 18;
/// Filters that are interpolated, between two samples.
const INTERPOLATED: usize = 64;
/// Chunks a second: 5 ms each.
const CHUNKS: usize = 200;
/// Louder than full scale by this factor, floats are clipped, so that no sum overflows.
const LOUDEST: f32 = 1024.0;

impl Resampler {
    /// A resampler between two rates in Hz, for interleaved samples of so many channels.
    ///
    /// # Errors
    ///
    /// A rate outside of 4,000 to 384,000 Hz, or no channels.
    pub fn new(from: u32, to: u32, channels: u16) -> Result<Self, AudioError> {
        Format::float32(from).with_channels(channels).check()?;
        Format::float32(to).check()?;
        if from == to { Ok(Self(None)) } else { Inner::new(from, to, channels.into()).map(|inner| Self(Some(inner))) }
    }

    /// Takes samples, and appends what is ready.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match &mut self.0 {
            Some(inner) => inner.push(samples, out),
            None => out.extend_from_slice(samples),
        }
    }

    /// Appends what was held back. The next sample begins another stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if let Some(inner) = &mut self.0 {
            inner.finish(out);
        }
    }

    /// Forgets what was held back. The next sample begins another stream.
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
        // Samples of input: going down, the filter is that much longer.
        let length = (LENGTH * from).div_ceil(to).max(LENGTH).next_multiple_of(8);
        let exact = to * length <= MOST_COEFFICIENTS;
        let filters = if exact { to } else { INTERPOLATED };
        let parameters = SincInterpolationParameters::new(length, WINDOW)
            .f_cutoff(calculate_cutoff(LENGTH, WINDOW))
            .oversampling_factor(filters)
            .interpolation(if exact { SincInterpolationType::Nearest } else { SincInterpolationType::Cubic });
        let (ratio, chunk) = (f64::from(to_hz) / f64::from(from_hz), (from_hz as usize / CHUNKS).max(1));
        let filter = Async::new_sinc(ratio, 1.0, &parameters, chunk, channels, FixedAsync::Input)
            .map_err(|error| AudioError::Resampler(error.to_string().into()))?;
        // Output n is the input at (n + 1) * from / to - length / 2 + 1 / filters. Where the filters are exact, silence
        // ahead makes that a whole number of frames of output for the first sample.
        let late = |lead_in: usize| (length / 2 + lead_in) * to - 1;
        let lead_in = if exact { (0..from).find(|lead_in| late(*lead_in) % from == 0).unwrap_or(0) } else { 0 };
        let mut inner = Self {
            chunk: vec![0.0; filter.output_frames_max() * channels],
            filter,
            channels,
            from: from as u64,
            to: to as u64,
            lead_in,
            delay: (late(lead_in) + from / 2) / from - 1,
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
        // Rounded, as is a time that ends within a sample.
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

    /// Filters a chunk, what is missing of it is silence, and appends as much as there may be in all. Whether it could,
    /// which it always can: both buffers have the sizes that the filter asks for.
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

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.0.as_ref().map(|inner| (inner.from, inner.to));
        f.debug_struct("Resampler").field("ratio", &ratio).finish_non_exhaustive()
    }
}
