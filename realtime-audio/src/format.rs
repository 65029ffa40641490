use std::ops::RangeInclusive;

use realtime_core::types::AudioFormat;

use crate::AudioError;

/// Supported sampling rates, in Hz.
pub(crate) const RATES: RangeInclusive<u32> = 4_000..=384_000;

/// Encoding of a sample as bytes.
///
/// `Pcm`, `Pcmu` and `Pcma` are those of [`AudioFormat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Unsigned 8-bit integers, 128 is silence.
    PcmU8,
    /// Little-endian 16-bit integers.
    Pcm,
    /// Big-endian 16-bit integers: `L16` on networks.
    PcmBe,
    /// Little-endian 24-bit integers in three bytes.
    Pcm24,
    /// Little-endian 32-bit integers.
    Pcm32,
    /// Little-endian 32-bit floats, full scale is 1.
    Float32,
    /// Little-endian 64-bit floats, full scale is 1.
    Float64,
    /// G.711 μ-law, one byte.
    Pcmu,
    /// G.711 A-law, one byte.
    Pcma,
}

impl Encoding {
    /// Bytes per sample.
    pub fn bytes_per_sample(self) -> u32 {
        match self {
            Self::PcmU8 | Self::Pcmu | Self::Pcma => 1,
            Self::Pcm | Self::PcmBe => 2,
            Self::Pcm24 => 3,
            Self::Pcm32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The byte that silence consists of.
    pub fn silence(self) -> u8 {
        match self {
            Self::PcmU8 => 0x80,
            Self::Pcmu => crate::g711::PCMU_SILENCE,
            Self::Pcma => crate::g711::PCMA_SILENCE,
            Self::Pcm | Self::PcmBe | Self::Pcm24 | Self::Pcm32 | Self::Float32 | Self::Float64 => 0,
        }
    }

    /// [`bytes_per_sample`](Self::bytes_per_sample), to index with.
    pub(crate) fn width(self) -> usize {
        // At most 8.
        self.bytes_per_sample() as usize
    }
}

/// Format of raw audio: encoding, sampling rate, and number of interleaved channels.
///
/// The counterpart of a session's [`AudioFormat`] that also covers sound cards, files and telephones. The two convert into
/// each other, and use the same names.
///
/// ```
/// use realtime_audio::{Encoding, Format};
/// use realtime_core::types::AudioFormat;
///
/// let card = Format::new(Encoding::Float32, 48_000).with_channels(2);
/// assert_eq!(card.ms_to_bytes(20), 7_680);
///
/// let session = Format::try_from(&AudioFormat::pcm())?;
/// assert_eq!(session, Format::pcm(24_000));
/// assert_eq!(AudioFormat::try_from(session)?, AudioFormat::pcm());
/// # Ok::<(), realtime_audio::AudioError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    encoding: Encoding,
    rate: u32,
    channels: u16,
}

impl Format {
    /// Creates a mono format with this encoding and rate in Hz.
    ///
    /// The rate is checked when the format is used.
    pub const fn new(encoding: Encoding, rate: u32) -> Self {
        Self { encoding, rate, channels: 1 }
    }

    /// Little-endian 16-bit PCM at a rate in Hz, mono.
    pub const fn pcm(rate: u32) -> Self {
        Self::new(Encoding::Pcm, rate)
    }

    /// G.711 μ-law at 8,000 Hz, mono.
    pub const fn pcmu() -> Self {
        Self::new(Encoding::Pcmu, 8_000)
    }

    /// G.711 A-law at 8,000 Hz, mono.
    pub const fn pcma() -> Self {
        Self::new(Encoding::Pcma, 8_000)
    }

    /// 32-bit floats at a rate in Hz, mono: the usual format of sound cards.
    pub const fn float32(rate: u32) -> Self {
        Self::new(Encoding::Float32, rate)
    }

    /// The same format with this number of channels, interleaved.
    pub const fn with_channels(self, channels: u16) -> Self {
        Self { channels, ..self }
    }

    /// Encoding of a sample.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sampling rate in Hz.
    pub const fn rate_hz(&self) -> u32 {
        self.rate
    }

    /// Number of channels.
    pub const fn channels(&self) -> u16 {
        self.channels
    }

    /// Bytes per sample of one channel.
    pub fn bytes_per_sample(&self) -> u32 {
        self.encoding.bytes_per_sample()
    }

    /// Bytes per frame: one sample of every channel.
    pub fn bytes_per_frame(&self) -> u32 {
        self.bytes_per_sample() * u32::from(self.channels)
    }

