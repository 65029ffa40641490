//! Outcomes of requests: which event answers each, which error refuses it, and when it times out.

use serde_json::json;

use super::{Changes, RealtimeState, RequestKind, ResponseState, Sort, scheduler::Mark};
use crate::{
    error::Awaited,
    protocol::{
        event::ErrorEvent,
        state::{Outcome, Overdue, ResponseTransition, Timeouts, TokenCounts, limits::clip_error, requests::Request},
    },
    realtime::{
        event::{
            ResponseDone, ServerEvent,
            server::groups::{detached_events, progress_events},
        },
        types::{Item, Response, Role, StatusDetails, Usage},
    },
    transport::Instant,
    wire::{Id, Patch},
};

/// Maximum length of the text of a response in a span, in bytes.
const MOST_CONTENT: usize = 32 << 10;

/// Code of the error that answers a cancellation without an active response, and its text on servers without codes.
const NOT_ACTIVE: &str = "response_cancel_not_active";
const NO_RESPONSE: &str = "no active response";

impl RealtimeState {
    /// Finds the request that the event answers.
    pub(super) fn settle(&mut self, event: &ServerEvent, mark: &mut Mark, now: Instant, changes: &mut Changes) {
        let (kind, subject) = match event {
            ServerEvent::SessionUpdated(_) => (RequestKind::Update, None),
            ServerEvent::ConversationItemAdded(added) => return self.announced(&added.item, mark.is_new, changes),
            // Sent by older servers instead, or in addition.
            ServerEvent::ConversationItemCreated(created) => {
                return self.announced(&created.item, mark.is_new, changes);
            }
            ServerEvent::ConversationItemDone(done) => return self.announced(&done.item, mark.is_new, changes),
            ServerEvent::ConversationItemDeleted(deleted) => (RequestKind::Delete, Some(&deleted.item_id)),
            ServerEvent::ConversationItemTruncated(truncated) => (RequestKind::Truncate, Some(&truncated.item_id)),
            ServerEvent::ConversationItemRetrieved(retrieved) => (RequestKind::Retrieve, retrieved.item.id()),
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                self.aside.get_or_insert_default().spoken = Some(started.item_id.clone());
                return;
            }
            ServerEvent::InputAudioBufferCommitted(committed) => {
                self.aside.get_or_insert_default().spoken = Some(committed.item_id.clone());
                (RequestKind::Commit, None)
            }
            ServerEvent::InputAudioBufferCleared(_) => (RequestKind::Clear, None),
            ServerEvent::OutputAudioBufferCleared(_) => (RequestKind::ClearOutput, None),
            ServerEvent::Error(error) => return self.complained(error, mark, now, changes),
            // Without a wildcard: an event that is added answers something, or is named here.
            detached_events!()
            | progress_events!()
            | ServerEvent::ResponseMcpCallInProgress(_)
            | ServerEvent::ResponseMcpCallCompleted(_)
            | ServerEvent::ResponseMcpCallFailed(_)
            | ServerEvent::ResponseFunctionCallArgumentsDone(_)
            | ServerEvent::ResponseOutputItemDone(_)
            | ServerEvent::ResponseCreated(_)
            | ServerEvent::ResponseDone(_)
            | ServerEvent::Unknown(_)
            | ServerEvent::Malformed(_) => return,
        };
        if let Some(request) = self.requests.answered(&kind, subject) {
            changes.settled.push((request.seq, Outcome::Granted));
        }
    }

    /// Matches a created item to its request: the one with its id, or else the only one for an item of its kind,
    /// because some servers assign their own ids.
    fn announced(&mut self, item: &Item, is_new: bool, changes: &mut Changes) {
        let id = item.id();
        let named = self.requests.first(|request| {
            matches!(request.kind, RequestKind::Create(_))
                && request.subject.is_some()
                && request.subject.as_ref() == id
        });
        // The user's speech becomes an item too, which answers no request.
        let is_spoken = id.is_some() && id == self.aside.as_ref().and_then(|aside| aside.spoken.as_ref());
        let only = || self.requests.only(|request| request.kind.creates(item)).filter(|_| is_new && !is_spoken);
        if let Some(seq) = named.or_else(only)
            && self.requests.take(seq).is_some()
        {
            changes.settled.push((seq, Outcome::Granted));
        }
    }

    /// Matches an error: to the event that it names, or else to the only request, or else to the active responses.
    fn complained(&mut self, error: &ErrorEvent, mark: &mut Mark, now: Instant, changes: &mut Changes) {
        // Kept for as long as it may explain something.
        let mut clipped = ErrorEvent::new(clip_error(&error.error));
        clipped.event_id.clone_from(&error.event_id);
        let error = &clipped;
        let is_not_active = error.error.code.as_deref() == Some(NOT_ACTIVE)
            || error.error.message.to_ascii_lowercase().contains(NO_RESPONSE);
        let mut idle = self.responses.active().map(|active| active.id.clone()).filter(|_| is_not_active);
        // Some servers put it beside the error, where others name the error event itself.
        let around = error.event_id.as_ref().filter(|id| self.requests.kind_of(id).is_some());
        let named = error.error.event_id.as_ref().or(around);
        if let Some(request) = named.and_then(|id| self.requests.refused(id)) {
            if request.kind == RequestKind::Cancel {
                idle = request.subject.clone().filter(|_| is_not_active);
            }
            self.refuse(&request, error, changes);
        } else if let Some((seq, awaited)) = named.and_then(|id| self.scheduler.refused(id)) {
            changes.settled.push((seq, Outcome::Refused(awaited, Box::new(error.clone()))));
        } else if named.is_some_and(|id| self.scheduler.complain_of(id, error, now)) {
            // It names what the response answers, so it is about the response.
        } else if named.is_none_or(|id| self.requests.kind_of(id).is_none()) {
            self.complained_of_none(error, now, changes);
        }
        // The end of the response was missed.
        if let Some(id) = idle {
            self.end_response(&id, None, now);
            mark.freed = Some(id);
        }
    }

    fn complained_of_none(&mut self, error: &ErrorEvent, now: Instant, changes: &mut Changes) {
        let is_known = |request: &Request<RequestKind>| request.kind != RequestKind::Other;
        let known = self.requests.count(is_known);
        let only = match known + self.scheduler.outstanding() {
            1 if known == 0 => return self.scheduler.doubt(error, now),
            1 => self.requests.only(is_known),
            0 if !self.scheduler.is_waiting() => self.requests.only(|_| true),
            _ => None,
        };
        if let Some(request) = only.and_then(|seq| self.requests.take(seq)) {
            return self.refuse(&request, error, changes);
        }
        self.scheduler.complain(error, now);
        self.aside.get_or_insert_default().unclaimed = Some((now, error.clone()));
    }

    fn refuse(&self, request: &Request<RequestKind>, error: &ErrorEvent, changes: &mut Changes) {
        changes.settled.push((request.seq, Outcome::Refused(self.awaited(request), Box::new(error.clone()))));
    }

    fn awaited(&self, request: &Request<RequestKind>) -> Awaited {
        let noted = || request.event_id.as_ref().and_then(|id| self.requests.kind_of(id));
        let kind = request.kind.name().or_else(noted).unwrap_or("an event without an id");
        Awaited::Event { kind: kind.into(), event_id: request.event_id.clone() }
    }

    /// The latest unmatched error received since then.
    pub(super) fn unclaimed_since(&self, since: Instant) -> Option<ErrorEvent> {
        let unclaimed = self.aside.as_ref()?.unclaimed.as_ref();
        unclaimed.filter(|(at, _)| *at >= since).map(|(_, error)| error.clone())
    }

    /// When the earliest wait times out.
    pub(super) fn first_due(&self, timeouts: &Timeouts) -> Option<Instant> {
        let requests = self.requests.due(&self.patience, timeouts.request);
        Instant::earliest([requests, self.scheduler.due(&self.patience, timeouts)])
    }

    /// Gives up everything that has timed out.
    pub(super) fn give_up(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes) {
        while let Some(request) = self.requests.expired(now, &self.patience, timeouts.request) {
            let overdue = Overdue::new(self.awaited(&request), request.asked.at);
            let overdue = overdue.error(self.unclaimed_since(request.asked.at));
            changes.settled.push((request.seq, Outcome::Overdue(Box::new(overdue))));
        }
        self.expire_responses(timeouts, now, changes);
        self.patience.rest(self.scheduler.is_responding(), now);
    }

    /// Applies the outcomes of requests.
    pub(super) fn note_outcomes(&mut self, changes: &Changes) {
        for (seq, outcome) in &changes.settled {
            if let Some(granted) = outcome.granted() {
                self.intent.settle(*seq, granted);
                self.creations.settle(*seq, granted);
            }
        }
    }

    /// The final event of a response, synthesized from what is known.
    pub(super) fn ending(&self, id: &Id) -> ServerEvent {
        let mut response = Response::default().id(id);
        if let Some(state) = self.responses.find(id) {
            response.status = Some(state.status.clone());
            response.metadata.clone_from(&state.metadata);
            response.usage.clone_from(&state.usage);
            let mut details = StatusDetails::default().kind(state.status.clone());
            (details.reason, details.error) = (state.reason.clone(), state.error.clone());
            response.status_details = Some(details);
            let items = state.output.values().filter_map(|item| self.conversation.get(item));
            response.output = Some(items.map(|item| item.item.clone()).collect());
            response.conversation_id = match (state.out_of_band, self.conversation.id()) {
                (true, _) => Patch::Clear,
                (false, Some(id)) => Patch::Set(id.clone()),
                (false, None) => Patch::Keep,
            };
        }
        ResponseDone::new(response).into()
    }

    /// Describes the response that began with the event.
    pub(super) fn turn_begun(&self, id: &Id) -> Option<ResponseTransition> {
        let response = self.responses.find(id)?;
        let conversation_id = self.conversation.id().filter(|_| !response.out_of_band).cloned();
        Some(ResponseTransition::Began { id: id.clone(), out_of_band: response.out_of_band, conversation_id })
    }

    /// Describes the response that has ended.
    pub(super) fn turn_ended(&self, id: &Id) -> Option<ResponseTransition> {
        let response = self.responses.find(id)?;
        Some(ResponseTransition::Ended {
            id: id.clone(),
            status: response.status.clone(),
            time_to_first_token: response.time_to_first_token(),
            time_to_first_audio: response.time_to_first_audio(),
            tokens: response.usage.as_ref().map(token_counts).unwrap_or_default(),
            error: response
                .error
                .as_ref()
                .and_then(|error| error.code.clone().or_else(|| error.kind.clone()))
                .map(Into::into),
            content: self.setup.content.then(|| self.content_of(response)),
        })
    }

    /// What the model said in a response, in the form of OpenTelemetry's `gen_ai.output.messages`.
    fn content_of(&self, response: &ResponseState) -> Box<str> {
        let mut room = MOST_CONTENT;
        let items = response.output.values().filter_map(|id| self.conversation.get(id));
        let said = items.filter_map(|item| Some(item.item.as_message()?.text()));
        let parts = said.map(|text| {
            let text = &text[..text.floor_char_boundary(room)];
            room -= text.len();
            json!({ "type": "text", "content": text })
        });
        let parts: Vec<_> = parts.collect();
        let message = json!([{ "role": "assistant", "parts": parts, "finish_reason": response.status.as_str() }]);
        message.to_string().into()
    }
}

impl Sort {
    pub(super) fn of(item: &Item) -> Self {
        match item {
            Item::Message(message) => match message.role {
                Role::User => Self::User,
                Role::Assistant => Self::Assistant,
                _ => Self::System,
            },
            Item::FunctionCall(_) => Self::Call,
            Item::FunctionCallOutput(_) => Self::Output,
            Item::McpApprovalResponse(_) => Self::Approval,
            _ => Self::Other,
        }
    }
}

fn token_counts(usage: &Usage) -> TokenCounts {
    let input = usage.input_token_details.as_ref();
    let mut counts = TokenCounts::default();
    (counts.input, counts.output) = (usage.input_tokens, usage.output_tokens);
    counts.cached_input = input.and_then(|input| input.cached_tokens);
    counts.audio_input = input.and_then(|input| input.audio_tokens);
    counts.audio_output = usage.output_token_details.as_ref().and_then(|output| output.audio_tokens);
    counts
}
