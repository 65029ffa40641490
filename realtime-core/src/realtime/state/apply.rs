//! Applies server events to the state.

use std::sync::Arc;

use super::{
    Complaint, RealtimeState, Speech,
    item::{Field, ItemState, McpStatus, Segment},
    totals::RateLimitState,
};
use crate::{
    protocol::{
        state::{
            limits::{MOST_DTMF, MOST_OUTPUT, MOST_SEGMENTS, append_latest, clip_error, clip_failure, words},
            remember,
        },
        types::{AudioFormat, ResponseStatus},
    },
    realtime::{
        event::{ResponseOutputAudioDelta, ServerEvent},
        types::{ContentPart, Item, PartKind, Response, Role},
    },
    transport::Instant,
    wire::{Id, Patch},
};

impl RealtimeState {
    pub(super) fn apply(&mut self, event: &ServerEvent, now: Instant) {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                self.spoke = true;
                self.append_audio(delta);
                if self.responses.record_first_output(&delta.response_id, now, true) {
                    self.first_audio(&delta.response_id, now);
                }
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                self.append_transcript(&delta.response_id, &delta.item_id, delta.content_index, &delta.delta, false);
                self.responses.record_first_output(&delta.response_id, now, false);
            }
            ServerEvent::ResponseOutputTextDelta(delta) => {
                self.append_text(&delta.response_id, &delta.item_id, delta.content_index, &delta.delta, false);
                self.responses.record_first_output(&delta.response_id, now, false);
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => {
                self.append_transcript(&done.response_id, &done.item_id, done.content_index, &done.transcript, true);
            }
            ServerEvent::ResponseOutputTextDone(done) => {
                self.append_text(&done.response_id, &done.item_id, done.content_index, &done.text, true);
            }
            ServerEvent::ResponseFunctionCallArgumentsDelta(delta) => {
                self.append_arguments(&delta.response_id, &delta.item_id, &delta.delta, false, ItemState::function_call);
                self.name_call(&delta.item_id, &delta.call_id, None);
                self.responses.record_first_output(&delta.response_id, now, false);
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                self.append_arguments(&done.response_id, &done.item_id, &done.arguments, true, ItemState::function_call);
                self.name_call(&done.item_id, &done.call_id, done.name.as_deref());
            }
            ServerEvent::ResponseMcpCallArgumentsDelta(delta) => {
                self.append_arguments(&delta.response_id, &delta.item_id, &delta.delta, false, ItemState::mcp_call);
                self.responses.record_first_output(&delta.response_id, now, false);
            }
            ServerEvent::ResponseMcpCallArgumentsDone(done) => {
                self.append_arguments(&done.response_id, &done.item_id, &done.arguments, true, ItemState::mcp_call);
            }
            ServerEvent::ResponseMcpCallInProgress(call) => self.mcp_call(&call.item_id, McpStatus::InProgress),
            ServerEvent::ResponseMcpCallCompleted(call) => self.mcp_call(&call.item_id, McpStatus::Completed),
            ServerEvent::ResponseMcpCallFailed(call) => self.mcp_call(&call.item_id, McpStatus::Failed),
            ServerEvent::McpListToolsInProgress(list) => self.mcp_list(&list.item_id, McpStatus::InProgress),
            ServerEvent::McpListToolsCompleted(list) => self.mcp_list(&list.item_id, McpStatus::Completed),
            ServerEvent::McpListToolsFailed(list) => self.mcp_list(&list.item_id, McpStatus::Failed),
            ServerEvent::ResponseContentPartAdded(added) => {
                self.part(&added.response_id, &added.item_id, added.content_index, &added.part);
            }
            ServerEvent::ResponseContentPartDone(done) => {
                self.part(&done.response_id, &done.item_id, done.content_index, &done.part);
            }
            ServerEvent::ResponseOutputItemAdded(added) => {
                self.output(&added.response_id, added.output_index, &added.item);
            }
            ServerEvent::ResponseOutputItemDone(done) => {
                self.output(&done.response_id, done.output_index, &done.item);
            }
            ServerEvent::ResponseCreated(created) => self.response_created(&created.response, now),
            ServerEvent::ResponseDone(done) => self.response_done(&done.response, now),
            ServerEvent::ConversationItemAdded(added) => self.announce(&added.item, &added.previous_item_id),
            ServerEvent::ConversationItemCreated(created) => self.announce(&created.item, &created.previous_item_id),
            // If the item's `added` event was missed, this is the first mention of it.
            ServerEvent::ConversationItemDone(done) => self.announce(&done.item, &done.previous_item_id),
            ServerEvent::ConversationItemRetrieved(retrieved) => {
                let keep = self.keeps_audio;
                if let Some(item) = retrieved.item.id().and_then(|id| self.conversation.get_mut(id)) {
                    item.describe(&retrieved.item, keep, true);
                }
            }
            ServerEvent::ConversationItemTruncated(truncated) => {
                let format = self.format_of(&truncated.item_id);
                let at = index(truncated.content_index);
                if let Some(item) = self.conversation.get_mut(&truncated.item_id) {
                    // Nothing is cut off if the remaining duration is not given.
                    let held = item.parts.get(at).map_or(0, |part| part.audio_bytes);
                    let ms = truncated.audio_end_ms.or_else(|| format.bytes_to_ms(held)).unwrap_or_default();
                    let bytes = truncated.audio_end_ms.and_then(|ms| format.ms_to_bytes(ms));
                    item.truncate(at, ms, bytes);
                }
            }
            ServerEvent::ConversationItemDeleted(deleted) => {
                self.conversation.remove(&deleted.item_id);
                self.creations.forget(&deleted.item_id);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionDelta(delta) => {
                let text = delta.delta.as_deref().unwrap_or_default();
                self.transcribe(&delta.item_id, delta.content_index.unwrap_or_default(), text, false);
            }
            ServerEvent::ConversationItemInputAudioTranscriptionCompleted(completed) => {
                self.transcribe(&completed.item_id, completed.content_index, &completed.transcript, true);
                // Some servers tell of it again and again, as more of it is understood.
                if let Some(usage) = &completed.usage
                    && self.user_message(&completed.item_id).is_none_or(|item| item.bill(index(completed.content_index)))
                {
                    self.totals.add_transcription(usage);
                }
            }
            ServerEvent::ConversationItemInputAudioTranscriptionFailed(failed) => {
                if let Some(item) = self.user_message(&failed.item_id) {
                    item.transcription_error = Some(clip_failure(&failed.error));
                }
            }
            ServerEvent::ConversationItemInputAudioTranscriptionSegment(segment) => {
                if let Some(item) = self.user_message(&segment.item_id)
                    && item.segments.len() < MOST_SEGMENTS
                {
                    item.segments.push(Segment {
                        id: segment.id.clone(),
                        speaker: segment.speaker.clone(),
                        text: segment.text.clone(),
                        start: segment.start,
                        end: segment.end,
                    });
                }
            }
            ServerEvent::InputAudioBufferSpeechStarted(started) => {
                self.mention(&started.item_id);
                let speech = Speech { item_id: started.item_id.clone(), start_ms: started.audio_start_ms };
                self.input.speech = Some(speech);
            }
            ServerEvent::InputAudioBufferSpeechStopped(stopped) => {
                self.mention(&stopped.item_id);
                self.input.speech = None;
            }
            ServerEvent::InputAudioBufferCommitted(committed) => {
                self.mention(&committed.item_id);
                self.input.committed += 1;
                self.input.buffered_bytes = 0;
            }
            ServerEvent::InputAudioBufferCleared(_) => {
                self.input.cleared += 1;
                self.input.buffered_bytes = 0;
                self.input.speech = None;
            }
            ServerEvent::InputAudioBufferTimeoutTriggered(triggered) => {
                self.mention(&triggered.item_id);
                self.input.timeouts += 1;
            }
            ServerEvent::InputAudioBufferDtmfEventReceived(dtmf) => {
                append_latest(&mut self.dtmf, &dtmf.event, MOST_DTMF);
            }
            ServerEvent::OutputAudioBufferStarted(started) => self.playing = Some(started.response_id.clone()),
            ServerEvent::OutputAudioBufferStopped(_) | ServerEvent::OutputAudioBufferCleared(_) => self.playing = None,
            ServerEvent::SessionCreated(created) => self.info = Some(Arc::new(created.session.clone())),
            ServerEvent::SessionUpdated(updated) => {
                let mut session = updated.session.clone();
                if let Some(before) = &self.info {
                    session.keep_from(before);
                }
                self.info = Some(Arc::new(session));
            }
            ServerEvent::ConversationCreated(created) => {
                if let Some(id) = &created.conversation.id {
                    self.conversation.id = Some(id.clone());
                }
            }
            ServerEvent::RateLimitsUpdated(updated) => {
                let limits = updated.rate_limits.iter().map(|limit| RateLimitState::new(limit, now));
                self.rate_limits = Some(limits.collect());
            }
            ServerEvent::Error(error) => {
                let about = error.error.event_id.as_ref().and_then(|id| self.requests.kind_of(id));
                let complaint = Complaint { error: clip_error(&error.error), about: about.map(Into::into) };
                remember(&mut self.errors, complaint, self.setup.kept_errors);
            }
            ServerEvent::Unknown(unknown) => {
                remember(&mut self.unknown, words(&unknown.kind).into(), self.setup.kept_errors);
            }
            // The end of a stream adds nothing to its deltas and the item.
            ServerEvent::ResponseOutputAudioDone(_)
            // Events with content were converted to the end of their response before.
            | ServerEvent::ResponseCancelled(_)
            | ServerEvent::ResponseFailed(_)
            | ServerEvent::ResponseIncomplete(_)
            | ServerEvent::Malformed(_)
            | ServerEvent::Invalid(_) => {}
        }
        self.show();
        self.conversation.weigh();
    }