    /// Bytes per second.
    pub fn bytes_per_second(&self) -> u64 {
        u64::from(self.bytes_per_frame()) * u64::from(self.rate)
    }

    /// The duration of this many bytes, in whole milliseconds, rounded down. Zero for a format without a rate or channels.
    pub fn bytes_to_ms(&self, bytes: u64) -> u64 {
        let ms = (u128::from(bytes) * 1000).checked_div(u128::from(self.bytes_per_second()));
        saturate(ms.unwrap_or_default())
    }

    /// The number of bytes of the whole samples in this many milliseconds.
    pub fn ms_to_bytes(&self, ms: u64) -> u64 {
        let frames = u128::from(ms) * u128::from(self.rate) / 1000;
        saturate(frames * u128::from(self.bytes_per_frame()))
    }

    /// Checks the rate and the channels.
    pub(crate) fn check(&self) -> Result<(), AudioError> {
        if self.channels == 0 {
            return Err(AudioError::NoChannels);
        }
        if RATES.contains(&self.rate) { Ok(()) } else { Err(AudioError::Rate(self.rate)) }
    }

    /// [`bytes_per_frame`](Self::bytes_per_frame), to index with.
    pub(crate) fn frame_width(&self) -> usize {
        self.encoding.width() * usize::from(self.channels)
    }
}

fn saturate(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl TryFrom<&AudioFormat> for Format {
    type Error = AudioError;

    fn try_from(format: &AudioFormat) -> Result<Self, AudioError> {
        match format {
            AudioFormat::Pcm { rate } => Ok(Self::pcm(*rate)),
            AudioFormat::Pcmu => Ok(Self::pcmu()),
            AudioFormat::Pcma => Ok(Self::pcma()),
            _ => Err(AudioError::UnknownFormat),
        }
    }
}

impl TryFrom<AudioFormat> for Format {
    type Error = AudioError;

    fn try_from(format: AudioFormat) -> Result<Self, AudioError> {
        Self::try_from(&format)
    }
}

impl TryFrom<Format> for AudioFormat {
    type Error = AudioError;

    fn try_from(format: Format) -> Result<Self, AudioError> {
        match (format.encoding, format.rate, format.channels) {
            (Encoding::Pcm, rate, 1) => Ok(Self::Pcm { rate }),
            (Encoding::Pcmu, 8_000, 1) => Ok(Self::Pcmu),
            (Encoding::Pcma, 8_000, 1) => Ok(Self::Pcma),
            _ => Err(AudioError::NotForSessions(format)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_format_comes_back_as_it_was() {
        for session in [AudioFormat::pcm(), AudioFormat::Pcm { rate: 16_000 }, AudioFormat::Pcmu, AudioFormat::Pcma] {
            let format = Format::try_from(&session).unwrap();
            assert_eq!(Some(format.rate_hz()), session.rate_hz());
            assert_eq!(Some(format.bytes_per_second()), session.bytes_per_second());
            assert_eq!(Some(format.bytes_to_ms(12_345)), session.bytes_to_ms(12_345));
            assert_eq!(Some(format.ms_to_bytes(12_345)), session.ms_to_bytes(12_345));
            assert_eq!(AudioFormat::try_from(format), Ok(session));
        }
    }

    #[test]
    fn what_a_session_cannot_say_is_refused() {
        for format in [
            Format::pcm(24_000).with_channels(2),
            Format::float32(24_000),
            Format::new(Encoding::Pcmu, 16_000),
            Format::new(Encoding::PcmBe, 16_000),
        ] {
            assert_eq!(AudioFormat::try_from(format), Err(AudioError::NotForSessions(format)));
        }
        let opus: AudioFormat = AudioFormat::Other(realtime_core::Json::parse("\"opus\"").unwrap());
        assert_eq!(Format::try_from(opus), Err(AudioError::UnknownFormat));
    }

    #[test]
    fn a_format_without_rate_or_channels_has_no_length() {
        assert_eq!(Format::pcm(0).bytes_to_ms(100), 0);
        assert_eq!(Format::pcm(8_000).with_channels(0).bytes_to_ms(100), 0);
        assert_eq!(Format::pcm(8_000).with_channels(0).check(), Err(AudioError::NoChannels));
        assert_eq!(Format::pcm(0).check(), Err(AudioError::Rate(0)));
        assert_eq!(Format::new(Encoding::Float64, u32::MAX).with_channels(u16::MAX).ms_to_bytes(u64::MAX), u64::MAX);
    }
}
