//! Function calls that the application has to answer, and when to request the next response.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::{
    Conversation, RealtimeState,
    item::ItemState,
    snapshot::{SavedCall, SavedCalls},
};
use crate::{
    protocol::{
        state::limits::{MOST_ARGUMENTS, MOST_CALLS, MOST_OUTPUT, MOST_SEEN, MOST_WORDS},
        types::{ItemStatus, ResponseStatus},
    },
    realtime::{
        event::{
            ClientEvent, ResponseCreate, ServerEvent,
            server::groups::{detached_events, progress_events},
        },
        types::{FunctionCall, Item, McpApprovalRequest},
    },
    wire::Id,
};

/// A function call or approval request of the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// A call of a function.
    Function(FunctionCall),
    /// A request to approve a call of an MCP tool.
    Approval(McpApprovalRequest),
}

impl Call {
    /// Name of the function or tool.
    pub fn name(&self) -> &str {
        match self {
            Self::Function(call) => &call.name,
            Self::Approval(request) => &request.name,
        }
    }

    /// Id that the answer refers to: the call's, or the request's.
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

impl From<Call> for Item {
    fn from(call: Call) -> Self {
        match call {
            Call::Function(call) => call.into(),
            Call::Approval(request) => request.into(),
        }
    }
}

/// What happens to a call whose response was cut short by the user or the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenInterrupted {
    /// It runs to completion and its output is sent, so that the model can use it in the next response.
    #[default]
    Keep,
    /// Its future is dropped.
    Cancel,
}

/// A call to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// Id of the response that it belongs to.
    pub(crate) response: Id,
    pub(crate) call: Call,
    /// Whether it is refused because too many calls are unanswered.
    pub(crate) refused: bool,
}

/// Unanswered calls, by response.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingCalls {
    responses: HashMap<Id, PendingResponse>,
    /// Calls already handed out, by response and call id, so that each runs once. Some models number their calls from
    /// the start in each response.
    seen: HashSet<(Id, Id)>,
    order: VecDeque<(Id, Id)>,
    /// Calls with complete arguments that no item describes yet: response and item.
    told: VecDeque<(Id, Id)>,
    /// Unanswered calls, in order.
    open: VecDeque<Arc<Due>>,
    /// How many of them, the latest, were not handed out yet.
    due: usize,
    /// Bytes of their arguments.
    bytes: usize,
    /// Responses that were cut short and whose calls are to be cancelled.
    interrupted: VecDeque<Id>,
    when_interrupted: WhenInterrupted,
    /// Responses to be requested after all calls were answered.
    follow_ups: usize,
}

#[derive(Clone, Debug, Default)]
struct PendingResponse {
    open: usize,
    answered: usize,
    /// Final status of the response, once it has ended.
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
        let refused = self.open.len() >= MOST_CALLS || self.bytes >= MOST_ARGUMENTS;
        if self.responses.len() >= MOST_CALLS {
            // These belong to responses that never ended.
            self.responses.retain(|_, pending| pending.open > 0);
        }
        self.responses.entry(response.clone()).or_default().open += 1;
        self.add(Due { response: response.clone(), call, refused });
    }

    fn add(&mut self, due: Due) {
        self.bytes += due.call.arguments().len();
        self.open.push_back(Arc::new(due));
        self.due += 1;
    }

    /// A call of a response that has ended, and to which the server gave no id: it goes by that of its item.
    fn ask_by_item(&mut self, response: &Id, item: &Item, conversation: &Conversation) {
        let Item::FunctionCall(call) = item else { return };
        let Some(id) = call.id.as_ref().filter(|id| !id.is_empty()) else { return };
        // Perhaps another event has told its id.
        if conversation.get(id).is_none_or(|known| !is_callable(&known.item)) {
            self.ask(response, &call.clone().call_id(id).into());
        }
    }

    /// Whether no call is unanswered.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether to request the next response: all calls are answered, and the response completed.
    fn settle(&mut self, response: &Id) -> bool {
        let over = |pending: &PendingResponse| pending.open == 0 && pending.ended.is_some();
        if !self.responses.get(response).is_some_and(over) {
            return false;
        }
        let pending = self.responses.remove(response).unwrap_or_default();
        pending.answered > 0 && pending.ended == Some(ResponseStatus::Completed)
    }

    fn save(&self) -> Vec<SavedCalls> {
        let mut saved: Vec<SavedCalls> = Vec::new();
        for due in &self.open {
            let at = saved.iter().position(|calls| calls.response_id == due.response).unwrap_or_else(|| {
                let pending = self.responses.get(&due.response);
                let mut calls = SavedCalls::default();
                calls.response_id = due.response.clone();
                calls.status = pending.and_then(|pending| pending.ended.clone());
                calls.answered = pending.map_or(0, |pending| pending.answered);
                saved.push(calls);
                saved.len() - 1
            });
            let mut open = SavedCall::default();
            open.call = Some(due.call.clone().into());
            open.refused = due.refused;
            saved[at].open.push(open);
        }
        saved
    }

    /// The calls of a conversation that is resumed: all of them are to be handed out.
    pub(super) fn resume(saved: &[SavedCalls], follow_ups: usize) -> Self {
        let mut calls = Self { follow_ups, ..Self::default() };
        for SavedCalls { response_id, status, answered, open, .. } in saved {
            for SavedCall { call, refused, .. } in open {
                let due = calls.open.len();
                if let Some(call) = call {
                    calls.ask(response_id, call);
                }
                if let Some(due) = calls.open.get_mut(due) {
                    Arc::make_mut(due).refused |= refused;
                }
            }
            if let Some(pending) = calls.responses.get_mut(response_id) {
                (pending.answered, pending.ended) = (*answered, status.clone());
            }
        }
        calls
    }

    fn go_on(&mut self, response: &Id) {
        if self.settle(response) {
            self.follow_ups += 1;
        }
    }
}

