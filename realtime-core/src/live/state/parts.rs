//! What the state of a session is made of: phases, endings, decisions, errors, counts.

use crate::{
    live::types::{CloseReason, Decision, LiveError, Reported},
    session::LinkEnd,
    wire::Id,
};

/// Kind of connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionKind {
    /// A session of its own.
    #[default]
    Primary,
    /// A session that goes on from a stored one.
    Fork,
    /// Beside a session that a browser or a telephone holds.
    Sideband,
}

impl ConnectionKind {
    /// The name of the kind: `primary`, `fork`, `sideband`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Fork => "fork",
            Self::Sideband => "sideband",
        }
    }
}

/// Phase of a Live session, as this connection sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LivePhase {
    /// The session has not begun.
    #[default]
    Opening,
    /// The session is open.
    Open,
    /// This side has asked for the end.
    Closing,
    /// The server has confirmed the end.
    Closed,
    /// The sideband is gone; the session goes on without it.
    Detached,
    /// The server refused to begin.
    Refused,
    /// The link is gone, and the end is not confirmed.
    Lost,
}

impl LivePhase {
    /// The name of the phase: `opening`, `open`, ..
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Detached => "detached",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

/// How the session, or the link to it, ended.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Ending {
    /// Why the server ended the session.
    pub reason: Option<CloseReason>,
    /// Whether the server confirmed that the session was finished in order.
    pub confirmed: bool,
    /// The WebSocket's close code.
    pub code: Option<u16>,
    /// The side that ended the link.
    pub by: Option<LinkEnd>,
}

/// An answer of the decision model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveDecision {
    /// The event's id.
    pub event_id: Option<Id>,
    /// The task, if the voice asked.
    pub delegation_id: Option<Id>,
    /// The trigger, if a transcript did.
    pub trigger_id: Option<Id>,
    /// The transcript event.
    pub source_event_id: Option<Id>,
    /// The answers.
    pub decision: Reported<Decision>,
}

/// What a decision answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionSource {
    /// A task.
    Delegation,
    /// A transcript.
    Trigger,
    /// `decision.create`.
    Request,
}

impl DecisionSource {
    /// The name of the source: `delegation`, `trigger`, `request`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegation => "delegation",
            Self::Trigger => "trigger",
            Self::Request => "request",
        }
    }
}

impl LiveDecision {
    /// What it answers.
    pub fn source(&self) -> DecisionSource {
        match (&self.delegation_id, &self.trigger_id) {
            (Some(_), _) => DecisionSource::Delegation,
            (None, Some(_)) => DecisionSource::Trigger,
            (None, None) => DecisionSource::Request,
        }
    }
}

/// An error of the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveComplaint {
    /// What it says.
    pub error: LiveError,
    /// The event of ours that it is about, by its id.
    pub client_event_id: Option<Id>,
    /// The type of that event.
    pub about: Option<Box<str>>,
    /// Whether trying again is of no use.
    pub fatal: bool,
}

/// Pieces of audio, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioCount {
    /// How many pieces.
    pub events: u64,
    /// How many bytes of audio. A piece that is not base64 has none.
    pub bytes: u64,
}

impl AudioCount {
    pub(super) fn add(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes as u64;
    }
}

/// All audio of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioCounts {
    /// Input that this connection sent.
    pub appended: AudioCount,
    /// Output of the voice.
    pub output: AudioCount,
    /// Input that a sideband was shown.
    pub reflected_input: AudioCount,
    /// Clips that this connection sent, refused ones too.
    pub fixture: AudioCount,
}

/// Keys of a telephone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keys {
    /// Those that the caller pressed.
    pub received: String,
    /// Those that were sent.
    pub sent: String,
    /// Those that were sent, as older servers tell it.
    pub legacy: String,
}

/// State of a telephone call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallState {
    /// The called party's telephone rings.
    Ringing,
    /// The called party has answered.
    Answered,
    /// The call could not be set up.
    Failed,
}

impl CallState {
    /// The name of the state: `ringing`, `answered`, `failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Failed => "failed",
        }
    }
}
