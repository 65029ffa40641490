//! A voice that says nothing: soft beeps, as long as the words would take.

use realtime_core::types::AudioFormat;

use super::g711;

/// How long the words take to say, in milliseconds: about fifteen letters a second.
pub(super) fn length_ms(words: &str, speed: f64) -> u64 {
    let ms = words.chars().count() as f64 * 66.0 / speed.max(0.1);
    // A whole number of 20 ms frames; the cast saturates.
    (ms / 20.0).ceil().max(10.0) as u64 * 20
}

/// A beep of 160 ms for every 200 ms.
pub(super) fn speak(ms: u64, format: &AudioFormat) -> Vec<u8> {
    let rate = format.rate_hz().unwrap_or(24_000);
    let samples = (0..u64::from(rate) * ms / 1000).map(|index| {
        let seconds = index as f64 / f64::from(rate);
        let (beep, within) = ((seconds / 0.2).floor(), seconds % 0.2);
        // Each beep swells and fades, so that nothing clicks.
        let loud = if within < 0.16 { (within / 0.16 * std::f64::consts::PI).sin() } else { 0.0 };
        let pitch = 220.0 + 20.0 * (beep % 4.0);
        (loud * 6_000.0 * (seconds * pitch * std::f64::consts::TAU).sin()) as i16
    });
    match format {
        AudioFormat::Pcmu => samples.map(g711::encode_ulaw).collect(),
        AudioFormat::Pcma => samples.map(g711::encode_alaw).collect(),
        _ => samples.flat_map(i16::to_le_bytes).collect(),
    }
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
}
