use realtime_core::types::AudioFormat;

use super::{
    buffer::{MS, Ticks, ticks_per_byte},
    config::Turns,
};
use crate::simulator::g711;

/// Duration of a window in which loudness is measured.
const FRAME: Ticks = 20 * MS;
/// Duration above the threshold that counts as speech.
const ONSET: Ticks = 60 * MS;

/// Detects turns by the loudness of the audio.
#[derive(Default)]
pub(super) struct Hearing {
    /// Length of the incomplete window, and the sum of its squared samples.
    partial: (Ticks, f64, u32),
    /// Duration of uninterrupted loudness outside of speech.
    loud: Ticks,
    /// Duration of uninterrupted silence within speech.
    quiet: Option<Ticks>,
}

/// A detected change, and its position in the session's audio.
#[derive(Debug, PartialEq)]
pub(super) enum SpeechEdge {
    /// Speech started. The position includes the padding before it.
    Started(Ticks),
    /// Speech ended. The position includes the silence after it.
    Stopped(Ticks),
}

impl Hearing {
    /// Processes audio that begins at `at`. No turn begins before `first`, the start of the buffer.
    pub(super) fn listen(
        &mut self,
        audio: &[u8],
        format: &AudioFormat,
        mut at: Ticks,
        first: Ticks,
        turns: &Turns,
    ) -> Vec<SpeechEdge> {
        let mut heard = Vec::new();
        let step = ticks_per_byte(format) * Ticks::from(format.bytes_per_sample().unwrap_or(2));
        for_each_sample(audio, format, |sample| {
            at += step;
            let (length, sum, count) = &mut self.partial;
            *length += step;
            *sum += f64::from(sample) * f64::from(sample);
            *count += 1;
            if *length >= FRAME {
                let level = loudness((*sum / f64::from(*count)).sqrt());
                self.partial = (0, 0.0, 0);
                heard.extend(self.judge(level > turns.threshold, at, first, turns));
            }
        });
        heard
    }

    fn judge(&mut self, loud: bool, at: Ticks, first: Ticks, turns: &Turns) -> Option<SpeechEdge> {
        match &mut self.quiet {
            None => {
                self.loud = if loud { self.loud + FRAME } else { 0 };
                if self.loud < ONSET {
                    return None;
                }
                let onset = at.saturating_sub(turns.prefix_ms.saturating_mul(MS).saturating_add(ONSET));
                (self.loud, self.quiet) = (0, Some(0));
                Some(SpeechEdge::Started(onset.max(first)))
            }
            Some(quiet) => {
                *quiet = if loud { 0 } else { quiet.saturating_add(FRAME) };
                if *quiet < turns.silence_ms.saturating_mul(MS).max(FRAME) {
                    return None;
                }
                self.quiet = None;
                Some(SpeechEdge::Stopped(at))
            }
        }
    }
}

/// Loudness from 0 (−65 dB of full scale, or less) to 1 (−15 dB, or more). The usual threshold of 0.5 is −40 dB.
fn loudness(mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    let decibels = 20.0 * (mean / 32_768.0).log10();
    ((decibels + 65.0) / 50.0).clamp(0.0, 1.0)
}

/// Whether the audio contains anything audible.
pub(in crate::simulator) fn is_silent(audio: &[u8], format: &AudioFormat) -> bool {
    let (mut sum, mut count) = (0.0, 0u32);
    for_each_sample(audio, format, |sample| {
        sum += f64::from(sample) * f64::from(sample);
        count += 1;
    });
    loudness((sum / f64::from(count.max(1))).sqrt()) <= 0.5
}

fn for_each_sample(audio: &[u8], format: &AudioFormat, mut hear: impl FnMut(i16)) {
    match format {
        AudioFormat::Pcmu => audio.iter().for_each(|byte| hear(g711::decode_ulaw(*byte))),
        AudioFormat::Pcma => audio.iter().for_each(|byte| hear(g711::decode_alaw(*byte))),
        _ => audio.as_chunks::<2>().0.iter().for_each(|pair| hear(i16::from_le_bytes(*pair))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::voice::speak;

    fn turns() -> Turns {
        Turns {
            threshold: 0.5,
            prefix_ms: 100,
            silence_ms: 200,
            idle_ms: None,
            create_response: true,
            interrupt_response: true,
        }
    }

    /// 500 ms of silence, 400 ms of voice (with a gap of 60 ms), 500 ms of silence.
    fn audio(format: &AudioFormat) -> Vec<u8> {
        let silence = |ms: u64| {
            let quiet = match format {
                AudioFormat::Pcmu => 0xff,
                AudioFormat::Pcma => 0xd5,
                _ => 0,
            };
            vec![quiet; format.ms_to_bytes(ms).unwrap() as usize]
        };
        [silence(500), speak(400, format).to_vec(), silence(500)].concat()
    }

    #[test]
    fn finds_a_turn_in_any_format_and_any_pieces() {
        for format in [AudioFormat::pcm(), AudioFormat::Pcmu, AudioFormat::Pcma] {
            let audio = audio(&format);
            for piece in [2, 960, 1920, audio.len()] {
                let (mut hearing, mut at, mut heard) = (Hearing::default(), 0, Vec::new());
                for piece in audio.chunks(piece) {
                    heard.extend(hearing.listen(piece, &format, at, 0, &turns()));
                    at += piece.len() as u64 * ticks_per_byte(&format);
                }
                let [SpeechEdge::Started(from), SpeechEdge::Stopped(to)] = heard[..] else { panic!("{heard:?}") };
                assert!((400..=440).contains(&(from / MS)), "{format:?} {}", from / MS);
                assert!((1020..=1100).contains(&(to / MS)), "{format:?} {}", to / MS);
            }
        }
    }

    #[test]
    fn honours_its_settings() {
        let pcm = AudioFormat::pcm();
        let listen = |turns: Turns, first| Hearing::default().listen(&audio(&pcm), &pcm, 0, first, &turns);
        assert_eq!(listen(Turns { threshold: 1.0, ..turns() }, 0), []);
        assert_eq!(listen(Turns { silence_ms: 600, ..turns() }, 0).len(), 1);
        assert_eq!(listen(Turns { prefix_ms: 9_999, ..turns() }, 7 * MS)[0], SpeechEdge::Started(7 * MS));
        assert!(!is_silent(&speak(100, &pcm), &pcm) && is_silent(&[0; 960], &pcm) && is_silent(&[], &pcm));
    }
}
