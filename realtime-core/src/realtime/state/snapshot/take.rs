//! From a session state to a snapshot.

use super::{super::RealtimeState, FORMAT, InFlight, Media, PROTOCOL, SavedItem, Snapshot};
use crate::{
    protocol::event::EventOf,
    realtime::{
        event::{ClientEvent, ConversationItemCreate, ResponseCreate},
        types::{SessionConfig, SessionInfo, Tool},
    },
    transport::Instant,
    wire::Patch,
};

impl RealtimeState {
    /// What another session needs to continue this one, without secrets. What was accepted and not sent yet is known to the
    /// connection only: see [`Connection::snapshot`](crate::Connection::snapshot).
    pub fn snapshot(&self, media: Media, now: Instant) -> Snapshot {
        let mut snapshot = match &self.inherited {
            // Nothing of it has been continued yet, but calls may have been answered.
            Some(inherited) => {
                let (calls, follow_ups) = self.save_calls();
                Snapshot { calls, follow_ups, ..Snapshot::clone(inherited) }
            }
            None => self.save(now),
        };
        snapshot.limit_media(media);
        snapshot.withhold_secrets();
        snapshot
    }

    /// Everything that another session needs to continue this one, secrets included.
    pub(in super::super) fn save(&self, now: Instant) -> Snapshot {
        let (calls, follow_ups) = self.save_calls();
        let (mut granted, asked) = (self.intent.clone(), self.responses.active());
        Snapshot {
            format: FORMAT.into(),
            version: Snapshot::VERSION,
            protocol: PROTOCOL.into(),
            confirmed: self.info.as_deref().cloned(),
            intended: granted.take_all(),
            conversation_id: self.conversation.id().cloned(),
            items: self.save_items(),
            heard: self.heard().cloned().collect(),
            calls,
            follow_ups,
            in_flight: self.save_in_flight(),
            cut_short: asked.into_iter().chain(self.responses.out_of_band()).map(|state| state.id.clone()).collect(),
            responding: asked.is_some(),
            expecting: self.expected_until().is_some_and(|until| now < until),
            audio_ms: self.input_format().bytes_to_ms(self.input.buffered_bytes).unwrap_or_default(),
            totals: self.totals.clone(),
            ..Snapshot::default()
        }
    }

    fn save_items(&self) -> Vec<SavedItem> {
        let saved = self.conversation.ids().map(|id| {
            let state = self.conversation.get(id);
            SavedItem {
                id: id.clone(),
                item: state.map(|state| state.item.clone()),
                response_id: state.and_then(|state| state.response_id.clone()),
                ..SavedItem::default()
            }
        });
        let mut saved: Vec<_> = saved.collect();
        for (id, item) in self.creations.media(usize::MAX) {
            if let Some(saved) = saved.iter_mut().rfind(|saved| saved.id == *id) {
                saved.sent = Some(item.clone());
            }
        }
        saved
    }

    fn save_in_flight(&self) -> Vec<InFlight> {
        let request = |number, create: &ConversationItemCreate| InFlight {
            number,
            kind: ConversationItemCreate::KIND.into(),
            item_id: create.item.id().cloned(),
            event: Some(create.clone().into()),
            ..InFlight::default()
        };
        let is_open =
            |create: &ConversationItemCreate| self.requests.open().any(|(_, id)| create.event_id.as_ref() == Some(id));
        // Of those that were given up, a late answer may still come.
        let given_up = self.creations.in_flight().filter(|(_, create)| !is_open(create));
        let mut all: Vec<_> = given_up.map(|(number, create)| request(number, create)).collect();
        all.extend(self.requests.all().map(|sent| {
            let creates = |(number, create): &(u64, &ConversationItemCreate)| {
                *number == sent.seq && create.event_id == sent.event_id
            };
            match self.creations.in_flight().find(creates) {
                Some((number, create)) => InFlight { event_id: sent.event_id.clone(), ..request(number, create) },
                None => InFlight {
                    number: sent.seq,
                    event_id: sent.event_id.clone(),
                    kind: sent.kind.name().unwrap_or_default().into(),
                    item_id: sent.subject.clone(),
                    ..InFlight::default()
                },
            }
        }));
        all.extend(self.scheduler.unfinished().map(|(number, create, begun)| InFlight {
            number,
            event_id: create.event_id.clone(),
            kind: ResponseCreate::KIND.into(),
            event: Some(create.clone().into()),
            begun,
            ..InFlight::default()
        }));
        all
    }
}

impl Snapshot {
    /// Adds what the connection knows besides the state.
    pub(crate) fn complete(&mut self, queued: Vec<ClientEvent>) {
        self.queued.splice(0..0, queued);
        self.withhold_secrets();
    }

    fn limit_media(&mut self, media: Media) {
        let most = media.count();
        for saved in self.items.iter_mut().rev().filter(|saved| saved.sent.is_some()).skip(most) {
            saved.sent = None;
        }
    }

    /// Leaves out tools that have secrets, and notes their labels.
    fn withhold_secrets(&mut self) {
        let mut withheld = std::mem::take(&mut self.withheld);
        match &mut self.confirmed {
            Some(SessionInfo::Realtime(session)) => withhold(&mut session.tools, &mut withheld),
            Some(SessionInfo::Other(_)) => self.confirmed = None,
            Some(SessionInfo::Transcription(_)) | None => {}
        }
        if let Some(config) = &mut self.intended {
            withhold_of_config(config, &mut withheld);
        }
        let sent = self.in_flight.iter_mut().filter_map(|sent| sent.event.as_mut());
        for event in sent.chain(&mut self.queued) {
            match event {
                ClientEvent::SessionUpdate(update) => withhold_of_config(&mut update.session, &mut withheld),
                ClientEvent::ResponseCreate(create) => {
                    if let Some(config) = &mut create.response {
                        withhold(&mut config.tools, &mut withheld);
                    }
                }
                _ => {}
            }
        }
        self.withheld = withheld;
    }
}

fn withhold_of_config(config: &mut SessionConfig, withheld: &mut Vec<String>) {
    if let SessionConfig::Realtime(config) = config {
        withhold(&mut config.tools, withheld);
    }
}

fn withhold(tools: &mut Option<Vec<Tool>>, withheld: &mut Vec<String>) {
    let Some(tools) = tools else { return };
    tools.retain(|tool| match tool {
        Tool::Mcp(mcp) if mcp.authorization.is_some() || matches!(mcp.headers, Patch::Set(_)) => {
            if !withheld.contains(&mcp.server_label) {
                withheld.push(mcp.server_label.clone());
            }
            false
        }
        _ => true,
    });
}
