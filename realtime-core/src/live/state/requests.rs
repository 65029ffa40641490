//! Events of ours that wait for an answer.

use std::collections::VecDeque;

use super::{
    command::{Command, ContextKind},
    context::answers,
    limits::MOST_ENTRIES,
};
use crate::{session::Timeouts, transport::Instant, wire::Id};

/// What an answer is an answer to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    Update,
    Mute,
    Unmute,
    Fixture,
    Context(ContextKind),
    Decision,
    DecisionItem,
    DecisionItemGone(Id),
    Close,
    Dtmf,
}

impl Asked {
    pub(super) fn by(command: &Command<'_>) -> Option<Self> {
        Some(match command {
            Command::Update => Self::Update,
            Command::Mute => Self::Mute,
            Command::Unmute => Self::Unmute,
            Command::Fixture(_) => Self::Fixture,
            Command::Context(kind, _) => Self::Context(*kind),
            Command::DecisionCreate => Self::Decision,
            Command::DecisionItemCreate => Self::DecisionItem,
            Command::DecisionItemDelete(item) => Self::DecisionItemGone((*item).clone()),
            Command::Close => Self::Close,
            Command::Dtmf => Self::Dtmf,
            Command::Start
            | Command::Audio(_)
            | Command::ResponseItemCreate(_)
            | Command::ResponseCreate
            | Command::Other => {
                return None;
            }
        })
    }
}

#[derive(Clone, Debug)]
struct Request {
    seq: u64,
    event_id: Option<Id>,
    asked: Asked,
    at: Instant,
}

/// A request that was not answered in time.
pub(super) struct Expired {
    pub(super) seq: u64,
    pub(super) event_id: Option<Id>,
    pub(super) at: Instant,
}

/// Requests on the wire, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    pub(super) fn push(&mut self, seq: u64, event_id: Option<Id>, asked: Asked, at: Instant) {
        // Normally they time out before that.
        if self.0.len() == 2 * MOST_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back(Request { seq, event_id, asked, at });
    }

    /// When the oldest is given up.
    pub(super) fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
        if self.0.len() > MOST_ENTRIES {
            return Some(Instant::default());
        }
        Some(self.0.front()?.at + timeouts.request?)
    }

    /// Takes the next one that has waited for too long.
    pub(super) fn expired(&mut self, timeouts: &Timeouts, now: Instant) -> Option<Expired> {
        self.due(timeouts).filter(|at| now >= *at)?;
        self.0.pop_front().map(|Request { seq, event_id, at, .. }| Expired { seq, event_id, at })
    }

    /// The request that is granted: by the id that the answer names; without one by order, on a sideband among those
    /// that were sent without one.
    pub(super) fn granted(&mut self, asked: &Asked, answered: Option<&Id>, is_sideband: bool) -> Option<u64> {
        let fits =
            |request: &Request| request.asked == *asked && answers(answered, request.event_id.as_ref(), is_sideband);
        let at = self.0.iter().position(fits)?;
        self.0.remove(at).map(|request| request.seq)
    }

    /// Takes the request that an error names.
    pub(super) fn refused(&mut self, event_id: &Id) -> Option<u64> {
        let at = self.0.iter().position(|request| request.event_id.as_ref() == Some(event_id))?;
        self.0.remove(at).map(|request| request.seq)
    }

    /// The id of an event that waits for its answer.
    pub(super) fn id_of(&self, seq: u64) -> Option<&Id> {
        self.0.iter().find(|request| request.seq == seq)?.event_id.as_ref()
    }

    /// Nothing will be answered any more: the ids of those that were not.
    pub(super) fn clear(&mut self) -> Vec<Id> {
        self.0.drain(..).filter_map(|request| request.event_id).collect()
    }
}
