//! Checks of requests that the server would refuse.

use super::RealtimeState;
use crate::{error::CheckError, protocol::types::Voice, realtime::types::SessionConfig, wire::Id};

/// Minimum duration of a commit in milliseconds, set by the service.
const LEAST_COMMIT_MS: u64 = 100;

impl RealtimeState {
    /// Whether the audio sent plus `queued` bytes suffice for a commit. Not checked with turn detection, because the
    /// server then commits by itself at unknown times.
    pub(crate) fn check_commit(&self, queued: usize) -> Result<(), CheckError> {
        let input = self.info().and_then(|info| info.input());
        if input.is_none_or(|input| input.turn_detection.is_some()) {
            return Ok(());
        }
        let bytes = self.input.buffered_bytes + queued as u64;
        match self.input_format().bytes_to_ms(bytes) {
            Some(ms) if ms < LEAST_COMMIT_MS => Err(CheckError::CommitTooShort { ms }),
            _ => Ok(()),
        }
    }

    /// Whether the item has this much audio.
    pub(crate) fn check_truncate(&self, item: &Id, content_index: u32, ms: u64) -> Result<(), CheckError> {
        let state = self.conversation.get(item).ok_or(CheckError::UnknownItem)?;
        let part = usize::try_from(content_index).ok().and_then(|index| state.parts.get(index));
        let bytes = part.map_or(0, |part| part.audio_bytes);
        match self.format_of(item).bytes_to_ms(bytes) {
            Some(received_ms) if ms > received_ms => Err(CheckError::BeyondReceived { received_ms }),
            _ => Ok(()),
        }
    }

    /// Whether the configuration's voice is still allowed.
    pub(crate) fn check_voice(&self, config: &SessionConfig) -> Result<(), CheckError> {
        let SessionConfig::Realtime(config) = config else { return Ok(()) };
        let wanted: Option<&Voice> = config.audio.as_ref().and_then(|audio| audio.output.as_ref()?.voice.as_ref());
        let current = self.info().and_then(|info| info.output()?.voice.as_ref());
        match (wanted, current) {
            (Some(wanted), Some(current)) if self.spoke && wanted != current => Err(CheckError::VoiceInUse),
            _ => Ok(()),
        }
    }
}
