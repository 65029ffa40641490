//! Plans how to restore a conversation in another session.

use std::sync::Arc;

use super::{
    Heard, RealtimeState,
    scheduler::is_out_of_band,
    snapshot::{InFlight, SavedItem, Snapshot},
};
use crate::{
    protocol::{
        event::EventOf,
        state::{Lost, LostReason, NextSession, Plan},
        types::ItemStatus,
    },
    realtime::{
        dialect::fit,
        event::{ClientEvent, ConversationItemCreate, ConversationItemDelete, ResponseCreate, SessionUpdate},
        types::{ContentPart, Item, Message},
    },
    transport::Instant,
    wire::Id,
};

/// Items that the client has created, as far as they are needed to restore them.
#[derive(Clone, Debug, Default)]
pub(super) struct Creations {
    /// Whether a lost session is restored in the next one. A snapshot can be taken in any case.
    on: bool,
    /// Items not acknowledged yet, by request number.
    open: Vec<(u64, Arc<ConversationItemCreate>)>,
    /// Items with images or audio, as they were sent, because the server does not return that content.
    media: Vec<(Id, Arc<Item>)>,
}

/// The number of events that only restore: nobody waits for their answers.
const REPLAYED: u64 = 0;
/// Maximum number of unacknowledged items remembered.
const MOST_OPEN: usize = 4096;
/// Maximum number of items with images or audio remembered.
const MOST_MEDIA: usize = 64;

impl Creations {
    pub(super) fn remember(&mut self, on: bool) {
        self.on = on;
    }

    /// Items not acknowledged yet, with the numbers of their requests.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = (u64, &ConversationItemCreate)> {
        self.open.iter().map(|(seq, create)| (*seq, &**create))
    }

    /// The latest messages with images or audio, as they were sent.
    pub(super) fn media(&self, most: usize) -> impl Iterator<Item = (&Id, &Item)> {
        self.media.iter().rev().take(most).map(|(id, item)| (id, &**item))
    }

    /// Remembers a message as it was sent.
    pub(super) fn keep(&mut self, id: &Id, item: &Item) {
        if self.media.len() == MOST_MEDIA {
            self.media.remove(0);
        }
        self.media.push((id.clone(), Arc::new(item.clone())));
    }

    pub(super) fn asked(&mut self, seq: u64, create: &ConversationItemCreate) {
        if let Some((_, known)) = self.open.iter_mut().find(|(asked, _)| *asked == seq && seq != REPLAYED) {
            // One that is replayed is known already, with its place.
            Arc::make_mut(known).event_id.clone_from(&create.event_id);
        } else if self.open.len() < MOST_OPEN {
            self.open.push((seq, Arc::new(create.clone())));
        }
    }

    /// Remembers the creations in flight that a plan repeats, at their places: the next link may be lost before they are
    /// sent.
    fn repeat(&mut self, plan: &Plan<ClientEvent>) {
        let mut previous = Id::new("root");
        for (seq, event) in &plan.events {
            let ClientEvent::ConversationItemCreate(create) = event else { continue };
            if let Some(seq) = seq {
                let create = (**create).clone().previous_item_id(&previous);
                self.open.push((*seq, Arc::new(create)));
            }
            if let Some(id) = create.item.id() {
                previous.clone_from(id);
            }
        }
    }

    pub(super) fn settle(&mut self, seq: u64, granted: bool) {
        let Some(at) = self.open.iter().position(|(asked, _)| *asked == seq) else { return };
        let (_, create) = self.open.remove(at);
        let has_media = |part: &ContentPart| part.image_url.is_some() || part.audio.is_some();
        if let (true, Some(id), Item::Message(message)) = (granted && self.on, create.item.id(), &create.item)
            && message.content.iter().any(has_media)
        {
            self.keep(id, &create.item);
        }
    }

    /// The item was deleted. If its creation was not acknowledged, it must not be repeated.
    pub(super) fn forget(&mut self, id: &Id) {
        self.media.retain(|(item, _)| item != id);
        self.open.retain(|(_, create)| create.item.id() != Some(id));
    }
}

