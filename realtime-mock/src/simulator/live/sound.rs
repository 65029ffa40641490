//! Audio of a Live session: PCM at 24,000 Hz internally, converted to the encoding requested by each client.

use realtime_core::types::AudioFormat;

use super::super::g711;

const RATE: usize = 24_000;

/// Duration of a step of the timeline, in milliseconds.
pub(super) const PIECE_MS: u64 = 100;

/// Bytes of a step at 24,000 Hz.
pub(super) const PIECE: usize = 4_800;

/// Converts PCM at 24,000 Hz to another encoding, by decimation without a filter.
pub(super) fn encode(pcm: &[u8], format: &AudioFormat) -> Vec<u8> {
    if *format == AudioFormat::pcm() {
        return pcm.to_vec();
    }
    let samples = pcm.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect::<Vec<_>>();
    match format {
        AudioFormat::Pcm { rate } => pick(&samples, RATE, *rate as usize).flat_map(i16::to_le_bytes).collect(),
        AudioFormat::Pcmu => pick(&samples, RATE, 8_000).map(g711::encode_ulaw).collect(),
        AudioFormat::Pcma => pick(&samples, RATE, 8_000).map(g711::encode_alaw).collect(),
        _ => pcm.to_vec(),
    }
}

/// Converts another encoding to PCM at 24,000 Hz.
pub(super) fn decode(audio: &[u8], format: &AudioFormat) -> Vec<u8> {
    if *format == AudioFormat::pcm() {
        return audio[..audio.len() & !1].to_vec();
    }
    let samples: Vec<i16> = match format {
        AudioFormat::Pcmu => audio.iter().map(|byte| g711::decode_ulaw(*byte)).collect(),
        AudioFormat::Pcma => audio.iter().map(|byte| g711::decode_alaw(*byte)).collect(),
        _ => audio.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
    };
    let rate = format.rate_hz().unwrap_or(24_000) as usize;
    pick(&samples, rate, RATE).flat_map(i16::to_le_bytes).collect()
}

fn pick(samples: &[i16], from: usize, to: usize) -> impl Iterator<Item = i16> {
    let count = samples.len() * to / from.max(1);
    (0..count).filter_map(move |at| samples.get(at * from / to.max(1)).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_lasts_as_long_in_every_encoding() {
        let pcm: Vec<u8> = (0..PIECE / 2).flat_map(|at| ((at % 100) as i16 * 90).to_le_bytes()).collect();
        for format in [AudioFormat::pcm(), AudioFormat::Pcm { rate: 16_000 }, AudioFormat::Pcmu, AudioFormat::Pcma] {
            let written = encode(&pcm, &format);
            assert_eq!(format.bytes_to_ms(written.len() as u64), Some(PIECE_MS), "{format:?}");
            assert_eq!(decode(&written, &format).len(), PIECE, "{format:?}");
        }
    }
}
