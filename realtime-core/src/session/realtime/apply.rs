//! What each event of the server says about the session.

use std::sync::Arc;

use super::{
    Complaint, RealtimeSession, Speech,
    item::{Field, ItemState, McpStatus, Segment},
    totals::RateLimitState,
};
use crate::{
    event::ServerEvent,
    session::{
        limits::{MOST_DTMF, MOST_OUTPUT, MOST_SEGMENTS, append_latest, clip_error, clip_failure, words},
        remember,
    },
    transport::Instant,
    types::{AudioFormat, Item, PartKind, Response, ResponseStatus, Role, SessionInfo},
    wire::{Audio, Id, Patch},
};

impl RealtimeSession {
    pub(super) fn apply(&mut self, event: &ServerEvent, now: Instant) {
        match event {
            ServerEvent::ResponseOutputAudioDelta(delta) => {
                self.spoke = true;
                self.hear(&delta.item_id, delta.content_index, &delta.delta);
                self.responses.came(&delta.response_id, now, true);
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                self.say(&delta.item_id, delta.content_index, &delta.delta, false);
                self.responses.came(&delta.response_id, now, false);
            }
            ServerEvent::ResponseOutputTextDelta(delta) => {
                self.write(&delta.item_id, delta.content_index, &delta.delta, false);
                self.responses.came(&delta.response_id, now, false);
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => {
                self.say(&done.item_id, done.content_index, &done.transcript, true);
            }
            ServerEvent::ResponseOutputTextDone(done) => {
                self.write(&done.item_id, done.content_index, &done.text, true);
            }
            ServerEvent::ResponseFunctionCallArgumentsDelta(delta) => {
                self.argue(&delta.item_id, &delta.delta, false, ItemState::function_call);
                self.name_call(&delta.item_id, &delta.call_id, None);
                self.responses.came(&delta.response_id, now, false);
            }
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                self.argue(&done.item_id, &done.arguments, true, ItemState::function_call);
                self.name_call(&done.item_id, &done.call_id, done.name.as_deref());
            }
            ServerEvent::ResponseMcpCallArgumentsDelta(delta) => {
                self.argue(&delta.item_id, &delta.delta, false, ItemState::mcp_call);
                self.responses.came(&delta.response_id, now, false);
            }
            ServerEvent::ResponseMcpCallArgumentsDone(done) => {
                self.argue(&done.item_id, &done.arguments, true, ItemState::mcp_call);
            }
            ServerEvent::ResponseMcpCallInProgress(call) => self.mcp_call(&call.item_id, McpStatus::InProgress),
            ServerEvent::ResponseMcpCallCompleted(call) => self.mcp_call(&call.item_id, McpStatus::Completed),
            ServerEvent::ResponseMcpCallFailed(call) => self.mcp_call(&call.item_id, McpStatus::Failed),
            ServerEvent::McpListToolsInProgress(list) => self.mcp_list(&list.item_id, McpStatus::InProgress),
            ServerEvent::McpListToolsCompleted(list) => self.mcp_list(&list.item_id, McpStatus::Completed),
            ServerEvent::McpListToolsFailed(list) => self.mcp_list(&list.item_id, McpStatus::Failed),
            ServerEvent::ResponseContentPartAdded(added) => {
                let keep = self.memory.audio;
                if let Some(item) = self.model_message(&added.item_id) {
                    item.describe_part(index(added.content_index), &added.part, keep, false);
                }
            }
            ServerEvent::ResponseContentPartDone(done) => {
                let keep = self.memory.audio;
                if let Some(item) = self.model_message(&done.item_id) {
                    item.describe_part(index(done.content_index), &done.part, keep, false);
                }
            }
            ServerEvent::ResponseOutputItemAdded(added) => {
                self.output(&added.response_id, added.output_index, &added.item);
            }
            ServerEvent::ResponseOutputItemDone(done) => {
                self.output(&done.response_id, done.output_index, &done.item);
            }
            ServerEvent::ResponseCreated(created) => self.response_created(&created.response, now),
            ServerEvent::ResponseDone(done) => self.response_done(&done.response, now),
            ServerEvent::ConversationItemAdded(added) => self.item(&added.item, Some(&added.previous_item_id)),
            ServerEvent::ConversationItemCreated(created) => self.item(&created.item, Some(&created.previous_item_id)),
            // Of an item whose `added` never came, this is the first that is heard.
            ServerEvent::ConversationItemDone(done) => self.item(&done.item, Some(&done.previous_item_id)),
            ServerEvent::ConversationItemRetrieved(retrieved) => {
                let keep = self.memory.audio;
                if let Some(item) = retrieved.item.id().and_then(|id| self.conversation.get_mut(id)) {
                    item.describe(&retrieved.item, keep, true);
                }
            }
            ServerEvent::ConversationItemTruncated(truncated) => {
                let format = self.format_of(&truncated.item_id);
                let bytes = format.ms_to_bytes(truncated.audio_end_ms);
                if let Some(item) = self.conversation.get_mut(&truncated.item_id) {
                    item.truncate(index(truncated.content_index), truncated.audio_end_ms, bytes);
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
                if let Some(usage) = &completed.usage {
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
                let speech = Speech { item_id: started.item_id.clone(), start_ms: started.audio_start_ms };
                self.input.speech = Some(speech);
            }
            ServerEvent::InputAudioBufferSpeechStopped(_) => self.input.speech = None,
            ServerEvent::InputAudioBufferCommitted(_) => {
                self.input.committed += 1;
                self.input.buffered_bytes = 0;
            }
            ServerEvent::InputAudioBufferCleared(_) => {
                self.input.cleared += 1;
                self.input.buffered_bytes = 0;
                self.input.speech = None;
            }
            ServerEvent::InputAudioBufferTimeoutTriggered(_) => self.input.timeouts += 1,
            ServerEvent::InputAudioBufferDtmfEventReceived(dtmf) => {
                append_latest(&mut self.dtmf, &dtmf.event, MOST_DTMF);
            }
            ServerEvent::OutputAudioBufferStarted(started) => self.playing = Some(started.response_id.clone()),
            ServerEvent::OutputAudioBufferStopped(_) | ServerEvent::OutputAudioBufferCleared(_) => self.playing = None,
            ServerEvent::SessionCreated(created) => self.describe(&created.session),
            ServerEvent::SessionUpdated(updated) => self.describe(&updated.session),
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
                remember(&mut self.errors, complaint, self.memory.errors);
            }
            ServerEvent::Unknown(unknown) => {
                remember(&mut self.unknown, words(&unknown.kind).into(), self.memory.errors);
            }
            // The end of a stream says nothing that its deltas and the item do not say.
            ServerEvent::ResponseOutputAudioDone(_) | ServerEvent::Malformed(_) | ServerEvent::Invalid(_) => {}
        }
        self.conversation.weigh();
    }

    fn describe(&mut self, info: &SessionInfo) {
        self.info = Some(Arc::new(info.clone()));
    }

    fn model_message(&mut self, id: &Id) -> Option<&mut ItemState> {
        self.conversation.get_or_insert(id, |id| ItemState::message(id, Role::Assistant))
    }

    fn user_message(&mut self, id: &Id) -> Option<&mut ItemState> {
        self.conversation.get_or_insert(id, |id| ItemState::message(id, Role::User))
    }

    fn hear(&mut self, id: &Id, content_index: u32, audio: &Audio) {
        let keep = self.memory.audio;
        if let Some(item) = self.model_message(id) {
            item.hear(index(content_index), audio, keep);
        }
    }

    fn say(&mut self, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.model_message(id) {
            item.write(index(content_index), PartKind::OutputAudio, Field::Transcript, text, whole);
        }
    }

    fn write(&mut self, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.model_message(id) {
            item.write(index(content_index), PartKind::OutputText, Field::Text, text, whole);
        }
    }

    fn transcribe(&mut self, id: &Id, content_index: u32, text: &str, whole: bool) {
        if let Some(item) = self.user_message(id) {
            item.write(index(content_index), PartKind::InputAudio, Field::Transcript, text, whole);
        }
    }

    fn argue(&mut self, id: &Id, text: &str, whole: bool, make: fn(Id) -> ItemState) {
        if let Some(arguments) = self.conversation.get_or_insert(id, make).and_then(ItemState::arguments) {
            if whole {
                arguments.clear();
            }
            arguments.push_str(text);
        }
    }

    fn name_call(&mut self, id: &Id, call_id: &Id, name: Option<&str>) {
        if let Some(item) = self.conversation.get_mut(id)
            && let Item::FunctionCall(call) = &mut item.item
        {
            call.call_id.get_or_insert_with(|| call_id.clone());
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

    /// The server describes an item, and says where it stands if it is part of the conversation.
    fn item(&mut self, item: &Item, previous: Option<&Patch<Id>>) {
        let Some(id) = item.id() else { return };
        let keep = self.memory.audio;
        if let Some(state) = self.conversation.get_or_insert(id, |id| ItemState::blank(id, item)) {
            state.describe(item, keep, false);
        }
        if let Some(previous) = previous {
            self.conversation.place(id, previous);
        }
    }

    /// The server describes an item of a response.
    fn output(&mut self, response_id: &Id, output_index: u32, item: &Item) {
        let Some(id) = item.id() else { return };
        self.item(item, None);
        if let Some(state) = self.conversation.get_mut(id) {
            state.response_id = Some(response_id.clone());
        }
        if let Some(response) = self.responses.get_mut(response_id)
            && response.output.len() < MOST_OUTPUT
        {
            response.output.insert(output_index, id.clone());
        }
    }

    fn response_created(&mut self, response: &Response, now: Instant) {
        let Some(id) = &response.id else { return };
        self.conversation_of(response);
        let format = self.output_format();
        self.responses.created(id, response, &format, now);
    }

    fn response_done(&mut self, response: &Response, now: Instant) {
        let Some(id) = &response.id else { return };
        self.conversation_of(response);
        let format = self.output_format();
        self.responses.done(id, response, &format, now);
        if let Some(usage) = &response.usage {
            self.totals.add_response(usage);
        }
        for (index, item) in (0..).zip(response.output.iter().flatten()) {
            let Some(item_id) = item.id() else { continue };
            self.item(item, None);
            if let Some(state) = self.conversation.get_mut(item_id) {
                state.response_id = Some(id.clone());
            }
            if let Some(response) = self.responses.get_mut(id)
                && response.output.len() < MOST_OUTPUT
                && !response.output.values().any(|known| known == item_id)
            {
                // The place that its position says, or the first one behind it that is free.
                let free = (index..).find(|index| !response.output.contains_key(index));
                response.output.insert(free.unwrap_or(index), item_id.clone());
            }
        }
        let completed = response.status == Some(ResponseStatus::Completed);
        let items: Vec<_> = self.responses.get(id).into_iter().flat_map(|done| done.output.values().cloned()).collect();
        for item in items {
            if let Some(item) = self.conversation.get_mut(&item) {
                item.settle(completed);
            }
        }
    }

    fn conversation_of(&mut self, response: &Response) {
        if let Patch::Set(id) = &response.conversation_id {
            self.conversation.id = Some(id.clone());
        }
    }

    /// How the audio of an item is written: as its response says, else as the session does.
    pub(super) fn format_of(&self, item: &Id) -> AudioFormat {
        let response = self.conversation.get(item).and_then(|item| item.response_id.as_ref());
        match response.and_then(|id| self.responses.get(id)) {
            Some(response) => response.format.clone(),
            None => self.output_format(),
        }
    }
}

fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