impl RealtimeState {
    /// The plan to restore the conversation, and the state that continues.
    pub(super) fn plan_restoration(
        &self,
        session: &NextSession,
        repeat_response: bool,
        now: Instant,
    ) -> (Plan<ClientEvent>, Self) {
        let mut next = self.successor(now);
        if let Some(ledger) = &mut next.ledger {
            ledger.outlive(&self.conversation);
        }
        if let Some(inherited) = next.inherited.take() {
            let mut plan = inherited.plan(repeat_response);
            fit(&mut plan, session);
            // Their numbers are those of another connection, and nobody here awaits them.
            plan.events.iter_mut().for_each(|(seq, _)| *seq = None);
            next.conversation.restart(replayed(&plan));
            next.forget_lost_calls();
            return (plan, next);
        }
        let left = self.save(now);
        if !self.creations.on {
            // Nothing is restored: the next session starts empty.
            next.conversation.restart([].iter());
            next.forget_lost_calls();
            next.intent = Default::default();
            let unanswered = left.in_flight.iter().filter(|sent| !sent.begun);
            let ambiguous = unanswered.filter_map(|sent| sent.event_id.clone()).collect();
            let lost = self.conversation.ids().map(|id| Lost::new(id, LostReason::NotAsked)).collect();
            let Snapshot { cut_short, audio_ms, .. } = left;
            return (Plan { lost, ambiguous, cut_short, audio_ms, ..Plan::default() }, next);
        }
        next.intent.take_all();
        let mut plan = left.plan(repeat_response);
        fit(&mut plan, session);
        next.conversation.restart(replayed(&plan));
        next.forget_lost_calls();
        next.creations.repeat(&plan);
        (plan, next)
    }
}

/// The items that a plan creates, except those in flight, which the next session has yet to acknowledge.
fn replayed(plan: &Plan<ClientEvent>) -> impl Iterator<Item = &Item> {
    plan.events.iter().filter_map(|(seq, event)| match (seq, event) {
        (None, ClientEvent::ConversationItemCreate(create)) => Some(&create.item),
        _ => None,
    })
}

impl Snapshot {
    /// The events that restore the conversation in another session, and what cannot be restored.
    pub(super) fn plan(&self, repeat_response: bool) -> Plan<ClientEvent> {
        let mut plan = Plan { cut_short: self.cut_short.clone(), audio_ms: self.audio_ms, ..Plan::default() };
        plan.events.extend(self.intended.clone().map(|config| (None, SessionUpdate::new(config).into())));
        let deleting = || {
            let deletes = self.in_flight.iter().filter(|sent| sent.kind == ConversationItemDelete::KIND);
            deletes.filter_map(|sent| Some((sent.number, sent.item_id.as_ref()?)))
        };
        let mut items: Vec<(Option<u64>, Item)> = Vec::new();
        for saved in self.items.iter().filter(|saved| !deleting().any(|(_, deleted)| *deleted == saved.id)) {
            match self.again(saved) {
                Ok(Some(item)) => items.push((None, item)),
                // The server creates it by itself.
                Ok(None) => {}
                Err(reason) => plan.lost.push(Lost::new(&saved.id, reason)),
            }
        }
        for (seq, create) in self.creating() {
            // A creation with a duplicate id was or will be refused. An item that is to be deleted need not be created
            // first.
            let is_deleted_later = deleting().any(|(at, id)| at > seq && create.item.id() == Some(id));
            if is_deleted_later || items.iter().any(|(_, item)| item.id() == create.item.id()) {
                continue;
            }
            let at = match &create.previous_item_id {
                Some(previous) if previous == "root" => 0,
                Some(previous) => {
                    items.iter().position(|(_, item)| item.id() == Some(previous)).map_or(items.len(), |at| at + 1)
                }
                None => items.len(),
            };
            plan.lost.retain(|lost| create.item.id() != Some(&lost.item_id));
            items.insert(at, (Some(seq), create.item.clone()));
        }
        let kept: Vec<u64> = items.iter().filter_map(|(seq, _)| *seq).collect();
        for (seq, item) in items {
            plan.replayed.extend(item.id().cloned());
            plan.events.push((seq, ConversationItemCreate::new(item).into()));
        }
        let is_response = |sent: &&InFlight| matches!(sent.event, Some(ClientEvent::ResponseCreate(_)));
        // What only restored is not the application's, and is made from the rest again.
        let asked = self.in_flight.iter().filter(|sent| sent.number != REPLAYED);
        let ambiguous = asked.filter(|sent| !is_response(sent) && !kept.contains(&sent.number));
        plan.ambiguous = ambiguous.filter_map(|sent| sent.event_id.clone()).collect();
        if repeat_response {
            plan.events.extend(self.requested().map(|(seq, create, _)| (Some(seq), create.clone().into())));
            if self.answers_by_itself(&plan.replayed) {
                plan.events.push((None, ResponseCreate::default().into()));
            }
        } else {
            let unanswered = self.requested().filter(|(.., begun)| !begun);
            plan.ambiguous.extend(unanswered.filter_map(|(_, create, _)| create.event_id.clone()));
        }
        plan
    }

