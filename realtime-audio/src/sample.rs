//! Samples as numbers, and their conversion from and to the bytes of every encoding.

use sealed::Sealed;

use crate::{Encoding, g711};

/// A sample as a number: `i16`, or `f32` with full scale at 1.
pub trait Sample: Sealed + Copy + Default + PartialEq + Send + 'static {}

impl Sample for i16 {}
impl Sample for f32 {}

pub(crate) mod sealed {
    #[allow(unnameable_types)] // so that nobody else implements it
    pub trait Sealed {
        /// Converts an integer with full scale 2^31.
        fn from_i32(value: i32) -> Self;
        /// Converts a float with full scale 1.
        fn from_f32(value: f32) -> Self;
        /// Converts a float with full scale 1.
        fn from_f64(value: f64) -> Self;
        fn to_i16(self) -> i16;
        fn to_f32(self) -> f32;
        fn to_f64(self) -> f64;
        /// Returns an integer with full scale 2^31.
        fn to_i32(self) -> i32;
    }
}

// Inlined into the loops over samples, which are in dependent crates.
impl Sealed for i16 {
    #[inline]
    fn from_i32(value: i32) -> Self {
        // The cast keeps the upper half, which is of 16 bits.
        (value.saturating_add(0x8000) >> 16) as Self
    }

    #[inline]
    fn from_f32(value: f32) -> Self {
        /// Adding and subtracting it rounds like `round_ties_even`, which is a function call on processors without such an
        /// instruction.
        const ROUND: f32 = 12_582_912.0;
        let scaled = (value * 32_768.0).clamp(-32_768.0, 32_767.0);
        // NaN becomes zero.
        (scaled + ROUND - ROUND) as Self
    }

    #[inline]
    fn from_f64(value: f64) -> Self {
        // The cast saturates beyond full scale, and maps NaN to zero.
        (value * 32_768.0).round_ties_even() as Self
    }

    #[inline]
    fn to_i16(self) -> i16 {
        self
    }

    #[inline]
    fn to_f32(self) -> f32 {
        f32::from(self) / 32_768.0
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self) / 32_768.0
    }

    #[inline]
    fn to_i32(self) -> i32 {
        i32::from(self) << 16
    }
}

impl Sealed for f32 {
    #[inline]
    fn from_i32(value: i32) -> Self {
        value as Self / 2_147_483_648.0
    }

    #[inline]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    #[inline]
    fn to_i16(self) -> i16 {
        i16::from_f32(self)
    }

    #[inline]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn to_i32(self) -> i32 {
        // The cast saturates beyond full scale, and maps NaN to zero.
        (f64::from(self) * 2_147_483_648.0) as i32
    }
}

impl Encoding {
    /// Decodes whole samples and appends them. An incomplete sample at the end is ignored.
    ///
    /// For `i16`, wider integers and floats are rounded, clipped at full scale, and NaN becomes silence.
    pub fn decode<S: Sample>(self, bytes: &[u8], samples: &mut Vec<S>) {
        let start = samples.len();
        samples.resize(start + bytes.len() / self.width(), S::default());
        self.decode_into(bytes, &mut samples[start..]);
    }

    /// Decodes as many samples as fit on both sides.
    pub(crate) fn decode_into<S: Sample>(self, bytes: &[u8], samples: &mut [S]) {
        fn each<S, const N: usize>(bytes: &[u8], samples: &mut [S], decode: impl Fn([u8; N]) -> S) {
            for (sample, bytes) in samples.iter_mut().zip(bytes.as_chunks().0) {
                *sample = decode(*bytes);
            }
        }
        let pcm16 = |value: i16| S::from_i32(i32::from(value) << 16);
        match self {
            Self::PcmU8 => each(bytes, samples, |[byte]| pcm16((i16::from(byte) - 128) << 8)),
            Self::Pcm => each(bytes, samples, |bytes| pcm16(i16::from_le_bytes(bytes))),
            Self::PcmBe => each(bytes, samples, |bytes| pcm16(i16::from_be_bytes(bytes))),
            Self::Pcm24 => each(bytes, samples, |[a, b, c]| S::from_i32(i32::from_le_bytes([0, a, b, c]))),
            Self::Pcm32 => each(bytes, samples, |bytes| S::from_i32(i32::from_le_bytes(bytes))),
            Self::Float32 => each(bytes, samples, |bytes| S::from_f32(f32::from_le_bytes(bytes))),
            Self::Float64 => each(bytes, samples, |bytes| S::from_f64(f64::from_le_bytes(bytes))),
            Self::Pcmu => each(bytes, samples, |[byte]| pcm16(g711::decode_pcmu(byte))),
            Self::Pcma => each(bytes, samples, |[byte]| pcm16(g711::decode_pcma(byte))),
        }
    }

