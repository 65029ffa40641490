//! A synthetic voice: soft beeps of realistic duration.

use std::sync::OnceLock;

use bytes::Bytes;
use realtime_core::types::AudioFormat;

use super::g711;

/// Period of the beeps in milliseconds: four of them, each a whole number of waves.
const CYCLE_MS: u64 = 800;

/// Audio of a message, in the session's format. It is not generated in advance: every delta of beeps is a view of the same
/// [`CYCLE_MS`].
pub(super) enum Speech {
    /// Audio supplied by the test.
    Given(Bytes),
    /// This many bytes of beeps.
    Beeps(AudioFormat, usize),
}

impl Speech {
    /// Creates beeps for the duration of the words.
    pub(super) fn of(words: &str, speed: f64, format: &AudioFormat) -> Self {
        let bytes = format.ms_to_bytes(length_ms(words, speed)).unwrap_or_default();
        Self::Beeps(format.clone(), usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Size in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Given(audio) => audio.len(),
            Self::Beeps(_, bytes) => *bytes,
        }
    }

    /// At most `bytes` from this position. Empty beyond the end.
    pub(super) fn piece(&self, from: usize, bytes: usize) -> Bytes {
        let to = from.saturating_add(bytes).min(self.len());
        match self {
            _ if from >= to => Bytes::new(),
            Self::Given(audio) => audio.slice(from..to),
            Self::Beeps(format, _) => beeps(format, from, to - from),
        }
    }
}

/// Creates this many milliseconds of beeps.
pub(super) fn speak(ms: u64, format: &AudioFormat) -> Bytes {
    let bytes = format.ms_to_bytes(ms).unwrap_or_default();
    beeps(format, 0, usize::try_from(bytes).unwrap_or_default())
}

/// Duration of spoken words in milliseconds: about fifteen characters per second.
fn length_ms(words: &str, speed: f64) -> u64 {
    let ms = words.chars().count() as f64 * 66.0 / speed.max(0.1);
    // A whole number of 20 ms frames; the cast saturates.
    ((ms / 20.0).ceil().max(10.0) as u64).saturating_mul(20)
}

/// A slice of the periodic beeps, as a view if it lies within one period.
fn beeps(format: &AudioFormat, from: usize, bytes: usize) -> Bytes {
    let cycle = cycle(format);
    // Not empty.
    let start = from % cycle.len();
    if start + bytes <= cycle.len() {
        return cycle.slice(start..start + bytes);
    }
    cycle.iter().copied().cycle().skip(start).take(bytes).collect()
}

fn cycle(format: &AudioFormat) -> &'static Bytes {
    static CYCLES: [OnceLock<Bytes>; 3] = [const { OnceLock::new() }; 3];
    let [pcm, ulaw, alaw] = &CYCLES;
    match format {
        AudioFormat::Pcmu => ulaw.get_or_init(|| samples(8_000).map(g711::encode_ulaw).collect()),
        AudioFormat::Pcma => alaw.get_or_init(|| samples(8_000).map(g711::encode_alaw).collect()),
        // Sessions only support PCM at this rate.
        _ => pcm.get_or_init(|| samples(24_000).flat_map(i16::to_le_bytes).collect()),
    }
}

/// A beep of 160 ms every 200 ms.
fn samples(rate: u32) -> impl Iterator<Item = i16> {
    (0..u64::from(rate) * CYCLE_MS / 1000).map(move |index| {
        let seconds = index as f64 / f64::from(rate);
        let (beep, within) = ((seconds / 0.2).floor(), seconds % 0.2);
        // Each beep fades in and out, to avoid clicks.
        let loud = if within < 0.16 { (within / 0.16 * std::f64::consts::PI).sin() } else { 0.0 };
        let pitch = 220.0 + 20.0 * (beep % 4.0);
        (loud * 6_000.0 * (seconds * pitch * std::f64::consts::TAU).sin()) as i16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasts_as_long_as_the_words() {
        assert_eq!(length_ms("", 1.0), 200);
        assert_eq!(length_ms("Loud and clear! I can hear you.", 1.0), 2060);
        assert_eq!(length_ms("Loud and clear! I can hear you.", 1.5), 1380);
        for format in [AudioFormat::pcm(), AudioFormat::Pcmu, AudioFormat::Pcma] {
            let audio = speak(1000, &format);
            assert_eq!(format.bytes_to_ms(audio.len() as u64), Some(1000));
            assert!(audio.iter().any(|byte| *byte != audio[0]));
        }
    }

    #[test]
    fn pieces_are_the_whole_and_share_one_cycle() {
        for format in [AudioFormat::pcm(), AudioFormat::Pcmu, AudioFormat::Pcma] {
            let speech = Speech::of(&"word ".repeat(60), 1.0, &format);
            let whole = beeps(&format, 0, speech.len());
            for size in [2, 4_800, 9_600, 38_400, 100_000] {
                let pieces = (0..speech.len()).step_by(size).map(|from| speech.piece(from, size));
                assert_eq!(pieces.collect::<Vec<_>>().concat(), whole);
            }
            assert!(speech.piece(speech.len(), 10).is_empty());
        }
        // A thousand hours are planned without allocating audio.
        let speech = Speech::Beeps(AudioFormat::pcm(), 3_600_000 * 48_000);
        let (one, other) = (speech.piece(0, 9_600), speech.piece(38_400 * 1_000_000, 9_600));
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
}
