/// Playback tracking settings. See [`Options::playback`](crate::Options::playback).
///
/// The model generates audio faster than it is played, so several items may be waiting when the user interrupts
/// (barge-in). The item being played is truncated at what was heard, the items after it at zero, and audio that still
/// arrives for them is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias("barge-in", "interruption"))]
pub struct Playback {
    /// Whether audio is queued for the [`Player`](crate::connection::Player), up to 128 MiB. Only audio handed out by
    /// the player then counts as heard. If off, the application plays the audio of the events.
    pub queue: bool,
    /// What happens to items of which nothing was heard.
    pub unheard: Unheard,
    /// Whether the start of the user's speech interrupts playback (barge-in). On by default.
    pub barge_in: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self { queue: false, unheard: Unheard::Truncate, barge_in: true }
    }
}

impl Playback {
    /// Queues audio for the player.
    pub fn queued() -> Self {
        Self { queue: true, ..Self::default() }
    }
}

/// What happens to interrupted items of which nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// They are truncated to 0 ms and stay in the conversation.
    Truncate,
    /// They are deleted.
    Delete,
}
