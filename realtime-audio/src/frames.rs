use crate::{AudioError, Format};

/// Splits a stream of bytes into frames of equal length, regardless of the sizes of the pushed chunks.
///
/// ```
/// use realtime_audio::{Format, Frames, Rest};
///
/// let mut frames = Frames::new(Format::pcmu(), 20)?;
/// let mut sent = Vec::new();
/// for piece in [0x55_u8; 500].chunks(77) {
///     frames.push(piece);
///     while let Some(frame) = frames.next_frame() {
///         sent.push(frame.to_vec());
///     }
/// }
/// sent.extend(frames.finish(Rest::Padded).map(<[u8]>::to_vec));
/// assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [160; 4]);
/// # Ok::<(), realtime_audio::AudioError>(())
/// ```
///
/// Audio is buffered without a limit until it is taken, so take the frames after each push.
#[derive(Clone, Debug)]
pub struct Frames {
    format: Format,
    bytes: usize,
    buffer: Vec<u8>,
    /// Start of the next frame.
    start: usize,
    left_over: usize,
}

/// How the incomplete frame at the end of a stream is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rest {
    /// It is returned as a shorter last frame.
    Short,
    /// It is padded with silence.
    Padded,
    /// It is dropped.
    Dropped,
}

impl Frames {
    /// Creates frames of this many milliseconds.
    ///
    /// # Errors
    ///
    /// The rate is not supported, there are no channels, or the length is zero or not a whole number of samples.
    pub fn new(format: Format, ms: u32) -> Result<Self, AudioError> {
        format.check()?;
        let rate = format.rate_hz();
        let bytes = usize::try_from(format.ms_to_bytes(ms.into())).unwrap_or(0);
        if bytes == 0 || u64::from(ms) * u64::from(rate) % 1000 != 0 {
            return Err(AudioError::FrameLength { ms, rate });
        }
        Ok(Self { format, bytes, buffer: Vec::new(), start: 0, left_over: 0 })
    }

    /// The length of a frame, in bytes.
    pub fn frame_bytes(&self) -> usize {
        self.bytes
    }

    /// Pushes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete frame, if there is one.
    pub fn next_frame(&mut self) -> Option<&[u8]> {
        let frame = self.buffer.get(self.start..)?.get(..self.bytes)?;
        self.start += self.bytes;
        Some(frame)
    }

    /// Ends the stream, and returns the rest after all complete frames were taken. An incomplete sample is dropped:
    /// [`left_over`](Self::left_over) is its size in bytes. The next byte starts a new stream.
    pub fn finish(&mut self, rest: Rest) -> Option<&[u8]> {
        self.buffer.drain(..self.start);
        self.left_over = self.buffer.len() % self.format.frame_width();
        self.buffer.truncate(self.buffer.len() - self.left_over);
        // Frames not taken are part of the rest, so nothing is lost.
        self.start = self.buffer.len();
        match rest {
            Rest::Short => {}
            Rest::Padded => {
                let whole = self.start.next_multiple_of(self.bytes);
                self.buffer.resize(whole, self.format.encoding().silence());
                self.start = whole;
            }
            Rest::Dropped => {
                self.buffer.clear();
                self.start = 0;
            }
        }
        Some(&self.buffer[..self.start]).filter(|rest| !rest.is_empty())
    }

    /// Bytes of an incomplete sample that the last [`finish`](Self::finish) dropped.
    pub fn left_over(&self) -> usize {
        self.left_over
    }

    /// Discards buffered audio, as after an interruption.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }
}
