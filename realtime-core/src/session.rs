//! What to do next: the state machine of a session. No network, no clock, no async.

pub use crate::{
    protocol::state::*,
    realtime::state::{Playback, RealtimeState},
    translation::state::TranslationState,
};

/// The state of a session that converses or transcribes, part by part.
pub mod realtime {
    pub use crate::realtime::state::*;
}
