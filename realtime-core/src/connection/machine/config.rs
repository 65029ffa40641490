use std::sync::Arc;

use super::super::{ids::Ids, options::Options, retry::Reconnect};
use crate::{
    dialect::Dialect,
    endpoint::Target,
    protocol::{Protocol, event::Event},
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
    /// The dialect in which events are encoded for the server.
    pub(crate) dialect: Dialect,
    pub(crate) ids: Ids,
}

impl<P: Protocol> Config<P> {
    /// Adds missing ids to an event, so that errors and answers can be matched to it.
    pub(crate) fn name(&self, event: &mut P::ClientEvent) {
        if event.event_id().is_none() {
            event.set_event_id(self.ids.fresh("evt"));
        }
        P::prepare(event, &|prefix| self.ids.fresh(prefix));
    }
}
