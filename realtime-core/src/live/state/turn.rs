//! What a turn of the conversation is, and by which rules fragments of transcripts become one.

use crate::wire::Id;

/// Rules for grouping transcript fragments into turns. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Grouping {
    /// Time after the user's turn within which the model must begin for the turn to end. 500 by default.
    pub separation_ms: f64,
    /// After how long a silence the model's turn ends. 2,000.
    pub assistant_silence_ms: f64,
    /// Maximum duration of an acknowledgement within the user's turn that is omitted. 1,000 by default; 0 omits none.
    pub backchannel_max_ms: f64,
    /// Minimum distance of an omitted acknowledgement from other speech of the model. 2,000 by default.
    pub isolation_ms: f64,
    /// Acknowledgements beside the English ones.
    pub acknowledgements: Vec<String>,
}

impl Default for Grouping {
    fn default() -> Self {
        Self {
            separation_ms: 500.0,
            assistant_silence_ms: 2_000.0,
            backchannel_max_ms: 1_000.0,
            isolation_ms: 2_000.0,
            acknowledgements: Vec::new(),
        }
    }
}

/// The speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Speaker {
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl Speaker {
    /// The name of the speaker: `user`, `assistant`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A turn: speech of one side until the other one speaks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveTurn {
    /// The id of the event with which it began.
    pub id: Id,
    /// The speaker.
    pub speaker: Speaker,
    /// Transcript: the first MiB.
    pub text: String,
    /// Start on the session's timeline, in milliseconds.
    pub start_ms: u64,
    /// End so far, on the session's timeline, in milliseconds.
    pub end_ms: u64,
    /// Why it ended; none as long as it goes on.
    pub ended: Option<TurnEnd>,
}

/// Why a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEnd {
    /// The other side speaks.
    SpeakerChange,
    /// The model fell silent.
    Inactivity,
    /// The timeline started again.
    TimestampReset,
    /// The session was closed.
    SessionClosed,
    /// The application let go of it.
    Manual,
}

impl TurnEnd {
    /// The name of the reason: `speaker_change`, `inactivity`, ..
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpeakerChange => "speaker_change",
            Self::Inactivity => "inactivity",
            Self::TimestampReset => "timestamp_reset",
            Self::SessionClosed => "session_closed",
            Self::Manual => "manual",
        }
    }
}

/// A fragment of a transcript.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    /// The id of its event.
    pub(super) id: Id,
    pub(super) speaker: Speaker,
    pub(super) text: String,
    pub(super) start: u64,
    pub(super) end: u64,
}
