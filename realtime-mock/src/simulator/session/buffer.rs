use realtime_core::types::AudioFormat;

/// A position in a session's audio, in ticks of 1/48,000 s, of which every format has a whole number per byte.
pub(super) type Ticks = u64;

/// Ticks per millisecond.
pub(super) const MS: Ticks = 48;

/// Maximum number of bytes kept of an uncommitted buffer: five and a half minutes of PCM. Earlier audio counts as duration
/// only.
const KEPT: usize = 16 << 20;

/// The input audio buffer: audio appended and not committed.
#[derive(Default)]
pub(super) struct Buffer {
    /// Start of the buffer.
    start: Ticks,
    /// Start of the audio that is kept.
    kept: Ticks,
    /// End of the buffer: all audio of the session so far.
    end: Ticks,
    data: Vec<u8>,
    /// Ticks per byte of `data`.
    scale: Ticks,
}

impl Buffer {
    /// Creates an empty buffer at this position.
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

    /// Duration of the buffer.
    pub(super) fn length(&self) -> Ticks {
        self.end - self.start
    }

    pub(super) fn append(&mut self, audio: &[u8], format: &AudioFormat) {
        let scale = ticks_per_byte(format);
        if scale != self.scale {
            // The session's format has changed, so the previous audio cannot be used any more.
            self.forget(self.end);
            self.scale = scale;
        }
        self.data.extend_from_slice(audio);
        self.end += audio.len() as Ticks * scale;
        // In large steps, so that not every append moves the data.
        if self.data.len() > 2 * KEPT {
            self.forget(self.end - KEPT as Ticks * scale);
        }
    }

    /// Removes and returns the audio between two positions. Earlier audio is discarded, later audio is kept.
    pub(super) fn take(&mut self, from: Ticks, to: Ticks) -> Vec<u8> {
        self.forget(from);
        let bytes = (to.saturating_sub(self.kept) / self.scale.max(1)) as usize;
        let rest = self.data.split_off(bytes.min(self.data.len()));
        let taken = std::mem::replace(&mut self.data, rest);
        self.kept += taken.len() as Ticks * self.scale;
        self.start = to.clamp(self.start, self.end);
        taken
    }

    /// Discards the audio before a position.
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
