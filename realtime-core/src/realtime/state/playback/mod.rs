//! What of the model's audio the user has heard, and what is cut off when the user interrupts.
//!
//! [`Track`] holds the audio and its positions. The session adds to it and cuts it off through its [`Ledger`]; the
//! player reads from it and reports to it. Both reach it through an [`AudioQueue`], whose lock is held while a chunk
//! moves and never while a frame is decoded, so that an audio callback does not wait for the connection.

mod ledger;
mod track;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use ledger::Ledger;
pub(crate) use track::Track;

use crate::{
    protocol::types::AudioFormat,
    wire::{Audio, Id},
};

/// How the session follows the playback of the model's audio: see [`Options::playback`](crate::Options::playback).
///
/// The model sends faster than one can listen, so when the user speaks up several items may wait to be played. The one
/// that is playing is truncated at what was heard, those behind it at zero, and what still arrives of them is never
/// played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Playback {
    /// Whether audio is kept until the [`Player`](crate::connection::Player) hands it out, up to 128 MiB. Nothing beyond
    /// what was handed out counts as heard then. Off: the application plays what the events bring.
    pub queue: bool,
    /// What becomes of items of which nothing was heard.
    pub unheard: Unheard,
    /// Whether the start of speech interrupts the playback by itself. On.
    pub barge_in: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self { queue: false, unheard: Unheard::Truncate, barge_in: true }
    }
}

impl Playback {
    /// Keeps the audio for the player to hand out.
    pub fn queued() -> Self {
        Self { queue: true, ..Self::default() }
    }
}

/// What becomes of items of which nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// They stay in the conversation, cut off at 0 ms.
    Truncate,
    /// They are deleted.
    Delete,
}

/// What was heard of an item that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// The item.
    pub item_id: Id,
    /// Its part.
    pub content_index: u32,
    /// How much was heard, in milliseconds.
    pub ms: u64,
    /// How much had come, in milliseconds.
    pub received_ms: u64,
    /// What was heard, in words: an estimate by the share of the audio, for the service drops the transcript.
    pub transcript: String,
}

/// What is to be done next where the model's audio is played.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Play this behind what was handed out before.
    Chunk(Chunk),
    /// The model was interrupted: drop what was handed out and not played yet. What is handed out after this stays.
    Flush,
}

impl Output {
    /// The audio, if there is some to be played.
    pub fn into_chunk(self) -> Option<Chunk> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Flush => None,
        }
    }
}

/// Audio to be played, and where it belongs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// The item.
    pub item_id: Id,
    /// Its part.
    pub content_index: u32,
    /// How the audio is written.
    pub format: AudioFormat,
    /// The audio.
    pub audio: Audio,
}

/// The audio between the session and the player. Lock order: the connection's locks, then this one; nothing is called
/// under it.
#[derive(Debug)]
pub(crate) struct AudioQueue(Mutex<Track>);

impl AudioQueue {
    fn new(settings: &Playback) -> Self {
        Self(Mutex::new(Track::new(settings.queue)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Track> {
        // Nothing under the lock panics, and a track has no state in between that would matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