    /// Makes the most recently used item part of the conversation if it has content, even if it was never announced.
    fn show(&mut self) {
        let responses = &self.responses;
        self.conversation.show_latest(|id| responses.find(id).is_some_and(|response| response.out_of_band));
    }

    fn mention(&mut self, id: &Id) {
        if !id.is_empty() {
            self.conversation.mention(id);
        }
    }

    /// The item that an event of a response refers to, created if necessary.
    fn item_of(&mut self, response: &Id, id: &Id, make: impl FnOnce(Id) -> ItemState) -> Option<&mut ItemState> {
        let item = self.conversation.get_or_insert(id, make)?;
        if item.response_id.is_none() && !response.is_empty() {
            item.response_id = Some(response.clone());
        }
        Some(item)
    }

    fn model_message(&mut self, response: &Id, id: &Id) -> Option<&mut ItemState> {
        self.item_of(response, id, |id| ItemState::message(id, Role::Assistant))
    }

    fn part(&mut self, response: &Id, id: &Id, content_index: u32, part: &ContentPart) {
        let keep = self.keeps_audio;
        // An empty part changes nothing.
        if *part != ContentPart::default()
            && let Some(item) = self.model_message(response, id)
        {
            item.describe_part(index(content_index), part, keep, false);
        }
    }

