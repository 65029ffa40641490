use std::io::{Seek, SeekFrom, Write};

use super::WavError;
use crate::{Encoding, Format};

/// Streaming writer of a WAV file.
///
/// ```
/// use realtime_audio::{Format, wav::{Wav, WavWriter}};
///
/// let mut writer = WavWriter::new(std::io::Cursor::new(Vec::new()), Format::pcm(24_000))?;
/// writer.write(&[0; 960])?;
/// writer.write(&[1; 960])?;
/// let file = writer.finish()?.into_inner();
/// assert_eq!(Wav::parse(&file)?.frames(), 960);
/// # Ok::<(), realtime_audio::wav::WavError>(())
/// ```
#[derive(Debug)]
pub struct WavWriter<W> {
    sink: W,
    format: Format,
    /// Bytes of audio.
    written: u32,
}

/// Returns audio as a WAV file.
///
/// # Errors
///
/// See [`WavWriter::new`] and [`WavWriter::write`].
pub fn encode(format: Format, audio: &[u8]) -> Result<Vec<u8>, WavError> {
    let length = within_limit(0, audio.len())?;
    let mut file = header(format, Some(length))?;
    file.extend_from_slice(audio);
    file.extend_from_slice(padding(length));
    Ok(file)
}

impl<W: Write> WavWriter<W> {
    /// Begins a file. Its header declares an unknown length until the file is finished; readers then use what there is.
    ///
    /// # Errors
    ///
    /// The format has no rate or no channels, or WAV files do not support it, or the sink failed.
    pub fn new(mut sink: W, format: Format) -> Result<Self, WavError> {
        sink.write_all(&header(format, None)?)?;
        Ok(Self { sink, format, written: 0 })
    }

    /// Writes audio.
    ///
    /// # Errors
    ///
    /// [`WavError::TooLong`] if the file would exceed 4 GiB; nothing is written then. Or the sink failed.
    pub fn write(&mut self, audio: &[u8]) -> Result<(), WavError> {
        let written = within_limit(self.written, audio.len())?;
        self.sink.write_all(audio)?;
        self.written = written;
        Ok(())
    }

    /// The format of the audio.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Ends the file on a sink that cannot seek, and returns the sink. The header still declares an unknown length.
    ///
    /// # Errors
    ///
    /// The sink failed.
    pub fn finish_unknown(mut self) -> Result<W, WavError> {
        self.sink.flush()?;
        Ok(self.sink)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Ends the file, writes its length into the header, and returns the sink.
    ///
    /// # Errors
    ///
    /// The sink failed.
    pub fn finish(mut self) -> Result<W, WavError> {
        self.sink.write_all(padding(self.written))?;
        let end = self.sink.stream_position()?;
        let header = header(self.format, Some(self.written))?;
        let start = end - (header.len() + padding(self.written).len()) as u64 - u64::from(self.written);
        self.sink.seek(SeekFrom::Start(start))?;
        self.sink.write_all(&header)?;
        self.sink.seek(SeekFrom::Start(end))?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Maximum number of bytes of audio: with the longest header and padding, the length of the file still fits 32 bits.
const MOST_BYTES: u32 = u32::MAX - 64;

fn within_limit(before: u32, more: usize) -> Result<u32, WavError> {
    let sum = u32::try_from(more).ok().and_then(|more| before.checked_add(more));
    sum.filter(|sum| *sum <= MOST_BYTES).ok_or(WavError::TooLong)
}

fn padding(length: u32) -> &'static [u8] {
    if length.is_multiple_of(2) { &[] } else { &[0] }
}

fn header(format: Format, length: Option<u32>) -> Result<Vec<u8>, WavError> {
    format.check().map_err(WavError::Format)?;
    let tag: u16 = match format.encoding() {
        Encoding::PcmU8 | Encoding::Pcm | Encoding::Pcm24 | Encoding::Pcm32 => 1,
        Encoding::Float32 | Encoding::Float64 => 3,
        Encoding::Pcma => 6,
        Encoding::Pcmu => 7,
        Encoding::PcmBe => return Err(WavError::NotForFiles(format.encoding())),
    };
    // The header has 16 bits for the size of a frame.
    let too_many = || WavError::Malformed("too many channels for a WAV file");
    let frame_bytes = u16::try_from(format.bytes_per_frame()).map_err(|_| too_many())?;
    let byte_rate = u32::try_from(format.bytes_per_second()).map_err(|_| too_many())?;
    let bits = (format.bytes_per_sample() * 8) as u16; // at most 64
    // Other formats than PCM have an empty extension, and a chunk with the number of frames.
    let plain = tag == 1;
    let ahead: u32 = if plain { 36 } else { 50 };
    let padding = length.map_or(0, |length| padding(length).len() as u32);
    let riff = length.map_or(u32::MAX, |length| ahead + length + padding);

    let mut header = Vec::with_capacity(58);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&riff.to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&if plain { 16_u32 } else { 18 }.to_le_bytes());
    header.extend_from_slice(&tag.to_le_bytes());
    header.extend_from_slice(&format.channels().to_le_bytes());
    header.extend_from_slice(&format.rate_hz().to_le_bytes());
    header.extend_from_slice(&byte_rate.to_le_bytes());
    header.extend_from_slice(&frame_bytes.to_le_bytes());
    header.extend_from_slice(&bits.to_le_bytes());
    if !plain {
        header.extend_from_slice(&0_u16.to_le_bytes());
        header.extend_from_slice(b"fact");
        header.extend_from_slice(&4_u32.to_le_bytes());
        let frames = length.map_or(u32::MAX, |length| length / u32::from(frame_bytes));
        header.extend_from_slice(&frames.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&length.unwrap_or(u32::MAX).to_le_bytes());
    Ok(header)
}