    /// Whether the server was responding, or about to respond, to the end of a turn without a request.
    fn answers_by_itself(&self, replayed: &[Id]) -> bool {
        let asked = |create: &ResponseCreate| !is_out_of_band(create.response.as_ref());
        if self.requested().any(|(_, create, _)| asked(create)) {
            return false;
        }
        // A turn that cannot be restored must not be answered, because the answer would refer to what came before it.
        self.responding || (self.expecting && self.items.last().is_some_and(|last| replayed.contains(&last.id)))
    }

    /// An item in a form that can be created. `None` if the server creates it by itself.
    fn again(&self, saved: &SavedItem) -> Result<Option<Item>, LostReason> {
        let Some(item) = &saved.item else { return Err(LostReason::Forgotten) };
        Ok(Some(match item {
            Item::Message(message) => match &saved.sent {
                Some(sent) => sent.clone(),
                None => self.message_again(&saved.id, message)?,
            },
            Item::FunctionCall(call) => {
                let mut call = call.clone();
                if call.status == Some(ItemStatus::InProgress) || call.arguments.is_empty() {
                    return Err(LostReason::Unfinished);
                }
                (call.status, call.object) = (None, None);
                call.id = Some(saved.id.clone());
                call.into()
            }
            Item::FunctionCallOutput(output) => {
                let mut output = output.clone();
                (output.status, output.object) = (None, None);
                output.into()
            }
            Item::McpListTools(_) => return Ok(None),
            Item::McpApprovalRequest(request) => request.clone().into(),
            Item::McpApprovalResponse(response) => response.clone().into(),
            Item::McpCall(call) if call.output.as_set().is_none() && call.error.as_set().is_none() => {
                return Err(LostReason::Unfinished);
            }
            Item::McpCall(call) => call.clone().into(),
            Item::Other(_) => return Err(LostReason::Unknown),
        }))
    }

    /// A message as text: audio becomes its transcript, and truncated audio the part that was heard.
    fn message_again(&self, id: &Id, message: &Message) -> Result<Item, LostReason> {
        let mut had_audio = false;
        let mut content = Vec::new();
        for (index, part) in (0..).zip(&message.content) {
            had_audio |= part.is_audio();
            let is_this = |heard: &&Heard| heard.item_id == *id && heard.content_index == index;
            // Whether or not the server already knew about the truncation.
            content.extend(match self.heard.iter().rev().find(is_this).filter(|_| part.is_audio()) {
                Some(heard) => part.clone().transcript(&*heard.transcript).in_writing(&message.role),
                None => part.in_writing(&message.role),
            });
        }
        match (content.is_empty(), had_audio) {
            (true, true) => Err(LostReason::NoTranscript),
            (true, false) => Err(LostReason::Unfinished),
            (false, _) => Ok(Message::new(message.role.clone(), content).id(id).into()),
        }
    }
}

