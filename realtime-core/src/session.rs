//! Session state: what the client knows of a session. No network, no clock, no async.

pub use crate::{
    protocol::state::*,
    realtime::{
        Playback, Retention,
        state::{Media, RealtimeState, Snapshot},
    },
    translation::state::TranslationState,
};

/// The state of a conversation or transcription session, part by part.
pub mod realtime {
    pub use crate::realtime::state::*;
}
