use crate::{Encoding, Sample};

/// Level of a chunk of audio: 0 is silence, 1 is full scale.
///
/// ```
/// use realtime_audio::Level;
///
/// let level = Level::of(&[16_384_i16, -16_384]);
/// assert_eq!((level.rms, level.peak), (0.5, 0.5));
/// assert_eq!(level.rms_db().round(), -6.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The root mean square: a measure of loudness.
    pub rms: f32,
    /// The largest magnitude.
    pub peak: f32,
}

impl Level {
    /// Measures samples. NaN and an empty slice count as silence.
    pub fn of<S: Sample>(samples: &[S]) -> Self {
        let mut meter = Meter::default();
        meter.push(samples);
        meter.level()
    }

    /// Measures the whole samples in encoded audio.
    pub fn of_bytes(encoding: Encoding, bytes: &[u8]) -> Self {
        let mut meter = Meter::default();
        // Decoded on the stack.
        let mut samples = [0.0_f32; 256];
        for piece in bytes.chunks(samples.len() * encoding.width()) {
            let samples = &mut samples[..piece.len() / encoding.width()];
            encoding.decode_into(piece, samples);
            meter.push(samples);
        }
        meter.level()
    }

    /// The root mean square in decibels of full scale (dBFS); silence is minus infinity.
    pub fn rms_db(&self) -> f32 {
        20.0 * self.rms.log10()
    }

    /// The peak in decibels of full scale (dBFS); silence is minus infinity.
    pub fn peak_db(&self) -> f32 {
        20.0 * self.peak.log10()
    }
}

#[derive(Default)]
struct Meter {
    squares: f64,
    peak: f32,
    samples: u64,
}

impl Meter {
    fn push<S: Sample>(&mut self, samples: &[S]) {
        for sample in samples.iter().map(|sample| sample.to_f32()).filter(|sample| !sample.is_nan()) {
            self.squares += f64::from(sample) * f64::from(sample);
            self.peak = self.peak.max(sample.abs());
        }
        self.samples += samples.len() as u64;
    }

    fn level(&self) -> Level {
        let mean = self.squares / self.samples.max(1) as f64;
        Level { rms: mean.sqrt() as f32, peak: self.peak }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_sine_has_a_root_mean_square_of_minus_three_decibels() {
        let samples: Vec<f32> =
            (0..48_000).map(|n| (n as f32 * 440.0 / 48_000.0 * std::f32::consts::TAU).sin()).collect();
        let level = Level::of(&samples);
        assert!((level.rms_db() + 3.01).abs() < 0.01, "{level:?}");
        assert!(level.peak_db().abs() < 0.01, "{level:?}");
        let mut bytes = Vec::new();
        Encoding::Pcm24.encode(&samples, &mut bytes);
        let same = Level::of_bytes(Encoding::Pcm24, &bytes);
        assert!((same.rms - level.rms).abs() < 1e-4 && (same.peak - level.peak).abs() < 1e-4, "{same:?}");
    }

    #[test]
    fn silence_and_nothing_and_nan_are_silent() {
        for level in [Level::of::<i16>(&[]), Level::of(&[0_i16; 10]), Level::of(&[f32::NAN; 3])] {
            assert_eq!(level, Level::default());
            assert_eq!(level.rms_db(), f32::NEG_INFINITY);
        }
        assert_eq!(Level::of(&[i16::MIN]).peak, 1.0);
    }
}