/// Whether an answer can name it.
fn is_callable(item: &Item) -> bool {
    match item {
        Item::FunctionCall(call) => call.call_id.as_ref().is_some_and(|id| !id.is_empty()),
        _ => true,
    }
}

impl RealtimeState {
    pub(crate) fn answer_calls(&mut self, when_interrupted: WhenInterrupted) {
        let inherited = &mut self.inherited_calls;
        let calls = self.calls.get_or_insert_with(|| inherited.take().unwrap_or_default());
        Arc::make_mut(calls).when_interrupted = when_interrupted;
    }

    /// The unanswered calls, by response, and how many responses are to be requested because others were answered.
    ///
    /// If the application answers calls by itself, they are those that have no output.
    pub(super) fn save_calls(&self) -> (Vec<SavedCalls>, usize) {
        let Some(calls) = self.calls.as_ref().or(self.inherited_calls.as_ref()) else {
            let mut derived = PendingCalls::default();
            let is_open = |item: &&ItemState| match &item.item {
                Item::FunctionCall(call) => {
                    call.status != Some(ItemStatus::InProgress)
                        && call.call_id.as_ref().is_some_and(|id| !self.is_answered(id))
                }
                Item::McpApprovalRequest(_) => !self.is_answered(&item.id),
                _ => false,
            };
            for item in self.conversation.items().filter(is_open) {
                let response = item.response_id.clone().unwrap_or_default();
                derived.ask(&response, &item.item);
                if let Some(pending) = derived.responses.get_mut(&response) {
                    pending.ended = self
                        .responses
                        .get(&response)
                        .filter(|state| state.done.is_some())
                        .map(|state| state.status.clone());
                }
            }
            return (derived.save(), 0);
        };
        (calls.save(), calls.follow_ups)
    }

    /// Whether the conversation has the answer to a call or an approval request, or is about to have it.
    fn is_answered(&self, id: &Id) -> bool {
        let answers = |item: &Item| match item {
            Item::FunctionCallOutput(output) => output.call_id == *id,
            Item::McpApprovalResponse(response) => response.approval_request_id == *id,
            Item::McpCall(call) => call.approval_request_id.as_set() == Some(id),
            _ => false,
        };
        self.conversation.items().any(|item| answers(&item.item))
            || self.creations.in_flight().any(|(_, create)| answers(&create.item))
    }

    /// The next response whose calls are to be cancelled.
    pub(crate) fn next_interrupted(&mut self) -> Option<Id> {
        let calls = self.calls.as_mut().filter(|calls| !calls.interrupted.is_empty())?;
        Arc::make_mut(calls).interrupted.pop_front()
    }

