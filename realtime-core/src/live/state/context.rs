//! Clips and contexts of ours and of other connections, and what the server says of them.

use super::{
    command::ContextKind,
    limits::{Log, MOST_ENTRIES, MOST_ID},
};
use crate::{live::types::Number, wire::Id};

/// A clip that is played to the user.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fixture {
    /// The event that asked for it, by its id.
    pub client_event_id: Option<Id>,
    /// Status.
    pub state: FixtureState,
    /// Size in bytes. `None` if another connection sent it.
    pub bytes: Option<u64>,
}

/// State of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FixtureState {
    /// It was sent.
    Requested,
    /// The server plays it.
    Playing,
    /// It has left the server's mixer.
    Played,
    /// The server does not play it.
    Refused,
    /// The session ended first.
    Unfinished,
}

impl FixtureState {
    /// The name of the state: `requested`, `playing`, `played`, `refused`, `unfinished`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Playing => "playing",
            Self::Played => "played",
            Self::Refused => "refused",
            Self::Unfinished => "unfinished",
        }
    }
}

/// A context that this connection added.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Append {
    /// Kind of context.
    pub kind: ContextKind,
    /// The event that added it, by its id.
    pub client_event_id: Option<Id>,
    /// The task that it belongs to; none for the session as a whole.
    pub delegation_id: Option<Id>,
    /// Status.
    pub state: AppendState,
    /// Start and end on the session's timeline, in milliseconds.
    pub interval_ms: Option<(Number, Number)>,
}

/// State of an added context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendState {
    /// It was sent.
    Pending,
    /// It was placed on the timeline.
    Appended,
    /// The server did not take it.
    Refused,
    /// The session ended first.
    Unconfirmed,
}

impl AppendState {
    /// The name of the state: `pending`, `appended`, `refused`, `unconfirmed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Appended => "appended",
            Self::Refused => "refused",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Whether an answer is to an event of ours: by the id that it names; without one by order, on a sideband among those
/// that have none, because it may answer another connection's event.
pub(super) fn answers(answered: Option<&Id>, ours: Option<&Id>, is_sideband: bool) -> bool {
    match answered {
        Some(_) => answered == ours,
        None => !is_sideband || ours.is_none(),
    }
}

/// Clips and contexts, in order.
#[derive(Clone, Debug)]
pub(super) struct Contexts {
    pub(super) fixtures: Log<Fixture>,
    pub(super) appends: Log<Append>,
}

impl Default for Contexts {
    fn default() -> Self {
        Self { fixtures: Log::new(MOST_ENTRIES), appends: Log::new(MOST_ENTRIES) }
    }
}

impl Contexts {
    /// The server plays a clip, or has played one.
    pub(super) fn fixture(&mut self, answered: Option<&Id>, state: FixtureState, is_sideband: bool) {
        let before = if state == FixtureState::Played { FixtureState::Playing } else { FixtureState::Requested };
        let fits = |fixture: &&mut Fixture| {
            fixture.state == before && answers(answered, fixture.client_event_id.as_ref(), is_sideband)
        };
        if let Some(fixture) = self.fixtures.iter_mut().find(fits) {
            fixture.state = state;
            return;
        }
        let client_event_id = answered.filter(|id| id.len() <= MOST_ID).cloned();
        self.fixtures.push(Fixture { client_event_id, state, bytes: None });
    }

    /// The server has taken a context: the task that it belongs to, if it is one of ours and belongs to one.
    pub(super) fn appended(
        &mut self,
        kind: ContextKind,
        answered: Option<&Id>,
        interval_ms: (Number, Number),
        is_sideband: bool,
    ) -> Option<Id> {
        let append = self.appends.iter_mut().find(|append| {
            append.kind == kind
                && append.state == AppendState::Pending
                && answers(answered, append.client_event_id.as_ref(), is_sideband)
        })?;
        append.state = AppendState::Appended;
        append.interval_ms = Some(interval_ms);
        append.delegation_id.clone()
    }

    /// An error names an event of ours.
    pub(super) fn refused(&mut self, event_id: &Id) {
        for fixture in self.fixtures.iter_mut() {
            if fixture.state == FixtureState::Requested && fixture.client_event_id.as_ref() == Some(event_id) {
                fixture.state = FixtureState::Refused;
            }
        }
        for append in self.appends.iter_mut() {
            if append.state == AppendState::Pending && append.client_event_id.as_ref() == Some(event_id) {
                append.state = AppendState::Refused;
            }
        }
    }

    /// Nothing more will be said of what was sent.
    pub(super) fn settle(&mut self) {
        for fixture in self.fixtures.iter_mut() {
            if matches!(fixture.state, FixtureState::Requested | FixtureState::Playing) {
                fixture.state = FixtureState::Unfinished;
            }
        }
        for append in self.appends.iter_mut().filter(|append| append.state == AppendState::Pending) {
            append.state = AppendState::Unconfirmed;
        }
    }
}
