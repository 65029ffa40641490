use std::sync::Arc;

use super::super::{fallback::Fallback, ids::Ids, options::Options, retry::Reconnect};
use crate::{
    dialect::Dialect,
    endpoint::Target,
    protocol::{Protocol, event::Event, state::NextSession},
};

/// The immutable part of a connection, shared with its senders.
pub(crate) struct Config<P: Protocol> {
    pub(crate) options: Arc<Options>,
    pub(crate) reconnect: Option<Arc<Reconnect>>,
    /// The target.
    pub(crate) target: Target,
    /// Whether the server's session existed before the connection, and outlives its links.
    pub(crate) joins: bool,
    pub(crate) settings: P::Settings,
    /// The dialect in which events are encoded for the first server.
    pub(crate) dialect: Dialect,
    pub(crate) ids: Ids,
    /// Whether the service is Azure's, for spans and metrics.
    pub(crate) azure: bool,
}

impl<P: Protocol> Config<P> {
    /// Returns the other places to connect to. A session that is joined exists in one.
    pub(crate) fn fallbacks(&self) -> &[Fallback] {
        match &self.reconnect {
            Some(policy) if !self.joins => policy.fallbacks(),
            _ => &[],
        }
    }

    /// Returns the dialect of a target: of the first server, 0, or of a fallback.
    pub(super) fn dialect_of(&self, target: usize) -> Dialect {
        let fallback = target.checked_sub(1).and_then(|at| self.fallbacks().get(at));
        fallback.map_or(self.dialect, |fallback| fallback.dialect(self.dialect))
    }

    /// Describes another session at a target.
    pub(super) fn session_of(&self, target: usize) -> NextSession {
        let fallback = target.checked_sub(1).and_then(|at| self.fallbacks().get(at));
        let other_target = fallback.is_some_and(|fallback| fallback.has_other_target(&self.target));
        NextSession { dialect: self.dialect_of(target), other_target }
    }

    /// Adds missing ids to an event, so that errors and answers can be matched to it.
    pub(crate) fn name(&self, event: &mut P::ClientEvent) {
        if event.event_id().is_none() {
            event.set_event_id(self.ids.fresh("evt"));
        }
        P::prepare(event, &|prefix| self.ids.fresh(prefix));
    }
}