    /// The next call to answer.
    pub(crate) fn next_call(&mut self) -> Option<Due> {
        let calls = Arc::make_mut(self.calls.as_mut().filter(|calls| calls.due > 0)?);
        let next = calls.open.get(calls.open.len() - calls.due).map(|due| Due::clone(due));
        calls.due -= 1;
        next
    }

    /// A call was answered (`answered`), or will not be.
    pub(crate) fn answered_call(&mut self, response: &Id, call: &Call, answered: bool) {
        let Some(calls) = self.calls.as_mut().map(Arc::make_mut) else { return };
        let is_this = |due: &Arc<Due>| due.response == *response && due.call.id() == call.id();
        let Some(at) = calls.open.iter().position(is_this) else { return };
        calls.open.remove(at);
        calls.bytes = calls.bytes.saturating_sub(call.arguments().len());
        if let Some(pending) = calls.responses.get_mut(response) {
            pending.open = pending.open.saturating_sub(1);
            pending.answered += usize::from(answered);
        }
        calls.go_on(response);
    }

    /// Tracks calls and their responses.
    pub(super) fn note_calls(&mut self, event: &ServerEvent) {
        let Some(calls) = &mut self.calls else { return };
        match event {
            // One without an id may still be told it.
            ServerEvent::ResponseOutputItemDone(done) if !is_callable(&done.item) => {}
            ServerEvent::ResponseOutputItemDone(done) => {
                // An id that nobody knows is no other response: the call would be answered again when its own ends.
                let known = |id: &Id| self.responses.get(id).map(|response| &response.id);
                let of_item = || self.conversation.get(done.item.id()?)?.response_id.as_ref().and_then(known);
                let response = known(&done.response_id).or_else(of_item).or(self.responses.active_id());
                let response = response.unwrap_or(&done.response_id);
                Arc::make_mut(calls).ask(response, &done.item);
            }
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
                    let told = done.response.output.iter().flatten().take(MOST_OUTPUT);
                    let known = self.responses.get(id).into_iter().flat_map(|response| response.output.values());
                    let known = known.chain(ours.iter().map(|(_, item)| item));
                    let known = known.filter_map(|item| Some(&self.conversation.get(item)?.item));
                    // What is not known by its call's id is known by the item's.
                    let (callable, others) = told.chain(known).partition::<Vec<_>, _>(|item| is_callable(item));
                    callable.into_iter().for_each(|item| calls.ask(id, item));
                    others.into_iter().for_each(|item| calls.ask_by_item(id, item, &self.conversation));
                }
                if let Some(pending) = calls.responses.get_mut(id) {
                    pending.ended = Some(done.response.status.clone().unwrap_or(ResponseStatus::Completed));
                    if !completed && calls.when_interrupted == WhenInterrupted::Cancel {
                        calls.interrupted.push_back(id.clone());
                    }
                    calls.go_on(id);
                }
            }
            detached_events!()
            | progress_events!()
            | ServerEvent::InputAudioBufferSpeechStarted(_)
            | ServerEvent::InputAudioBufferCommitted(_)
            | ServerEvent::InputAudioBufferCleared(_)
            | ServerEvent::OutputAudioBufferCleared(_)
            | ServerEvent::ConversationItemDeleted(_)
            | ServerEvent::ConversationItemTruncated(_)
            | ServerEvent::ResponseMcpCallInProgress(_)
            | ServerEvent::ResponseMcpCallCompleted(_)
            | ServerEvent::ResponseMcpCallFailed(_)
            | ServerEvent::ResponseCreated(_)
            | ServerEvent::ConversationItemAdded(_)
            | ServerEvent::ConversationItemDone(_)
            | ServerEvent::ConversationItemCreated(_)
            | ServerEvent::ConversationItemRetrieved(_)
            | ServerEvent::SessionUpdated(_)
            | ServerEvent::Error(_)
            | ServerEvent::Unknown(_)
            | ServerEvent::Malformed(_) => {}
        }
    }

    /// A response requested because calls were answered, not by the application.
    pub(super) fn take_follow_up(&mut self) -> Option<ClientEvent> {
        let calls = self.calls.as_mut().filter(|calls| calls.follow_ups > 0)?;
        Arc::make_mut(calls).follow_ups -= 1;
        Some(ResponseCreate::default().into())
    }
}
