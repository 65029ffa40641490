//! Plans how to restore a conversation in another session.

use std::sync::Arc;

use super::{Heard, RealtimeState, item::ItemState, scheduler::is_out_of_band};
use crate::{
    protocol::{
        state::{Lost, LostReason, Plan},
        types::ItemStatus,
    },
    realtime::{
        event::{ClientEvent, ConversationItemCreate, ResponseCreate, SessionUpdate},
        types::{ContentPart, Item, Message},
    },
    transport::Instant,
    wire::Id,
};

/// Items that the client has created, as far as they are needed to restore them.
#[derive(Clone, Debug, Default)]
pub(super) struct Creations {
    on: bool,
    /// Items not acknowledged yet, by request number.
    open: Vec<(u64, Arc<ConversationItemCreate>)>,
    /// Items with images or audio, as they were sent, because the server does not return that content.
    media: Vec<(Id, Arc<Item>)>,
}

/// Maximum number of unacknowledged items remembered.
const MOST_OPEN: usize = 4096;
/// Maximum number of items with images or audio remembered.
const MOST_MEDIA: usize = 64;

impl Creations {
    pub(super) fn remember(&mut self, on: bool) {
        self.on = on;
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn asked(&mut self, seq: u64, create: &ConversationItemCreate) {
        if self.on && self.open.len() < MOST_OPEN {
            self.open.push((seq, Arc::new(create.clone())));
        }
    }

    pub(super) fn settle(&mut self, seq: u64, granted: bool) {
        let Some(at) = self.open.iter().position(|(asked, _)| *asked == seq) else { return };
        let (_, create) = self.open.remove(at);
        let has_media = |part: &ContentPart| part.image_url.is_some() || part.audio.is_some();
        if let (true, Some(id), Item::Message(message)) = (granted, create.item.id(), &create.item)
            && message.content.iter().any(has_media)
        {
            if self.media.len() == MOST_MEDIA {
                self.media.remove(0);
            }
            self.media.push((id.clone(), Arc::new(create.item.clone())));
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
    pub(super) fn plan_restoration(&self, repeat_response: bool, now: Instant) -> (Plan<ClientEvent>, Self) {
        let mut plan = Plan::default();
        let mut next = self.successor(now);
        if let Some(ledger) = &mut next.ledger {
            ledger.outlive(&self.conversation);
        }
        let in_progress = self.responses.active().into_iter().chain(self.responses.out_of_band());
        plan.cut_short = in_progress.map(|response| response.id.clone()).collect();
        plan.audio_ms = self.input_format().bytes_to_ms(self.input.buffered_bytes).unwrap_or_default();
        if !self.creations.on {
            // Nothing is restored: the next session starts empty.
            next.conversation.restart([].iter());
            plan.lost = self.conversation.ids().map(|id| Lost::new(id, LostReason::NotAsked)).collect();
            plan.ambiguous = self.requests.open().map(|(_, id)| id.clone()).collect();
            plan.ambiguous.extend(self.scheduler.unanswered().cloned());
            return (plan, next);
        }
        if let Some(config) = next.intent.take_all() {
            plan.events.push((None, SessionUpdate::new(config).into()));
        }
        let deleting = self.requests.subjects(&super::RequestKind::Delete);
        let mut items: Vec<(Option<u64>, Item)> = Vec::new();
        for id in self.conversation.ids().filter(|id| !deleting.iter().any(|(_, deleted)| deleted == id)) {
            let Some(state) = self.conversation.get(id) else {
                plan.lost.push(Lost::new(id, LostReason::Forgotten));
                continue;
            };
            match self.again(state) {
                Ok(Some(item)) => items.push((None, item)),
                // The server creates it by itself.
                Ok(None) => {}
                Err(reason) => plan.lost.push(Lost::new(id, reason)),
            }
        }
        for (seq, create) in &self.creations.open {
            // A creation with a duplicate id was or will be refused. An item that is to be deleted need not be created
            // first.
            let is_deleted_later = deleting.iter().any(|(at, id)| at > seq && create.item.id() == Some(*id));
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
            items.insert(at, (Some(*seq), create.item.clone()));
        }
        next.conversation.restart(items.iter().filter(|(seq, _)| seq.is_none()).map(|(_, item)| item));
        let kept: Vec<u64> = items.iter().filter_map(|(seq, _)| *seq).collect();
        for (seq, item) in items {
            plan.replayed.extend(item.id().cloned());
            plan.events.push((seq, ConversationItemCreate::new(item).into()));
        }
        plan.ambiguous =
            self.requests.open().filter(|(seq, _)| !kept.contains(seq)).map(|(_, id)| id.clone()).collect();
        if repeat_response {
            let again = self.scheduler.unfinished().map(|(seq, create)| (Some(seq), create.clone().into()));
            plan.events.extend(again);
            if self.answers_by_itself(&plan.replayed, now) {
                plan.events.push((None, ResponseCreate::default().into()));
            }
        } else {
            plan.ambiguous.extend(self.scheduler.unanswered().cloned());
        }
        (plan, next)
    }

    /// Whether the server was responding, or about to respond, to the end of a turn without a request.
    fn answers_by_itself(&self, replayed: &[Id], now: Instant) -> bool {
        let asked = |create: &ResponseCreate| !is_out_of_band(create.response.as_ref());
        if self.scheduler.unfinished().any(|(_, create)| asked(create)) {
            return false;
        }
        // A turn that cannot be restored must not be answered, because the answer would refer to what came before it.
        let was_restored = |id: &Id| replayed.contains(id);
        let expected = self.expected_until().is_some_and(|until| now < until);
        self.responses.active().is_some() || (expected && self.conversation.ids().next_back().is_some_and(was_restored))
    }

    /// An item in a form that can be created. `None` if the server creates it by itself.
    fn again(&self, state: &ItemState) -> Result<Option<Item>, LostReason> {
        Ok(Some(match &state.item {
            Item::Message(message) => {
                if let Some((_, item)) = self.creations.media.iter().find(|(id, _)| *id == state.id) {
                    return Ok(Some((**item).clone()));
                }
                self.message_again(state, message)?
            }
            Item::FunctionCall(call) => {
                let mut call = call.clone();
                if call.status == Some(ItemStatus::InProgress) || call.arguments.is_empty() {
                    return Err(LostReason::Unfinished);
                }
                (call.status, call.object) = (None, None);
                call.id = Some(state.id.clone());
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
    fn message_again(&self, state: &ItemState, message: &Message) -> Result<Item, LostReason> {
        let mut had_audio = false;
        let mut content = Vec::new();
        for (index, part) in (0..).zip(&message.content) {
            had_audio |= part.is_audio();
            let is_this = |heard: &&Heard| heard.item_id == state.id && heard.content_index == index;
            // Whether or not the server already knew about the truncation.
            content.extend(match self.heard().rev().find(is_this).filter(|_| part.is_audio()) {
                Some(heard) => part.clone().transcript(&*heard.transcript).in_writing(&message.role),
                None => part.in_writing(&message.role),
            });
        }
        match (content.is_empty(), had_audio) {
            (true, true) => Err(LostReason::NoTranscript),
            (true, false) => Err(LostReason::Unfinished),
            (false, _) => Ok(Message::new(message.role.clone(), content).id(&state.id).into()),
        }
    }

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

    fn has_call(&self, call_id: &Id) -> bool {
        self.conversation
            .items()
            .any(|item| matches!(&item.item, Item::FunctionCall(call) if call.call_id.as_ref() == Some(call_id)))
    }

    /// The plan to continue the same session on another link: unanswered requests, and the state that continues.
    pub(super) fn plan_resumption(&self, now: Instant) -> (Plan<ClientEvent>, Self) {
        let mut ambiguous: Vec<Id> = self.requests.open().map(|(_, id)| id.clone()).collect();
        ambiguous.extend(self.scheduler.unanswered().cloned());
        let mut next = self.successor(now);
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