    fn user_message(&mut self, id: &Id) -> Option<&mut ItemState> {
        self.conversation.get_or_insert(id, |id| ItemState::message(id, Role::User))
    }

    fn append_audio(&mut self, delta: &ResponseOutputAudioDelta) {
        let keep = self.keeps_audio;
        let half = self.stream.as_mut().and_then(|stream| stream.half.take());
        if let Some(item) = self.model_message(&delta.response_id, &delta.item_id) {
            item.append_audio(index(delta.content_index), &delta.delta, half, keep);
        }
    }

    fn append_transcript(&mut self, response: &Id, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.model_message(response, id) {
            item.write(index(content_index), PartKind::OutputAudio, Field::Transcript, text, whole);
        }
    }

    fn append_text(&mut self, response: &Id, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.model_message(response, id) {
            item.write(index(content_index), PartKind::OutputText, Field::Text, text, whole);
        }
    }

    fn transcribe(&mut self, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.user_message(id) {
            item.write(index(content_index), PartKind::InputAudio, Field::Transcript, text, whole);
        }
    }

    fn append_arguments(&mut self, response: &Id, id: &Id, text: &str, whole: bool, make: fn(Id) -> ItemState) {
        if let Some(arguments) = self.item_of(response, id, make).and_then(ItemState::arguments) {
            if whole && !text.is_empty() {
                arguments.clear();
            }
            arguments.push_str(text);
        }
    }

