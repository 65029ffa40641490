//! Which calls the application owes an answer to, and when the model is to go on.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::RealtimeState;
use crate::{
    protocol::{
        state::limits::{MOST_ARGUMENTS, MOST_CALLS, MOST_OUTPUT, MOST_SEEN, MOST_WORDS},
        types::{ItemStatus, ResponseStatus},
    },
    realtime::{
        event::{ClientEvent, ResponseCreate, ServerEvent},
        types::{FunctionCall, Item, McpApprovalRequest},
    },
    wire::Id,
};

/// Something that the model asks of the application.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// To run a function.
    Function(FunctionCall),
    /// To allow a tool of an MCP server.
    Approval(McpApprovalRequest),
}

impl Call {
    /// The name of the function or tool.
    pub fn name(&self) -> &str {
        match self {
            Self::Function(call) => &call.name,
            Self::Approval(request) => &request.name,
        }
    }

    /// What its answer names: the call's id, or the request's.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Function(call) => call.call_id.as_ref(),
            Self::Approval(request) => request.id.as_ref(),
        }
    }

    fn arguments(&self) -> &str {
        match self {
            Self::Function(call) => &call.arguments,
            Self::Approval(request) => &request.arguments,
        }
    }
}

/// What becomes of a call whose response was cut short, by the user or by the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenInterrupted {
    /// It runs to its end, and its answer is sent, so that the model knows it in its next response.
    #[default]
    Keep,
    /// It is dropped where it stands.
    Cancel,
}

/// A call, and whether it is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// The response that it belongs to.
    pub(crate) response: Id,
    pub(crate) call: Call,
    /// Whether too many wait already for this one to be run.
    pub(crate) refused: bool,
}

/// What is asked of the application, by response.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingCalls {
    responses: HashMap<Id, PendingResponse>,
    /// Calls that were handed out, by response and id: each once, however often the server tells of it. A model may
    /// number its calls anew in each response.
    seen: HashSet<(Id, Id)>,
    order: VecDeque<(Id, Id)>,
    /// Calls whose arguments are whole and that no item tells of yet: response and item.
    told: VecDeque<(Id, Id)>,
    due: VecDeque<Due>,
    /// How many calls wait for an answer, and the bytes of their arguments.
    open: usize,
    bytes: usize,
    /// Responses that were cut short and whose calls are to be dropped.
    interrupted: VecDeque<Id>,
    when_interrupted: WhenInterrupted,
    /// Requests for responses that are to follow answers.
    follow_ups: usize,
}

#[derive(Clone, Debug, Default)]
struct PendingResponse {
    open: usize,
    answered: usize,
    /// How the response ended, once it has.
    ended: Option<ResponseStatus>,
}

impl PendingCalls {
    fn ask(&mut self, response: &Id, item: &Item) {
        let call = match item {
            Item::FunctionCall(call) if call.status != Some(ItemStatus::Incomplete) => {
                let mut call = call.clone();
                if call.arguments.trim().is_empty() {
                    call.arguments = "{}".into();
                }
                Call::Function(call)
            }
            Item::McpApprovalRequest(request) => Call::Approval(request.clone()),
            _ => return,
        };
        let Some(id) = call.id().filter(|id| !id.is_empty()).cloned() else { return };
        let id = (response.clone(), id);
        if call.name().is_empty() || id.0.len().max(id.1.len()) > MOST_WORDS || !self.seen.insert(id.clone()) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MOST_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        let refused = self.open >= MOST_CALLS || self.bytes >= MOST_ARGUMENTS;
        if self.responses.len() >= MOST_CALLS {
            // Of responses that never end.
            self.responses.retain(|_, pending| pending.open > 0);
        }
        self.responses.entry(response.clone()).or_default().open += 1;
        self.open += 1;
        self.bytes += call.arguments().len();
        self.due.push_back(Due { response: response.clone(), call, refused });
    }

    /// Whether nothing waits for an answer.
    pub(super) fn is_idle(&self) -> bool {
        self.open == 0
    }

    /// Whether the model is to go on: all is answered, and the response is over without having been cut short.
    fn settle(&mut self, response: &Id) -> bool {
        let over = |pending: &PendingResponse| pending.open == 0 && pending.ended.is_some();
        if !self.responses.get(response).is_some_and(over) {
            return false;
        }
        let pending = self.responses.remove(response).unwrap_or_default();
        pending.answered > 0 && pending.ended == Some(ResponseStatus::Completed)
    }

    fn go_on(&mut self, response: &Id) {
        if self.settle(response) {
            self.follow_ups += 1;
        }
    }
}

impl RealtimeState {
    pub(crate) fn answer_calls(&mut self, when_interrupted: WhenInterrupted) {
        Arc::make_mut(self.calls.get_or_insert_default()).when_interrupted = when_interrupted;
    }

    /// The next response whose calls are to be dropped.
    pub(crate) fn next_interrupted(&mut self) -> Option<Id> {
        let calls = self.calls.as_mut().filter(|calls| !calls.interrupted.is_empty())?;
        Arc::make_mut(calls).interrupted.pop_front()
    }

    /// The next call to be answered.
    pub(crate) fn next_call(&mut self) -> Option<Due> {
        let calls = self.calls.as_mut().filter(|calls| !calls.due.is_empty())?;
        Arc::make_mut(calls).due.pop_front()
    }

