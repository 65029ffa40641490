//! Settings of a conversation or transcription session.

/// What a connection to a conversation or transcription session tracks, keeps and lets wait. Set with the methods of the
/// same names on [`Connect`](crate::Connect), or together with [`Connect::settings`](crate::Connect::settings).
///
/// # Examples
/// ```
/// use realtime_core::{Overlap, RealtimeSettings, session::{Playback, Retention}};
///
/// let mut memory = Retention::default();
/// memory.items = Some(200);
/// let settings = RealtimeSettings::default().playback(Playback::queued()).overlap(Overlap::One).memory(memory);
/// # drop(settings);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealtimeSettings {
    /// Playback tracking, so that a barge-in truncates what was not heard. Off by default.
    pub playback: Option<Playback>,
    /// What happens to a request for a response while another one is active.
    pub overlap: Overlap,
    /// Limits on how much of the session is kept.
    pub memory: Retention,
}

setters! {
    RealtimeSettings:
    playback: impl Into<Option<Playback>>,
    overlap: Overlap,
    memory: Retention,
}

/// Playback tracking settings. See [`RealtimeSettings::playback`].
///
/// The model generates audio faster than it is played, so several items may be waiting when the user interrupts
/// (barge-in). The item being played is truncated at what was heard, the items after it at zero, and audio that still
/// arrives for them is dropped.
///
/// # Examples
/// ```
/// use realtime_core::session::Playback;
///
/// let mut playback = Playback::queued(); // for a `Player`
/// playback.barge_in = false; // the application decides when to interrupt
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias("barge-in", "interruption"))]
pub struct Playback {
    /// Whether audio is queued for the [`Player`](crate::Player), up to 128 MiB. Only audio handed out by
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

/// What happens to a request for a response of the conversation while another one is active. The service would refuse
/// it. Out-of-band responses are not affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlap {
    /// One request waits for its turn, and later events overtake it; a second one is refused.
    One,
    /// Any number of requests wait for their turn, in order, within [`Options::queue_bytes`](crate::Options::queue_bytes). Later events overtake
    /// them.
    #[default]
    Queue,
    /// The request is refused.
    Refuse,
}

/// How much of a session is kept in memory. Evicted content can still be requested with `conversation.item.retrieve`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias("memory", "evict"))]
pub struct Retention {
    /// Number of most recent items whose content is kept. Of older items, only the id and position are kept. `None`,
    /// the default, keeps all that [`bytes`](Self::bytes) allows. Positions are kept for the last 262,144 items.
    pub items: Option<usize>,
    /// Approximate maximum size of all items' content, in bytes. Beyond it, the content of the oldest items is evicted,
    /// and an item that exceeds it alone stops growing. 64 MiB by default: about 23 minutes of [`audio`](Self::audio).
    /// `None` is no limit.
    pub bytes: Option<usize>,
    /// Number of most recent responses kept. 256 by default.
    pub responses: Option<usize>,
    /// Whether the model's audio is kept. Off by default: a minute takes 2.9 MB.
    pub audio: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { items: None, bytes: Some(64 << 20), responses: Some(256), audio: false }
    }
}

impl Retention {
    /// Keeps everything except audio, without limits.
    pub fn unlimited() -> Self {
        Self { items: None, bytes: None, responses: None, audio: false }
    }
}
