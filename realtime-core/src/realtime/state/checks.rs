//! What the server would refuse, found before it is sent.

use super::RealtimeState;
use crate::{error::SendErrorKind, protocol::types::Voice, realtime::types::SessionConfig, wire::Id};

/// The least audio that can be committed, in milliseconds: what the service takes.
const LEAST_COMMIT_MS: u64 = 100;

impl RealtimeState {
    /// Whether so many more bytes of audio, which are queued, are enough to be committed. With turn detection the
    /// server commits by itself, and what it still has cannot be known.
    pub(crate) fn check_commit(&self, queued: usize) -> Result<(), SendErrorKind> {
        let input = self.info().and_then(|info| info.input());
        if input.is_none_or(|input| input.turn_detection.is_some()) {
            return Ok(());
        }
        let bytes = self.input.buffered_bytes + queued as u64;
        match self.input_format().bytes_to_ms(bytes) {
            Some(ms) if ms < LEAST_COMMIT_MS => Err(SendErrorKind::CommitTooShort { ms }),
            _ => Ok(()),
        }
    }

    /// Whether the item has so much audio.
    pub(crate) fn check_truncate(&self, item: &Id, content_index: u32, ms: u64) -> Result<(), SendErrorKind> {
        let state = self.conversation.get(item).ok_or(SendErrorKind::UnknownItem)?;
        let part = usize::try_from(content_index).ok().and_then(|index| state.parts.get(index));
        let bytes = part.map_or(0, |part| part.audio_bytes);
        match self.format_of(item).bytes_to_ms(bytes) {
            Some(received_ms) if ms > received_ms => Err(SendErrorKind::BeyondReceived { received_ms }),
            _ => Ok(()),
        }
    }

    /// Whether the voice may still be what the configuration asks for.
    pub(crate) fn check_voice(&self, config: &SessionConfig) -> Result<(), SendErrorKind> {
        let SessionConfig::Realtime(config) = config else { return Ok(()) };
        let wanted: Option<&Voice> = config.audio.as_ref().and_then(|audio| audio.output.as_ref()?.voice.as_ref());
        let current = self.info().and_then(|info| info.output()?.voice.as_ref());
        match (wanted, current) {
            (Some(wanted), Some(current)) if self.spoke && wanted != current => Err(SendErrorKind::VoiceInUse),
            _ => Ok(()),
        }
    }
}
