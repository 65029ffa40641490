//! A Live session as data that outlives its connection.

use std::{mem, sync::Arc};

use super::{LiveState, Mute, TurnEnd, ms, restore::Said};
use crate::{
    live::{
        event::ClientEvent,
        types::{Delegation, DelegationUpdate, HistoryItem, SessionConfig, Tool},
    },
    protocol::state::{check_each, check_head, read_snapshot, write_snapshot},
    session::SnapshotError,
    transport::Instant,
    wire::{Id, Json, Patch},
};

const PROTOCOL: &str = "live";

saved! {
    /// A Live session as data: what another session needs to go on from it, on this machine or another.
    ///
    /// Taken by [`Connection::snapshot`](crate::Connection::snapshot), and continued by
    /// [`LiveClient::resume`](crate::live::LiveClient::resume), which restores what a reconnect restores: another session
    /// begins with the same configuration and what was said, and is muted if this one was.
    ///
    /// As JSON it has the form and the rules of a conversation's [`Snapshot`](crate::session::Snapshot), with another
    /// `protocol`. It contains no credential, and neither the authorization nor the headers of an MCP server: a tool that has
    /// any is left out, and named in [`withheld`](Self::withheld). It does contain what was said.
    pub struct LiveSnapshot {
        /// Always `realtime-snapshot`.
        format: String,
        /// Version of the format. 1 is the first.
        version: u32,
        /// Always `live`.
        protocol: String,
        /// When it was taken, in seconds since the Unix epoch. `None` on a transport without a wall clock.
        taken_at: Option<u64>,
        /// Id of the session that is left.
        session_id: Option<Id>,
        /// Whether it was stored, so that it can be [forked](crate::live::LiveClient::fork) instead.
        stored: bool,
        /// The configuration that it began with.
        start: Option<SessionConfig>,
        /// What was said, in order, without what it began with.
        turns: Vec<SavedTurn>,
        /// Whether the input is muted, or was asked to be.
        muted: bool,
        /// Usage of the voice, as last reported. Cumulative, and not that of the next session.
        usage: Option<Json>,
        /// Ids of tasks that are unfinished. They are lost.
        unfinished: Vec<Id>,
        /// Ids of the backend's responses that were in progress.
        cut_short: Vec<Id>,
        /// Ids of the events that were sent and not answered, in order.
        unanswered: Vec<Id>,
        /// Events that were accepted and not sent, in order.
        queued: Vec<ClientEvent>,
        /// Labels of the MCP servers whose tools were left out, because they have secrets.
        withheld: Vec<String>,
    }

    /// Something that was said, in a [`LiveSnapshot`].
    pub struct SavedTurn {
        /// Id of the event with which it began.
        id: Id,
        /// The words.
        item: Option<HistoryItem>,
    }
}

impl LiveSnapshot {
    /// The version that is written.
    pub const VERSION: u32 = 1;

    /// Reads a snapshot.
    ///
    /// # Errors
    /// The text is not JSON or not a snapshot, is of another protocol, or a member is corrupt.
    pub fn from_json(json: &str) -> Result<Self, SnapshotError> {
        let snapshot: Self = read_snapshot(json, PROTOCOL)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Writes the snapshot as one line of JSON.
    ///
    /// # Errors
    /// Memory is exhausted, or an event that was put in by hand cannot be written.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        write_snapshot(self)
    }

    /// Checks what the types cannot say.
    pub(in crate::live) fn check(&self) -> Result<(), SnapshotError> {
        check_head(&self.format, &self.protocol, self.version, PROTOCOL)?;
        if self.start.is_none() {
            return Err(SnapshotError::corrupt("`start`: there is none"));
        }
        let is_event = |event: &ClientEvent| !matches!(event, ClientEvent::Malformed(_) | ClientEvent::Invalid(_));
        check_each("queued", &self.queued, is_event, "is not an event")?;
        check_each("turns", &self.turns, |turn| turn.item.is_some(), "has no words")
    }

    /// Adds what the connection knows besides the state, and leaves out tools that have secrets.
    pub(in crate::live) fn complete(&mut self, start: Option<SessionConfig>, queued: Vec<ClientEvent>) {
        self.start = self.start.take().or(start);
        self.queued.splice(0..0, queued);
        let mut withheld = mem::take(&mut self.withheld);
        if let Some(Patch::Set(Delegation::Responses(backend))) = self.start.as_mut().map(|start| &mut start.delegation)
        {
            withhold(&mut backend.responses.tools, &mut withheld);
        }
        for event in &mut self.queued {
            if let ClientEvent::SessionUpdate(update) = event
                && let Patch::Set(DelegationUpdate::Responses(backend)) = &mut update.session.delegation
                && let Some(backend) = &mut backend.responses
            {
                withhold(&mut backend.tools, &mut withheld);
            }
        }
        self.withheld = withheld;
    }
}

fn withhold(tools: &mut Option<Vec<Tool>>, withheld: &mut Vec<String>) {
    let Some(tools) = tools else { return };
    tools.retain(|tool| match tool {
        Tool::Mcp(mcp) if matches!(mcp.authorization, Patch::Set(_)) || matches!(mcp.headers, Patch::Set(_)) => {
            let label = mcp.server_label.clone().unwrap_or_default();
            if !withheld.contains(&label) {
                withheld.push(label);
            }
            false
        }
        _ => true,
    });
}

impl LiveState {
    /// What another session needs to go on from this one.
    pub(in crate::live) fn snapshot(&self, now: Instant) -> LiveSnapshot {
        if let Some(inherited) = &self.inherited {
            // Nothing of it has been continued yet.
            return LiveSnapshot::clone(inherited);
        }
        // Nobody goes on with a turn that is cut off here.
        let mut closed = self.clone();
        closed.elapse(now);
        closed.turns.close(TurnEnd::Manual, ms(now));
        let turns = closed.said().map(|Said { id, item }| SavedTurn { id, item: Some(item), ..SavedTurn::default() });
        LiveSnapshot {
            format: SnapshotError::FORMAT.into(),
            version: LiveSnapshot::VERSION,
            protocol: PROTOCOL.into(),
            session_id: self.session_id().cloned(),
            stored: self.session.as_ref().is_some_and(|session| session.store == Some(true)),
            turns: turns.collect(),
            muted: self.wants_mute.is_some(),
            usage: self.usage.clone(),
            unfinished: self.work.unfinished().to_vec(),
            cut_short: self.work.in_progress(),
            unanswered: self.resumed(now).0,
            ..LiveSnapshot::default()
        }
    }

    /// Goes on from a snapshot: it is known at once, and restored when a session begins.
    pub(in crate::live) fn inherit(&mut self, snapshot: LiveSnapshot) {
        self.restores = true;
        self.wants_mute = snapshot.muted.then_some(Mute::Granted);
        let said = |turn: &SavedTurn| Some(Said { id: turn.id.clone(), item: turn.item.clone()? });
        self.history = snapshot.turns.iter().filter_map(said).collect();
        self.inherited = Some(Arc::new(snapshot));
    }
}
