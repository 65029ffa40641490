//! What to do next: the state machine of a session. No network, no clock, no async.

pub use crate::{
    protocol::state::*,
    realtime::state::{Playback, RealtimeSession},
    translation::state::TranslationSession,
};

pub mod realtime {
    pub use crate::realtime::state::*;
}