    fn name_call(&mut self, id: &Id, call_id: &Id, name: Option<&str>) {
        if let Some(item) = self.conversation.get_mut(id)
            && let Item::FunctionCall(call) = &mut item.item
        {
            if !call_id.is_empty() {
                call.call_id.get_or_insert_with(|| call_id.clone());
            }
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                name.clone_into(&mut call.name);
            }
        }
    }

    fn mcp_call(&mut self, id: &Id, status: McpStatus) {
        if let Some(item) = self.conversation.get_or_insert(id, ItemState::mcp_call) {
            item.mcp = Some(status);
        }
    }

    fn mcp_list(&mut self, id: &Id, status: McpStatus) {
        if let Some(item) = self.conversation.get_or_insert(id, ItemState::mcp_list) {
            item.mcp = Some(status);
        }
    }

    /// Applies a description of an item.
    fn item(&mut self, item: &Item) {
        let Some(id) = item.id() else { return };
        let keep = self.keeps_audio;
        if let Some(state) = self.conversation.get_or_insert(id, |id| ItemState::blank(id, item)) {
            state.describe(item, keep, false);
        }
    }

    /// Applies a description of an item of the conversation and its position.
    fn announce(&mut self, item: &Item, previous: &Patch<Id>) {
        let Some(id) = item.id() else { return };
        if let Patch::Set(previous) = previous {
            self.mention(previous);
        }
        // Some servers always send null. It means the front only if the front was requested.
        let is_asked = self.aside.as_mut().is_some_and(|aside| aside.rooted.answers(item));
        let is_front = is_asked || self.conversation.is_empty();
        self.item(item);
        match previous {
            Patch::Clear if !is_front => self.conversation.place(id, &Patch::Keep),
            previous => self.conversation.place(id, previous),
        }
    }

    /// Applies a description of an item of a response.
    fn output(&mut self, response_id: &Id, output_index: u32, item: &Item) {
        let Some(id) = item.id() else { return };
        self.item(item);
        self.belongs(id, response_id);
        if let Some(response) = self.responses.get_mut(response_id) {
            response.put(output_index, id);
        }
    }

    /// Assigns the item to the response. Its author is the model unless specified.
    fn belongs(&mut self, id: &Id, response_id: &Id) {
        let Some(state) = self.conversation.get_mut(id) else { return };
        if !response_id.is_empty() {
            state.response_id = Some(response_id.clone());
        }
        if let Item::Message(message) = &mut state.item
            && message.role.as_str().is_empty()
        {
            message.role = Role::Assistant;
        }
    }

    fn response_created(&mut self, response: &Response, now: Instant) {
        let Some(id) = response.id.as_ref().filter(|id| !self.is_late_beginning(id)) else { return };
        self.conversation_of(response);
        let format = self.output_format();
        self.responses.created(id, response, &format, now);
    }

    fn response_done(&mut self, response: &Response, now: Instant) {
        let Some(id) = &response.id else { return };
        self.conversation_of(response);
        let format = self.output_format();
        if let Some(usage) = self.responses.done(id, response, &format, now) {
            self.totals.add_response(usage);
        }
        let mut told = Vec::new();
        for item in response.output.iter().flatten() {
            let Some(item_id) = item.id() else { continue };
            self.item(item);
            self.belongs(item_id, id);
            self.show();
            if told.len() < MOST_OUTPUT {
                told.push(item_id);
            }
        }
        if let Some(response) = self.responses.get_mut(id) {
            response.arrange(&told);
        }
        self.settle_items(id, response.status == Some(ResponseStatus::Completed));
    }

    /// Marks the items of a response that has ended as no longer in progress.
    pub(super) fn settle_items(&mut self, response: &Id, completed: bool) {
        for id in self.responses.find(response).into_iter().flat_map(|done| done.output.values()) {
            if let Some(item) = self.conversation.get_mut(id) {
                item.settle(completed);
            }
        }
    }

    fn conversation_of(&mut self, response: &Response) {
        if let Patch::Set(id) = &response.conversation_id
            && !id.is_empty()
        {
            self.conversation.id = Some(id.clone());
        }
    }

    /// Encoding of an item's audio: that of its response, or else that of the session.
    pub(super) fn format_of(&self, item: &Id) -> AudioFormat {
        let response = self.conversation.get(item).and_then(|item| item.response_id.as_ref());
        match response.and_then(|id| self.responses.find(id)) {
            Some(response) => response.format.clone(),
            None => self.output_format(),
        }
    }
}

fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
