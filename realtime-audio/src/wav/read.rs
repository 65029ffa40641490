use std::time::Duration;

use super::WavError;
use crate::{AudioError, Converter, Encoding, Format, Sample};

/// A parsed WAV file: its format, and its audio as the bytes in the file.
///
/// Supports PCM with 8, 16, 24 and 32 bits, floats with 32 and 64 bits, A-law and μ-law, with any number of channels and
/// with extensible headers. Other chunks are skipped, in any order and with odd lengths. If the length of the audio is
/// unknown, because the file was written to a pipe, it extends to the end of the file.
///
/// ```
/// use realtime_audio::{Format, wav::{self, Wav}};
///
/// let file = wav::encode(Format::pcm(24_000), &[0x34, 0x12, 0xff, 0xff])?;
/// let wav = Wav::parse(&file)?;
/// assert_eq!(wav.format(), Format::pcm(24_000));
/// assert_eq!(wav.samples::<i16>(), [0x1234, -1]);
/// # Ok::<(), wav::WavError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wav<'a> {
    format: Format,
    audio: &'a [u8],
    missing: u64,
    left_over: usize,
}

/// The length in headers that were written before it was known: all ones by most programs, slightly below 2 GiB by sox. A
/// length of at least this value that exceeds the file counts as unknown.
const UNKNOWN_LENGTH: u32 = 0x7fff_0000;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const MULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// Bytes after the tag in an extensible header whose sub-format is a tag.
const SUB_FORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

impl<'a> Wav<'a> {
    /// Parses a file.
    ///
    /// # Errors
    ///
    /// [`WavError::NotWav`], [`Truncated`](WavError::Truncated), [`Malformed`](WavError::Malformed) or
    /// [`Unsupported`](WavError::Unsupported). A file that ends within the audio is not an error: see
    /// [`missing_bytes`](Self::missing_bytes).
    pub fn parse(file: &'a [u8]) -> Result<Self, WavError> {
        let Some((b"RIFF", rest)) = take::<4>(file) else { return Err(WavError::NotWav) };
        let Some((riff_length, rest)) = take::<4>(rest) else { return Err(WavError::NotWav) };
        let Some((b"WAVE", mut rest)) = take::<4>(rest) else { return Err(WavError::NotWav) };
        let mut format = None;
        loop {
            if rest.is_empty() {
                let missing = if format.is_none() { "it has no fmt chunk" } else { "it has no data chunk" };
                return Err(WavError::Malformed(missing));
            }
            let (id, after) = take::<4>(rest).ok_or(WavError::Truncated)?;
            let (length, body) = take::<4>(after).ok_or(WavError::Truncated)?;
            let length = u32::from_le_bytes(*length);
            if id == b"data" {
                let format = format.ok_or(WavError::Malformed("the audio comes before its format"))?;
                // Written to a pipe after an empty header: both lengths are those of an empty file.
                let begun = length == 0 && u32::from_le_bytes(*riff_length) as usize + 8 <= file.len() - body.len();
                return Ok(Self::new(format, body, if begun { u32::MAX } else { length }));
            }
            // A usize has at least 32 bits.
            let (chunk, after) = body.split_at_checked(length as usize).ok_or(WavError::Truncated)?;
            if id == b"fmt " {
                format = Some(read_format(chunk)?);
            }
            // Chunks begin at even offsets. The padding of the last one is often missing.
            rest = after.get(length as usize % 2..).unwrap_or_default();
        }
    }

    fn new(format: Format, body: &'a [u8], length: u32) -> Self {
        let audio = body.get(..length as usize).unwrap_or(body);
        let missing = if length >= UNKNOWN_LENGTH { 0 } else { u64::from(length) - audio.len() as u64 };
        // A parsed format has at least one channel.
        let left_over = audio.len() % format.frame_width();
        Self { format, audio: &audio[..audio.len() - left_over], missing, left_over }
    }

    /// The format of the audio.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The audio as stored in the file, whole frames only.
    pub fn audio(&self) -> &'a [u8] {
        self.audio
    }

    /// The audio, converted to another format.
    ///
    /// ```
    /// use realtime_audio::{Format, wav::{self, Wav}};
    ///
    /// let file = wav::encode(Format::pcm(48_000), &[0; 9600])?;
    /// let audio = Wav::parse(&file)?.convert(Format::pcm(24_000))?;
    /// assert_eq!(audio.len(), 4800);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Converter::new`].
    pub fn convert(&self, format: Format) -> Result<Vec<u8>, AudioError> {
        let mut converter = Converter::new(self.format, format)?;
        let mut audio = converter.convert(self.audio).to_vec();
        audio.extend_from_slice(converter.finish());
        Ok(audio)
    }

    /// Number of samples per channel.
    pub fn frames(&self) -> u64 {
        (self.audio.len() / self.format.frame_width()) as u64
    }

    /// Duration of the audio.
    pub fn duration(&self) -> Duration {
        let nanos = u128::from(self.frames()) * 1_000_000_000 / u128::from(self.format.rate_hz());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Number of bytes of audio that the header declares beyond the end of the file. If not 0, the file is truncated.
    pub fn missing_bytes(&self) -> u64 {
        self.missing
    }

    /// Bytes of an incomplete frame at the end of the audio, which are dropped.
    pub fn left_over(&self) -> usize {
        self.left_over
    }

    /// The audio as interleaved samples. For [`i16`], wider samples are rounded and clipped.
    pub fn samples<S: Sample>(&self) -> Vec<S> {
        let mut samples = Vec::new();
        self.format.encoding().decode(self.audio, &mut samples);
        samples
    }
}

fn read_format(chunk: &[u8]) -> Result<Format, WavError> {
    let short = WavError::Malformed("its fmt chunk is too short");
    let Some((fields, extension)) = take::<16>(chunk) else { return Err(short) };
    let [t0, t1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1] = *fields;
    let mut tag = u16::from_le_bytes([t0, t1]);
    let bits = u16::from_le_bytes([b0, b1]);
    if tag == EXTENSIBLE {
        // Length of the extension, valid bits, channel mask, then the sub-format.
        let Some((sub, _)) = extension.get(8..).and_then(take::<16>) else { return Err(short) };
        if sub[2..] != SUB_FORMAT {
            return Err(WavError::Unsupported { tag, bits });
        }
        tag = u16::from_le_bytes([sub[0], sub[1]]);
    }
    let channels = u16::from_le_bytes([c0, c1]);
    let rate = u32::from_le_bytes([r0, r1, r2, r3]);
    if channels == 0 {
        return Err(WavError::Malformed("it has no channels"));
    }
    if rate == 0 {
        return Err(WavError::Malformed("it has no sample rate"));
    }
    let encoding = match (tag, bits) {
        (PCM, 8) => Encoding::PcmU8,
        (PCM, 16) => Encoding::Pcm,
        (PCM, 24) => Encoding::Pcm24,
        (PCM, 32) => Encoding::Pcm32,
        (FLOAT, 32) => Encoding::Float32,
        (FLOAT, 64) => Encoding::Float64,
        (ALAW, 8) => Encoding::Pcma,
        (MULAW, 8) => Encoding::Pcmu,
        _ => return Err(WavError::Unsupported { tag, bits }),
    };
    Ok(Format::new(encoding, rate).with_channels(channels))
}

fn take<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8])> {
    bytes.split_first_chunk()
}