    /// Encodes samples and appends them. Except as floats, they are clipped at full scale.
    pub fn encode<S: Sample>(self, samples: &[S], bytes: &mut Vec<u8>) {
        fn each<S: Copy, const N: usize>(samples: &[S], bytes: &mut [u8], encode: impl Fn(S) -> [u8; N]) {
            for (bytes, sample) in bytes.as_chunks_mut().0.iter_mut().zip(samples) {
                *bytes = encode(*sample);
            }
        }
        let start = bytes.len();
        bytes.resize(start + samples.len() * self.width(), 0);
        let bytes = &mut bytes[start..];
        match self {
            // Rounded from the 16 bits: the upper byte, which is of 8 bits.
            Self::PcmU8 => each(samples, bytes, |s| [((s.to_i16().saturating_add(0x80) >> 8) + 128) as u8]),
            Self::Pcm => each(samples, bytes, |s| s.to_i16().to_le_bytes()),
            Self::PcmBe => each(samples, bytes, |s| s.to_i16().to_be_bytes()),
            Self::Pcm24 => each(samples, bytes, |s| {
                let [_, a, b, c] = s.to_i32().saturating_add(0x80).to_le_bytes();
                [a, b, c]
            }),
            Self::Pcm32 => each(samples, bytes, |s| s.to_i32().to_le_bytes()),
            Self::Float32 => each(samples, bytes, |s| s.to_f32().to_le_bytes()),
            Self::Float64 => each(samples, bytes, |s| s.to_f64().to_le_bytes()),
            Self::Pcmu => each(samples, bytes, |s| [g711::encode_pcmu(s.to_i16())]),
            Self::Pcma => each(samples, bytes, |s| [g711::encode_pcma(s.to_i16())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Encoding; 9] = [
        Encoding::PcmU8,
        Encoding::Pcm,
        Encoding::PcmBe,
        Encoding::Pcm24,
        Encoding::Pcm32,
        Encoding::Float32,
        Encoding::Float64,
        Encoding::Pcmu,
        Encoding::Pcma,
    ];

    #[test]
    fn every_16_bit_sample_survives_every_wider_encoding() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        for encoding in ALL.into_iter().filter(|encoding| encoding.width() > 1) {
            let (mut bytes, mut back, mut floats) = (Vec::new(), Vec::<i16>::new(), Vec::<f32>::new());
            encoding.encode(&samples, &mut bytes);
            encoding.decode(&bytes, &mut back);
            assert_eq!(back, samples, "{encoding:?}");
            encoding.decode(&bytes, &mut floats);
            bytes.clear();
            encoding.encode(&floats, &mut bytes);
            back.clear();
            encoding.decode(&bytes, &mut back);
            assert_eq!(back, samples, "{encoding:?} by floats");
        }
    }

    #[test]
    fn beyond_full_scale_is_clipped_and_nan_is_silence() {
        let floats = [1.5, -1.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, -1.0, 0.25];
        for encoding in [Encoding::Float32, Encoding::Float64] {
            let (mut bytes, mut samples) = (Vec::new(), Vec::<i16>::new());
            encoding.encode(&floats, &mut bytes);
            encoding.decode(&bytes, &mut samples);
            assert_eq!(samples, [32_767, -32_768, 32_767, -32_768, 0, 32_767, -32_768, 8_192], "{encoding:?}");
        }
    }

    #[test]
    fn silence_is_the_smallest_sample() {
        for encoding in ALL {
            let mut samples = Vec::<i16>::new();
            encoding.decode(&vec![encoding.silence(); encoding.width() * 3], &mut samples);
            assert_eq!(samples, [if encoding == Encoding::Pcma { 8 } else { 0 }; 3], "{encoding:?}");
        }
    }

    #[test]
    fn rounding_is_to_the_nearest() {
        for value in [-0.6_f32, -0.4, 0.4, 0.6, 1.4, 1.6, 32_766.4, 32_766.6] {
            assert_eq!(f32::from(i16::from_f32(value / 32_768.0)), value.round());
            assert_eq!(f64::from(i16::from_f64(f64::from(value) / 32_768.0)), f64::from(value.round()));
        }
        for (value, sample) in [(0x7fff, 0), (0x8000, 1), (-0x8001, -1), (i32::MAX, i16::MAX), (i32::MIN, i16::MIN)] {
            assert_eq!(i16::from_i32(value), sample, "{value:#x}");
        }
    }
}