impl RealtimeState {
    /// The state for the next session, with everything that outlives the current one.
    fn successor(&self, now: Instant) -> Self {
        let mut next = self.clone();
        next.responses.interrupt(now);
        next.requests.clear();
        next.patience.rest(false, now);
        next.aside = None;
        next.scheduler = super::Scheduler::default();
        next.creations.open.clear();
        next.input.speech = None;
        next.input.buffered_bytes = 0;
        next.playing = None;
        next.spoke = false;
        next.outgoing.clear();
        next
    }

    /// Whether a queued event still makes sense in the next session. `created` are the items created by events ahead of
    /// it, `audio` the bytes of audio.
    pub(super) fn makes_sense(&self, event: &ClientEvent, created: &[Id], audio: usize) -> bool {
        let is_there = |id: &Id| self.conversation.contains(id) || created.contains(id);
        match event {
            // The response, audio or output buffer that they refer to is lost.
            ClientEvent::ResponseCancel(_)
            | ClientEvent::ConversationItemTruncate(_)
            | ClientEvent::OutputAudioBufferClear(_) => false,
            ClientEvent::InputAudioBufferCommit(_) => self.input_ms_of(audio) >= 100,
            ClientEvent::ConversationItemDelete(delete) => is_there(&delete.item_id),
            ClientEvent::ConversationItemRetrieve(retrieve) => is_there(&retrieve.item_id),
            ClientEvent::ConversationItemCreate(create) => {
                let anchored = create.previous_item_id.as_ref().is_none_or(|id| id == "root" || is_there(id));
                let called = match &create.item {
                    Item::FunctionCallOutput(output) => self.has_call(&output.call_id),
                    Item::McpApprovalResponse(response) => is_there(&response.approval_request_id),
                    _ => true,
                };
                anchored && called
            }
            _ => true,
        }
    }

    fn input_ms_of(&self, bytes: usize) -> u64 {
        self.input_format().bytes_to_ms(bytes as u64).unwrap_or(u64::MAX)
    }

    pub(super) fn has_call(&self, call_id: &Id) -> bool {
        self.conversation
            .items()
            .any(|item| matches!(&item.item, Item::FunctionCall(call) if call.call_id.as_ref() == Some(call_id)))
    }

    /// The plan to continue the same session on another link: unanswered requests, and the state that continues.
    pub(super) fn plan_resumption(&self, now: Instant) -> (Plan<ClientEvent>, Self) {
        let mut ambiguous: Vec<Id> = self.requests.open().map(|(_, id)| id.clone()).collect();
        let asked = self.scheduler.unfinished().filter(|(.., begun)| !begun);
        ambiguous.extend(asked.filter_map(|(_, create, _)| create.event_id.clone()));
        let mut next = self.successor(now);
        if let Some(inherited) = next.inherited.take() {
            ambiguous = inherited.plan(false).ambiguous;
        }
        if let Some(ledger) = &mut next.ledger {
            ledger.break_off();
        }
        (Plan { ambiguous, ..Plan::default() }, next)
    }

    /// Whether a handover now would interrupt nothing.
    pub(super) fn nothing_under_way(&self, now: Instant) -> bool {
        self.responses.active().is_none()
            && self.responses.out_of_band().next().is_none()
            && self.input.speech.is_none()
            && self.requests.open().next().is_none()
            && self.scheduler.unfinished().next().is_none()
            && self.expected_until().is_none_or(|until| now >= until)
            && self.calls.as_ref().is_none_or(|calls| calls.is_idle())
            && self.ledger.as_ref().is_none_or(|ledger| ledger.is_silent(now))
            && (self.turn_detection().is_some() || self.input.buffered_bytes == 0)
    }
}
