use realtime_core::types::AudioFormat;

/// A point in a session's audio, in 48,000ths of a second: there all formats have whole numbers of it per byte.
pub(super) type Ticks = u64;

/// Ticks in one millisecond.
pub(super) const MS: Ticks = 48;

/// Bytes of audio that are kept of a buffer that nobody commits: five minutes and a half of PCM. What was before is
/// counted, and no longer heard.
const KEPT: usize = 16 << 20;

/// The input audio buffer: what was appended and not committed yet.
#[derive(Default)]
pub(super) struct Buffer {
    /// Where it begins.
    start: Ticks,
    /// Where the audio that is kept begins.
    kept: Ticks,
    /// Where it ends: all audio of the session so far.
    end: Ticks,
    data: Vec<u8>,
    /// Ticks per byte of `data`.
    scale: Ticks,
}

impl Buffer {
    /// An empty one, after so much audio.
    pub(super) fn after(end: Ticks) -> Self {
        Self { start: end, kept: end, end, ..Self::default() }
    }

    /// All audio of the session so far, committed or not.
    pub(super) fn end(&self) -> Ticks {
        self.end
    }

    pub(super) fn start(&self) -> Ticks {
        self.start
    }

    /// How long it is.
    pub(super) fn length(&self) -> Ticks {
        self.end - self.start
    }

    pub(super) fn append(&mut self, audio: &[u8], format: &AudioFormat) {
        let scale = ticks_per_byte(format);
        if scale != self.scale {
            // The session's format has changed: what there is of the old one cannot be heard as the new one.
            self.forget(self.end);
            self.scale = scale;
        }
        self.data.extend_from_slice(audio);
        self.end += audio.len() as Ticks * scale;
        // In large steps, so that not every append moves everything.
        if self.data.len() > 2 * KEPT {
            self.forget(self.end - KEPT as Ticks * scale);
        }
    }

    /// Takes out what lies between two points. What lies before is gone, what lies behind stays.
    pub(super) fn take(&mut self, from: Ticks, to: Ticks) -> Vec<u8> {
        self.forget(from);
        let bytes = (to.saturating_sub(self.kept) / self.scale.max(1)) as usize;
        let rest = self.data.split_off(bytes.min(self.data.len()));
        let taken = std::mem::replace(&mut self.data, rest);
        self.kept += taken.len() as Ticks * self.scale;
        self.start = to.clamp(self.start, self.end);
        taken
    }

    /// Lets go of the audio before a point.
    fn forget(&mut self, before: Ticks) {
        let bytes = (before.saturating_sub(self.kept) / self.scale.max(1)) as usize;
        self.data.drain(..bytes.min(self.data.len()));
        self.kept = self.kept.max(before);
    }
}

pub(super) fn ticks_per_byte(format: &AudioFormat) -> Ticks {
    match format {
        AudioFormat::Pcmu | AudioFormat::Pcma => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_count_whatever_is_taken() {
        let mut buffer = Buffer::default();
        buffer.append(&[1; 4800], &AudioFormat::pcm());
        buffer.append(&[2; 4800], &AudioFormat::pcm());
        assert_eq!((buffer.length() / MS, buffer.end() / MS), (200, 200));
        let taken = buffer.take(50 * MS, 150 * MS);
        assert_eq!((taken.len(), taken[0], taken[4799]), (4800, 1, 2));
        assert_eq!((buffer.start() / MS, buffer.length() / MS), (150, 50));
        buffer.append(&[3; 800], &AudioFormat::Pcmu);
        assert_eq!((buffer.length() / MS, buffer.end() / MS), (150, 300));
        assert_eq!(buffer.take(0, buffer.end()), [3; 800]);
        assert_eq!(buffer.length(), 0);
    }

    #[test]
    fn a_buffer_that_nobody_commits_does_not_grow() {
        let mut buffer = Buffer::default();
        for _ in 0..100 {
            buffer.append(&vec![0; 1 << 20], &AudioFormat::pcm());
        }
        assert_eq!(buffer.length(), 100 << 20);
        assert!(buffer.take(0, u64::MAX).len() <= 2 * KEPT);
    }
}