    /// A call was answered, or nobody will.
    pub(crate) fn answered_call(&mut self, response: &Id, call: &Call, answered: bool) {
        let Some(calls) = self.calls.as_mut().map(Arc::make_mut) else { return };
        calls.open = calls.open.saturating_sub(1);
        calls.bytes = calls.bytes.saturating_sub(call.arguments().len());
        if let Some(pending) = calls.responses.get_mut(response) {
            pending.open = pending.open.saturating_sub(1);
            pending.answered += usize::from(answered);
        }
        calls.go_on(response);
    }

    /// Follows what is asked of the application.
    pub(super) fn note_calls(&mut self, event: &ServerEvent) {
        let Some(calls) = &mut self.calls else { return };
        match event {
            ServerEvent::ResponseOutputItemDone(done) => Arc::make_mut(calls).ask(&done.response_id, &done.item),
            ServerEvent::ResponseFunctionCallArgumentsDone(done) => {
                let calls = Arc::make_mut(calls);
                if calls.told.len() == MOST_CALLS {
                    calls.told.pop_front();
                }
                calls.told.push_back((done.response_id.clone(), done.item_id.clone()));
            }
            ServerEvent::ResponseDone(done) => {
                let Some(id) = &done.response.id else { return };
                let calls = Arc::make_mut(calls);
                let completed = done.response.status == Some(ResponseStatus::Completed);
                let told = std::mem::take(&mut calls.told);
                let (ours, others) = told.into_iter().partition::<VecDeque<_>, _>(|(response, _)| response == id);
                calls.told = others;
                if completed {
                    // Whatever was told of only now.
                    done.response.output.iter().flatten().take(MOST_OUTPUT).for_each(|item| calls.ask(id, item));
                    for (_, item) in ours {
                        if let Some(state) = self.conversation.get(&item) {
                            calls.ask(id, &state.item);
                        }
                    }
                }
                if let Some(pending) = calls.responses.get_mut(id) {
                    pending.ended = Some(done.response.status.clone().unwrap_or(ResponseStatus::Completed));
                    if !completed && calls.when_interrupted == WhenInterrupted::Cancel {
                        calls.interrupted.push_back(id.clone());
                    }
                    calls.go_on(id);
                }
            }
            ServerEvent::ResponseOutputAudioDelta(_)
            | ServerEvent::ResponseOutputAudioTranscriptDelta(_)
            | ServerEvent::ResponseOutputTextDelta(_)
            | ServerEvent::ConversationItemInputAudioTranscriptionDelta(_)
            | ServerEvent::ResponseOutputAudioDone(_)
            | ServerEvent::ResponseOutputAudioTranscriptDone(_)
            | ServerEvent::ResponseOutputTextDone(_)
            | ServerEvent::InputAudioBufferSpeechStarted(_)
            | ServerEvent::InputAudioBufferSpeechStopped(_)
            | ServerEvent::InputAudioBufferCommitted(_)
            | ServerEvent::InputAudioBufferCleared(_)
            | ServerEvent::InputAudioBufferTimeoutTriggered(_)
            | ServerEvent::InputAudioBufferDtmfEventReceived(_)
            | ServerEvent::OutputAudioBufferStarted(_)
            | ServerEvent::OutputAudioBufferStopped(_)
            | ServerEvent::OutputAudioBufferCleared(_)
            | ServerEvent::ConversationCreated(_)
            | ServerEvent::ConversationItemDeleted(_)
            | ServerEvent::ConversationItemTruncated(_)
            | ServerEvent::RateLimitsUpdated(_)
            | ServerEvent::ResponseMcpCallArgumentsDelta(_)
            | ServerEvent::ResponseMcpCallArgumentsDone(_)
            | ServerEvent::ResponseMcpCallInProgress(_)
            | ServerEvent::ResponseMcpCallCompleted(_)
            | ServerEvent::ResponseMcpCallFailed(_)
            | ServerEvent::McpListToolsInProgress(_)
            | ServerEvent::McpListToolsCompleted(_)
            | ServerEvent::McpListToolsFailed(_)
            | ServerEvent::ResponseFunctionCallArgumentsDelta(_)
            | ServerEvent::ResponseContentPartAdded(_)
            | ServerEvent::ResponseContentPartDone(_)
            | ServerEvent::ResponseOutputItemAdded(_)
            | ServerEvent::ResponseCreated(_)
            | ServerEvent::ResponseCancelled(_)
            | ServerEvent::ResponseFailed(_)
            | ServerEvent::ResponseIncomplete(_)
            | ServerEvent::ConversationItemAdded(_)
            | ServerEvent::ConversationItemDone(_)
            | ServerEvent::ConversationItemCreated(_)
            | ServerEvent::ConversationItemRetrieved(_)
            | ServerEvent::ConversationItemInputAudioTranscriptionCompleted(_)
            | ServerEvent::ConversationItemInputAudioTranscriptionFailed(_)
            | ServerEvent::ConversationItemInputAudioTranscriptionSegment(_)
            | ServerEvent::SessionCreated(_)
            | ServerEvent::SessionUpdated(_)
            | ServerEvent::Error(_)
            | ServerEvent::Unknown(_)
            | ServerEvent::Malformed(_)
            | ServerEvent::Invalid(_) => {}
        }
    }

    /// A request that is made because of what was answered, not because the application asks.
    pub(super) fn take_follow_up(&mut self) -> Option<ClientEvent> {
        let calls = self.calls.as_mut().filter(|calls| calls.follow_ups > 0)?;
        Arc::make_mut(calls).follow_ups -= 1;
        Some(ResponseCreate::default().into())
    }
}
