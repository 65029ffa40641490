use crate::{AudioError, Format, Resampler, Sample};

/// Streaming converter between two audio formats. Accepts any number of bytes and returns whole samples.
///
/// Encodings, rates and numbers of channels may all differ. Several channels are averaged into one, and one is copied to
/// several. The output does not depend on how the input is chunked, and a sample may be split between chunks.
///
/// Once its buffers have grown to the size of a chunk, it does not allocate.
///
/// ```
/// use realtime_audio::{Converter, Format};
///
/// // From a telephone to the model.
/// let mut to_model = Converter::new(Format::pcmu(), Format::pcm(24_000))?;
/// let mut heard = Vec::new();
/// for frame in [0xff_u8; 800].chunks(160) {
///     heard.extend_from_slice(to_model.convert(frame));
/// }
/// heard.extend_from_slice(to_model.finish());
/// assert_eq!(heard.len(), 4_800); // 100 ms
/// # Ok::<(), realtime_audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct Converter {
    from: Format,
    to: Format,
    /// Bytes of an incomplete sample, or of an incomplete frame if audio is passed through.
    bytes: Vec<u8>,
    /// Samples of an incomplete frame; during a conversion, all samples of the chunk.
    samples: Vec<f32>,
    mixed: Vec<f32>,
    resampler: Resampler,
    resampled: Vec<f32>,
    out: Vec<u8>,
    left_over: usize,
}

impl Converter {
    /// Creates a converter.
    ///
    /// # Errors
    ///
    /// A rate is not supported, there are no channels, or the channels cannot be mixed.
    pub fn new(from: Format, to: Format) -> Result<Self, AudioError> {
        from.check()?;
        to.check()?;
        let (before, after) = (from.channels(), to.channels());
        if before != after && before != 1 && after != 1 {
            return Err(AudioError::Channels { from: before, to: after });
        }
        Ok(Self {
            from,
            to,
            bytes: Vec::new(),
            samples: Vec::new(),
            mixed: Vec::new(),
            // Resamples as few channels as possible.
            resampler: Resampler::new(from.rate_hz(), to.rate_hz(), before.min(after))?,
            resampled: Vec::new(),
            out: Vec::new(),
            left_over: 0,
        })
    }

    /// The input format.
    pub fn from(&self) -> Format {
        self.from
    }

    /// The output format.
    pub fn to(&self) -> Format {
        self.to
    }

    /// Converts a chunk and returns the output available so far; [`Resampler`] describes the latency. Between equal formats,
    /// the bytes are unchanged.
    pub fn convert(&mut self, input: &[u8]) -> &[u8] {
        self.out.clear();
        if self.from == self.to {
            self.out.extend_from_slice(&self.bytes);
            self.out.extend_from_slice(input);
            let whole = self.out.len() - self.out.len() % self.from.frame_width();
            self.bytes.clear();
            self.bytes.extend_from_slice(&self.out[whole..]);
            self.out.truncate(whole);
            return &self.out;
        }
        let (encoding, width) = (self.from.encoding(), self.from.encoding().width());
        let mut input = input;
        if !self.bytes.is_empty() {
            let (missing, rest) = input.split_at((width - self.bytes.len()).min(input.len()));
            self.bytes.extend_from_slice(missing);
            input = rest;
            if self.bytes.len() == width {
                encoding.decode(&self.bytes, &mut self.samples);
                self.bytes.clear();
            }
        }
        encoding.decode(input, &mut self.samples);
        self.bytes.extend_from_slice(&input[input.len() - input.len() % width..]);
        self.advance();
        &self.out
    }

    /// Converts interleaved samples that are already decoded, with the input format's rate and channels: from a microphone's
    /// callback, for example.
    pub fn convert_samples<S: Sample>(&mut self, input: &[S]) -> &[u8] {
        self.out.clear();
        self.samples.extend(input.iter().map(|sample| sample.to_f32()));
        self.advance();
        &self.out
    }

    /// Ends the stream and returns the remaining output. An incomplete sample or frame at the end is dropped:
    /// [`left_over`](Self::left_over) is its size in bytes. The next chunk starts a new stream.
    pub fn finish(&mut self) -> &[u8] {
        self.out.clear();
        self.left_over = self.bytes.len() + self.samples.len() * self.from.encoding().width();
        self.bytes.clear();
        self.samples.clear();
        self.resampled.clear();
        self.resampler.finish(&mut self.resampled);
        self.emit();
        &self.out
    }

    /// Bytes of an incomplete sample or frame that the last [`finish`](Self::finish) dropped.
    pub fn left_over(&self) -> usize {
        self.left_over
    }

    /// Discards buffered audio, for a barge-in. The next chunk starts a new stream.
    pub fn reset(&mut self) {
        self.bytes.clear();
        self.samples.clear();
        self.resampler.reset();
    }

    /// Converts the complete frames to output.
    fn advance(&mut self) {
        let channels = usize::from(self.from.channels());
        let whole = self.samples.len() - self.samples.len() % channels;
        self.resampled.clear();
        if channels > 1 && self.to.channels() == 1 {
            self.mixed.clear();
            let average = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
            self.mixed.extend(self.samples[..whole].chunks_exact(channels).map(average));
            self.resampler.push(&self.mixed, &mut self.resampled);
        } else {
            self.resampler.push(&self.samples[..whole], &mut self.resampled);
        }
        self.samples.drain(..whole);
        self.emit();
    }

    /// Encodes the resampled audio in every channel.
    fn emit(&mut self) {
        let channels = usize::from(self.to.channels());
        if channels > 1 && self.from.channels() == 1 {
            self.mixed.clear();
            self.mixed.extend(self.resampled.iter().flat_map(|sample| std::iter::repeat_n(*sample, channels)));
            self.to.encoding().encode(&self.mixed, &mut self.out);
        } else {
            self.to.encoding().encode(&self.resampled, &mut self.out);
        }
    }
}
