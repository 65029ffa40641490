//! Tasks, backend responses and calls, as the application sees them.

use super::limits::{MOST_ENTRIES, MOST_PARTS};
use crate::{
    live::types::{DelegationTarget, Number},
    wire::{Id, Json},
};

/// A task that the voice handed over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveDelegation {
    /// Its id.
    pub id: Id,
    /// The worker. None as long as only backend events have named the task.
    pub target: Option<DelegationTarget>,
    /// When it was handed over, on the session's timeline, in milliseconds.
    pub offset_ms: Option<Number>,
    /// The backend's first response, as the delegation names it.
    pub response_id: Option<Id>,
    /// Whether the application has told the voice something about it, and the server has acknowledged that.
    pub(super) answered: bool,
    /// Whether the decision model has answered it.
    pub(super) decided: bool,
    /// Whether it was given to the application's handler.
    pub(super) handed: bool,
}

/// Status of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelegationStatus {
    /// The application has not answered yet.
    Open,
    /// The application has answered.
    Answered,
    /// The backend, or the decision model, has not begun.
    Waiting,
    /// The decision model has answered.
    Decided,
    /// The backend is at work.
    Running,
    /// The backend failed.
    Failed,
    /// The backend's response was cut short.
    Incomplete,
    /// The backend waits for the outputs of calls.
    NeedsOutput,
    /// The backend has all outputs, and waits for `response.create`.
    NeedsContinue,
    /// `response.create` was sent, and no response has begun.
    Continuing,
    /// The backend is done.
    Completed,
}

impl DelegationStatus {
    /// The name of the status: `open`, `answered`, `waiting`, ..
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Waiting => "waiting",
            Self::Decided => "decided",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::NeedsOutput => "needs_output",
            Self::NeedsContinue => "needs_continue",
            Self::Continuing => "continuing",
            Self::Completed => "completed",
        }
    }
}

/// A response of the backend.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveResponse {
    /// Its id.
    pub id: Option<Id>,
    /// The task that it belongs to; none if the application asked for it.
    pub delegation_id: Option<Id>,
    /// Status.
    pub status: ResponsePhase,
    /// Why it failed or was cut short.
    pub error: Option<String>,
    /// Tokens used, as the server reported them.
    pub usage: Option<Json>,
    /// The calls that it made, by their ids.
    pub calls: Vec<Id>,
    /// Its texts: the item, the part's place, the text.
    pub(super) parts: Vec<(Option<Id>, Number, String)>,
    /// The bytes of its texts and ids.
    pub(super) bytes: usize,
}

/// Status of a backend response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponsePhase {
    /// More of it comes.
    InProgress,
    /// It ended as it should.
    Completed,
    /// It failed.
    Failed,
    /// It was cut short.
    Incomplete,
}

impl ResponsePhase {
    /// The name of the phase: `in_progress`, `completed`, `failed`, `incomplete`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl LiveResponse {
    /// All its text.
    pub fn text(&self) -> String {
        self.parts.iter().map(|(_, _, text)| &**text).collect()
    }

    /// Changes one of its texts, which may be new.
    pub(super) fn write(&mut self, item: Option<&Id>, index: Option<Number>, change: impl FnOnce(&mut String)) {
        let index = index.unwrap_or_default();
        let at = match self.parts.iter().position(|(of, at, _)| of.as_ref() == item && *at == index) {
            Some(at) => at,
            None if self.parts.len() == MOST_PARTS => return,
            None => {
                self.parts.push((item.cloned(), index, String::new()));
                self.bytes += item.map_or(0, |item| item.len());
                self.parts.len() - 1
            }
        };
        if let Some((_, _, text)) = self.parts.get_mut(at) {
            let before = text.len();
            change(text);
            self.bytes = (self.bytes + text.len()).saturating_sub(before);
        }
    }

    pub(super) fn made(&mut self, call: &Id) {
        if self.calls.len() < MOST_ENTRIES {
            self.calls.push(call.clone());
            self.bytes += call.len();
        }
    }
}

/// A call of a function of the application.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveCall {
    /// Its id, which the output names.
    pub call_id: Id,
    /// The response that made it.
    pub response_id: Option<Id>,
    /// The task that it belongs to; none if the application asked for the response.
    pub delegation_id: Option<Id>,
    /// The function's name.
    pub name: String,
    /// The arguments: JSON as the model wrote it.
    pub arguments: String,
    /// State of its output.
    pub output: CallOutput,
    /// The number of its response.
    pub(super) response: Option<u64>,
    /// The event of ours that answered it.
    pub(super) answer: Option<Id>,
    /// Whether it was given to the functions of the application.
    pub(super) handed: bool,
    /// Whether its output is on its way to the wire.
    pub(super) queued: bool,
    /// Whether the backend is not asked to go on because of its output.
    pub(super) silent: bool,
}

/// State of a call's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutput {
    /// It was not sent yet.
    Owed,
    /// It was sent.
    Sent,
    /// It was sent, and the backend was asked to go on.
    Continued,
    /// The response failed or was cut short: no output is wanted.
    Discarded,
}

impl CallOutput {
    /// The name of the state: `owed`, `sent`, `continued`, `discarded`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Sent => "sent",
            Self::Continued => "continued",
            Self::Discarded => "discarded",
        }
    }
}
