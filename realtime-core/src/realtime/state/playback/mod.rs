//! Playback tracking: which of the model's audio the user has heard, and what is truncated on barge-in.
//!
//! [`Track`] holds the audio and its positions. The session adds and truncates audio through its [`Ledger`]; the player
//! reads audio and reports positions. Both use an [`AudioQueue`], whose lock is held only while a chunk is moved, never
//! while a frame is decoded, so that an audio callback does not wait for the connection.

mod ledger;
mod starts;
mod track;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub(super) use ledger::Ledger;
pub(crate) use track::Track;

pub use crate::realtime::settings::{Playback, Unheard};

use crate::{
    protocol::types::AudioFormat,
    wire::{Audio, Id},
};

/// What was heard of an interrupted item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Heard {
    /// Id of the item.
    pub item_id: Id,
    /// Index of the content part.
    pub content_index: u32,
    /// Duration heard, in milliseconds.
    pub ms: u64,
    /// Duration received, in milliseconds.
    pub received_ms: u64,
    /// Transcript of what was heard: an estimate by the share of the audio, because the service deletes the transcript.
    pub transcript: String,
}

/// An instruction for the playback of the model's audio.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Play this after what was handed out before.
    Chunk(Chunk),
    /// The model was interrupted: discard what was handed out and not played yet. Audio handed out later is not
    /// affected.
    Flush,
}

impl Output {
    /// The audio chunk, if this is one.
    pub fn into_chunk(self) -> Option<Chunk> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Flush => None,
        }
    }
}

/// Audio to be played, and the item that it belongs to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// Id of the item.
    pub item_id: Id,
    /// Index of the content part.
    pub content_index: u32,
    /// Audio encoding.
    pub format: AudioFormat,
    /// The audio.
    pub audio: Audio,
}

/// The audio between session and player. Lock order: the connection's locks, then this one. Nothing is called while it
/// is held.
#[derive(Debug)]
pub(crate) struct AudioQueue(Mutex<Track>);

impl AudioQueue {
    fn new(settings: &Playback) -> Self {
        Self(Mutex::new(Track::new(settings.queue)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Track> {
        // Code under the lock does not panic, and a track has no intermediate states.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
