//! Fills in members that the server omitted and that the state knows, before anything else uses the event.

use super::{ItemState, RealtimeState, Sort};
use crate::{
    protocol::{
        event::{ErrorEvent, Malformed},
        types::{Failure, ItemStatus, ResponseStatus},
    },
    realtime::{
        event::{ResponseDone, ServerEvent},
        types::{Item, Response, Usage},
    },
    transport::Instant,
    wire::{Audio, Id, Patch},
};

impl RealtimeState {
    pub(super) fn complete(&mut self, event: &mut ServerEvent) {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                self.begin_unnamed(&mut delta.response_id, &delta.item_id);
                self.complete_response(&mut delta.response_id, Some(&delta.item_id));
                self.complete_item(&delta.response_id, &mut delta.item_id, delta.output_index, Sort::Assistant);
                let is_odd = !delta.delta.len().is_multiple_of(2);
                if is_odd || self.stream.as_ref().is_some_and(|stream| stream.has_halves) {
                    delta.delta = self.join(&delta.item_id, delta.content_index, &delta.delta);
                }
            }
            ServerEvent::ResponseFunctionCallArgumentsDelta(delta) => {
                self.begin_unnamed(&mut delta.response_id, &delta.item_id);
                if !self.complete_call(&mut delta.response_id, &mut delta.item_id, &mut delta.call_id) {
                    *event = unplaced(event);
                }
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                if !self.complete_call(&mut done.response_id, &mut done.item_id, &mut done.call_id) {
                    *event = unplaced(event);
                }
            }
            ServerEvent::ResponseCreated(created) if created.response.id.as_ref().is_none_or(|id| id.is_empty()) => {
                created.response.id = Some(self.unnamed_response());
            }
            ServerEvent::OutputAudioBufferStarted(started) => self.complete_playing(&mut started.response_id),
            ServerEvent::OutputAudioBufferStopped(stopped) => self.complete_playing(&mut stopped.response_id),
            ServerEvent::OutputAudioBufferCleared(cleared) => self.complete_playing(&mut cleared.response_id),
            ServerEvent::ResponseDone(done) => {
                let (id, usage) = (done.response_id.take(), done.usage.take());
                let error = done.error.take();
                self.complete_end(&mut done.response, id, error);
                if let (Some(id), Some(output)) = (&done.response.id, &mut done.response.output) {
                    self.name_outputs(id, output);
                }
                if done.response.usage.as_ref().is_none_or(|usage| *usage == Usage::default()) {
                    done.response.usage = usage;
                }
            }
            ServerEvent::ResponseCancelled(_) | ServerEvent::ResponseFailed(_) | ServerEvent::ResponseIncomplete(_) => {
                self.end_by_name(event)
            }
            ServerEvent::ResponseOutputTextDelta(delta) => {
                self.begin_unnamed(&mut delta.response_id, &delta.item_id);
                self.complete_part(event);
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                self.begin_unnamed(&mut delta.response_id, &delta.item_id);
                self.complete_part(event);
            }
            event => self.complete_part(event),
        }
    }

    fn complete_part(&self, event: &mut ServerEvent) {
        if let Some((response, item)) = event.part_mut() {
            self.complete_response(response, item);
        }
        self.name_item(event);
    }

    /// A delta that names no response begins the one that was asked for, where its beginning was lost.
    fn begin_unnamed(&mut self, response: &mut Id, item: &Id) {
        if response.is_empty()
            && self.scheduler.outstanding() > 0
            && self.implied_response().is_none()
            && self.conversation.get(item).is_none()
        {
            *response = self.unnamed_response();
        }
    }

    /// Sets the response of an item: the one it is known to belong to, or else the only active one.
    fn complete_response(&self, response: &mut Id, item: Option<&Id>) {
        if response.is_empty() {
            let known = item.and_then(|item| self.conversation.get(item)).and_then(|item| item.response_id.as_ref());
            if let Some(id) = known.or_else(|| self.implied_response()) {
                *response = id.clone();
            }
        }
    }

    /// The item of a function call that is named by its call's id alone, or the other way round, or not at all where
    /// there is only one in progress. Whether it is known which call it is.
    fn complete_call(&self, response: &mut Id, item: &mut Id, call: &mut Id) -> bool {
        self.complete_response(response, Some(item));
        if item.is_empty() {
            if call.is_empty() {
                let Some(only) = self.only_call(response) else { return false };
                *item = only;
            } else {
                *item = self.item_of_call(response, call);
            }
        }
        if call.is_empty()
            && let Some(Item::FunctionCall(known)) = self.conversation.get(item).map(|state| &state.item)
            && let Some(id) = &known.call_id
        {
            *call = id.clone();
        }
        true
    }

    /// The latest item with the call's id. Some models number their calls from the start in each response.
    fn item_of_call(&self, response: &Id, call: &Id) -> Id {
        let known = self.conversation.find_latest(|state| {
            let of_response = state.response_id.as_ref().is_none_or(|id| response.is_empty() || id == response);
            matches!(&state.item, Item::FunctionCall(known) if known.call_id.as_ref() == Some(call)) && of_response
        });
        match known {
            Some(known) => known.id.clone(),
            None => self.new_item(call),
        }
    }

    /// The function call of a response that is in progress, if there is just one.
    fn only_call(&self, response: &Id) -> Option<Id> {
        self.responses.find(response).filter(|response| response.done.is_none())?;
        let is_active = |state: &ItemState| {
            let Item::FunctionCall(call) = &state.item else { return false };
            let is_over = matches!(call.status, Some(ItemStatus::Completed | ItemStatus::Incomplete));
            !is_over && state.response_id.as_ref() == Some(response)
        };
        let latest = self.conversation.find_latest(is_active)?;
        self.conversation
            .find_latest(|state| is_active(state) && state.id != latest.id)
            .is_none()
            .then(|| latest.id.clone())
    }

    /// Creates an id for an item without one: the call's id, with a suffix if that is taken.
    fn new_item(&self, call: &Id) -> Id {
        if self.conversation.get(call).is_none() {
            return call.clone();
        }
        let numbered = (2u32..).map(|number| Id::from(format!("{call}_{number}")));
        numbered.into_iter().find(|id| self.conversation.get(id).is_none()).unwrap_or_else(|| call.clone())
    }

    fn complete_playing(&self, response: &mut Id) {
        if response.is_empty() {
            let known = self.playing.as_ref().or(self.responses.active_id());
            let known = known.or_else(|| self.responses.newest().map(|newest| &newest.id));
            *response = known.cloned().unwrap_or_default();
        }
    }

    /// Sets the id, the status and the error of a response that has ended. If it is unknown or not named, it is the only active one,
    /// because a conversation has one active response at a time.
    fn complete_end(&self, response: &mut Response, around: Option<Id>, error: Option<Failure>) {
        let named = response.id.take().filter(|id| !id.is_empty()).or(around.filter(|id| !id.is_empty()));
        let is_known = named.as_ref().is_some_and(|id| self.responses.find(id).is_some());
        let is_apart = response.conversation_id == Patch::Clear;
        response.id = match self.responses.active_id() {
            // An out-of-band response whose beginning was missed.
            Some(_) if is_known || (is_apart && named.is_some()) => named,
            Some(active) => Some(active.clone()),
            None => named.or_else(|| self.implied_response().cloned()),
        };
        let is_end = |status: &ResponseStatus| *status != ResponseStatus::InProgress;
        if !response.status.as_ref().is_some_and(is_end) {
            let told = response.status_details.as_ref().and_then(|details| details.kind.clone()).filter(is_end);
            response.status = Some(told.unwrap_or(ResponseStatus::Completed));
        }
        if let Some(error) = response.error.take().or(error) {
            response.status_details.get_or_insert_default().error.get_or_insert(error);
        }
    }

    /// Converts events of other servers that end a response to `response.done`, unless that was received.
    fn end_by_name(&mut self, event: &mut ServerEvent) {
        let (event_id, response, around, status, error) = match event {
            ServerEvent::ResponseCancelled(end) => {
                (&mut end.event_id, &mut end.response, &mut end.response_id, ResponseStatus::Cancelled, None)
            }
            ServerEvent::ResponseFailed(end) => {
                let error = end.error.clone();
                (&mut end.event_id, &mut end.response, &mut end.response_id, ResponseStatus::Failed, error)
            }
            ServerEvent::ResponseIncomplete(end) => {
                (&mut end.event_id, &mut end.response, &mut end.response_id, ResponseStatus::Incomplete, None)
            }
            _ => return,
        };
        let mut end = response.clone();
        end.status = Some(status);
        self.complete_end(&mut end, around.clone(), error);
        let Some(id) = &end.id else { return };
        if self.responses.find(id).is_some_and(|known| known.done.is_some()) {
            return;
        }
        let done = ResponseDone { event_id: event_id.take(), ..ResponseDone::new(end) };
        *event = done.into();
    }

    /// Whole samples only: prepends what the previous delta left over, and holds back what this one leaves over.
    fn join(&mut self, item: &Id, content_index: u32, audio: &Audio) -> Audio {
        let at = usize::try_from(content_index).unwrap_or(usize::MAX);
        let waiting = self.conversation.get(item).and_then(|item| item.half(at));
        if waiting.is_none() && (audio.len().is_multiple_of(2) || self.format_of(item).bytes_per_sample() != Some(2)) {
            return audio.clone();
        }
        let mut whole = Vec::with_capacity(audio.len() + 1);
        whole.extend(waiting);
        whole.extend_from_slice(audio);
        let stream = self.stream.get_or_insert_default();
        stream.half = if whole.len().is_multiple_of(2) { None } else { whole.pop() };
        stream.has_halves |= stream.half.is_some();
        whole.into()
    }

    /// Begins a response whose `response.created` was missed or unreadable, if no other is active.
    pub(super) fn begin_lost(&mut self, event: &ServerEvent, now: Instant) {
        if self.responses.active_id().is_some()
            || matches!(
                event,
                ServerEvent::ResponseCreated(_)
                    | ServerEvent::ResponseDone(_)
                    | ServerEvent::ResponseCancelled(_)
                    | ServerEvent::ResponseFailed(_)
                    | ServerEvent::ResponseIncomplete(_)
                    | ServerEvent::OutputAudioBufferStarted(_)
                    | ServerEvent::OutputAudioBufferStopped(_)
                    | ServerEvent::OutputAudioBufferCleared(_)
            )
        {
            return;
        }
        if let Some(id) = event.response_id().filter(|id| self.responses.find(id).is_none()) {
            let format = self.output_format();
            self.responses.created(id, &Response::default(), &format, now);
        }
    }

    /// Ends the active response if another one of the conversation begins: as failed if an unmatched error followed its
    /// last event, otherwise as incomplete.
    pub(super) fn end_lost(&mut self, event: &ServerEvent, now: Instant) {
        let ServerEvent::ResponseCreated(created) = event else { return };
        let Some(active) = self.responses.active_id() else { return };
        let is_another = created.response.id.as_ref().is_some_and(|id| id != active && !self.is_late_beginning(id));
        if is_another && created.response.conversation_id != Patch::Clear {
            let active = active.clone();
            let error = self.scheduler.complaint(&active).cloned();
            self.end_response(&active, error.as_ref(), now);
        }
    }

    /// Ends a response without an event: as failed with this error, or as incomplete.
    pub(super) fn end_response(&mut self, id: &Id, error: Option<&ErrorEvent>, now: Instant) {
        self.responses.give_up(id, error, now);
        let end = self.ending(id);
        self.follow(&end, now);
        self.note_calls(&end);
        self.settle_items(id, false);
    }
}

/// An event of a call that nothing tells from others.
fn unplaced(event: &ServerEvent) -> ServerEvent {
    ServerEvent::Malformed(Box::new(Malformed::unplaced(event, "item_id")))
}
