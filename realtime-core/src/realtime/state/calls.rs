//! Function calls that the application has to answer, and when to request the next response.

use std::{
    borrow::Cow,
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

/// Why a call is not among the unanswered ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpen {
    /// It was never asked for, or belongs to a session that is gone.
    Unknown,
    /// It was answered.
    Answered,
}

/// A call to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// Id of the response that it belongs to.
    pub(crate) response: Id,
    pub(crate) call: Call,
    /// Whether it is refused because too many calls are unanswered.
    pub(crate) refused: bool,
    /// Whether its function has returned without an output, and the application answers.
    pub(crate) later: bool,
}

impl Due {
    fn is(&self, response: &Id, call: &Call) -> bool {
        self.response == *response && self.call.id() == call.id()
    }
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
    /// Responses that were cut short while they had unanswered calls.
    interrupted: VecDeque<Id>,
    /// Calls that were answered while somebody attends to them, by response and call id.
    answered: VecDeque<(Id, Id)>,
    /// Responses to be requested after all calls were answered.
    follow_ups: usize,
}

#[derive(Clone, Debug, Default)]
struct PendingResponse {
    /// Calls that its batch waits for: not those answered later.
    open: usize,
    /// Calls whose output a response follows.
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
        self.add(Due { response: response.clone(), call, refused, later: false });
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

    /// Whether no call is unanswered, except those answered later.
    pub(super) fn is_idle(&self) -> bool {
        self.open.iter().all(|due| due.later)
    }

    /// The call, if it is unanswered.
    fn position(&self, response: &Id, call: &Call) -> Option<usize> {
        self.open.iter().position(|due| due.is(response, call))
    }

    /// A call is unanswered no more.
    fn remove(&mut self, at: usize) -> Option<Arc<Due>> {
        // The latest ones were not handed out yet.
        if at >= self.open.len() - self.due {
            self.due -= 1;
        }
        let due = self.open.remove(at)?;
        self.bytes = self.bytes.saturating_sub(due.call.arguments().len());
        Some(due)
    }

    /// The batch of a response waits for one call less. `follows` says that a response is requested because of it.
    fn leave_batch(&mut self, response: &Id, follows: bool) {
        if let Some(pending) = self.responses.get_mut(response) {
            pending.open = pending.open.saturating_sub(1);
            pending.answered += usize::from(follows);
        }
        self.go_on(response);
    }

    /// An unanswered call of a function, by its id: of this response if that is known, otherwise one answered later, and of
    /// several the oldest.
    fn open_call(&self, call_id: &Id, response: Option<&Id>) -> Option<usize> {
        let is_this = |due: &Due| {
            matches!(due.call, Call::Function(_))
                && due.call.id() == Some(call_id)
                && response.is_none_or(|response| due.response == *response)
        };
        let open = self.open.iter().enumerate().filter(|(_, due)| is_this(due));
        open.min_by_key(|(_, due)| !due.later).map(|(at, _)| at)
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
            (open.refused, open.later) = (due.refused, due.later);
            saved[at].open.push(open);
        }
        saved
    }

    /// The calls of a conversation that is resumed: all of them are to be handed out.
    pub(super) fn resume(saved: &[SavedCalls], follow_ups: usize) -> Self {
        let mut calls = Self { follow_ups, ..Self::default() };
        for SavedCalls { response_id, status, answered, open, .. } in saved {
            let mut later_ones = 0;
            for SavedCall { call, refused, later, .. } in open {
                let due = calls.open.len();
                if let Some(call) = call {
                    calls.ask(response_id, call);
                }
                if let Some(due) = calls.open.get_mut(due).map(Arc::make_mut) {
                    due.refused |= refused;
                    due.later = *later;
                    later_ones += usize::from(*later);
                }
            }
            if let Some(pending) = calls.responses.get_mut(response_id) {
                (pending.answered, pending.ended) = (*answered, status.clone());
                pending.open = pending.open.saturating_sub(later_ones);
                if pending.open == 0 {
                    // The batch waits for nothing else.
                    calls.responses.remove(response_id);
                }
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

/// A call with what its end leaves out and what was told of it before: its arguments and its name.
fn whole_call<'a>(item: &'a Item, conversation: &Conversation) -> Cow<'a, Item> {
    let Item::FunctionCall(call) = item else { return Cow::Borrowed(item) };
    let is_whole = !call.arguments.trim().is_empty() && !call.name.is_empty();
    let known = call.id.as_ref().filter(|_| !is_whole).and_then(|id| conversation.get(id));
    let Some(known) = known.and_then(|known| known.item.as_function_call()) else { return Cow::Borrowed(item) };
    let mut call = call.clone();
    if call.arguments.trim().is_empty() {
        call.arguments.clone_from(&known.arguments);
    }
    if call.name.is_empty() {
        call.name.clone_from(&known.name);
    }
    Cow::Owned(call.into())
}

/// Whether an answer can name it.
fn is_callable(item: &Item) -> bool {
    match item {
        Item::FunctionCall(call) => call.call_id.as_ref().is_some_and(|id| !id.is_empty()),
        _ => true,
    }
}

impl RealtimeState {
    pub(crate) fn answer_calls(&mut self) {
        let inherited = &mut self.inherited_calls;
        self.calls.get_or_insert_with(|| inherited.take().unwrap_or_default());
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

    /// The next response that was cut short while it had unanswered calls.
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

    /// The next call that was answered while somebody attends to it, by response and call id.
    pub(crate) fn next_answered(&mut self) -> Option<(Id, Id)> {
        let calls = self.calls.as_mut().filter(|calls| !calls.answered.is_empty())?;
        Arc::make_mut(calls).answered.pop_front()
    }

    /// Whether a call is unanswered.
    pub(crate) fn is_open(&self, response: &Id, call: &Call) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.position(response, call).is_some())
    }

    /// A call was answered, or will not be. `follows` says that a response is requested because of the answer.
    pub(crate) fn answered_call(&mut self, response: &Id, call: &Call, follows: bool) {
        self.settle_call(follows, |calls| calls.position(response, call));
    }

    /// The application answers the call. Whether it is still unanswered.
    pub(crate) fn defer_call(&mut self, response: &Id, call: &Call) -> bool {
        let Some(calls) = self.calls.as_mut().map(Arc::make_mut) else { return false };
        let Some(at) = calls.position(response, call) else { return false };
        if !std::mem::replace(&mut Arc::make_mut(&mut calls.open[at]).later, true) {
            calls.leave_batch(response, false);
        }
        true
    }

    /// The response of an unanswered call of a function, by the call's id.
    pub(crate) fn open_call(&self, call_id: &Id, response: Option<&Id>) -> Result<Id, NotOpen> {
        let calls = self.calls.as_ref().or(self.inherited_calls.as_ref()).ok_or(NotOpen::Unknown)?;
        if let Some(at) = calls.open_call(call_id, response) {
            return Ok(calls.open[at].response.clone());
        }
        let was_open = |(of, id): &(Id, Id)| id == call_id && response.is_none_or(|response| of == response);
        let answered = calls.seen.iter().any(was_open) || self.is_answered(call_id);
        Err(if answered { NotOpen::Answered } else { NotOpen::Unknown })
    }

    /// The application has answered an unanswered call of a function.
    pub(crate) fn late_answer(&mut self, response: &Id, call_id: &Id, follows: bool) {
        self.settle_call(follows, |calls| calls.open_call(call_id, Some(response)));
        if let Some(calls) = &mut self.calls {
            Arc::make_mut(calls).answered.push_back((response.clone(), call_id.clone()));
        }
    }

    /// A call is unanswered no more.
    fn settle_call(&mut self, follows: bool, find: impl FnOnce(&PendingCalls) -> Option<usize>) {
        let Some(calls) = self.calls.as_mut().or(self.inherited_calls.as_mut()).map(Arc::make_mut) else { return };
        let Some(due) = find(calls).and_then(|at| calls.remove(at)) else { return };
        if !due.later {
            return calls.leave_batch(&due.response, follows);
        }
        // Its batch does not wait for it. If that waits for others, one response follows all of them.
        let is_active = self.responses.active_id() == Some(&due.response);
        let goes_on = |pending: &&mut PendingResponse| match &pending.ended {
            Some(status) => pending.open > 0 && *status == ResponseStatus::Completed,
            None => is_active,
        };
        match calls.responses.get_mut(&due.response).filter(goes_on) {
            Some(pending) => pending.answered += usize::from(follows),
            None if follows => self.outgoing.push_back(ResponseCreate::default().into()),
            None => {}
        }
    }

    /// Forgets the calls answered later that this session, which has taken the place of another, does not have.
    pub(super) fn forget_lost_calls(&mut self) {
        let Some(calls) = self.calls.as_ref().or(self.inherited_calls.as_ref()) else { return };
        let has = |due: &Due| due.call.id().is_some_and(|id| self.has_call(id));
        let lost: Vec<_> = calls.open.iter().filter(|due| due.later && !has(due)).cloned().collect();
        let calls = self.calls.as_mut().or(self.inherited_calls.as_mut());
        let Some(calls) = calls.filter(|_| !lost.is_empty()).map(Arc::make_mut) else { return };
        for due in lost {
            if let Some(at) = calls.position(&due.response, &due.call) {
                calls.remove(at);
            }
            let Some(id) = due.call.id() else { continue };
            let key = (due.response.clone(), id.clone());
            calls.seen.remove(&key);
            calls.order.retain(|seen| *seen != key);
            calls.answered.push_back(key);
        }
    }

    /// Tracks calls and their responses.
    pub(super) fn note_calls(&mut self, event: &ServerEvent) {
        let Some(calls) = &mut self.calls else { return };
        match event {
            // One without an id may still be told it.
            ServerEvent::ResponseOutputItemDone(done) if !is_callable(&done.item) => {}
            ServerEvent::ResponseOutputItemDone(done) => {
                // An id that nobody knows is no other response: the call would be answered again when its own ends.
                let known = |id: &Id| self.responses.find(id).map(|response| &response.id);
                let of_item = || self.conversation.get(done.item.id()?)?.response_id.as_ref().and_then(known);
                let response = known(&done.response_id).or_else(of_item).or(self.responses.active_id());
                let response = response.unwrap_or(&done.response_id);
                let ended = self.responses.find(response).filter(|state| state.done.is_some());
                let calls = Arc::make_mut(calls);
                calls.ask(response, &whole_call(&done.item, &self.conversation));
                // Its end came first, and is not told again.
                if let (Some(ended), Some(pending)) = (ended, calls.responses.get_mut(response)) {
                    pending.ended.get_or_insert_with(|| ended.status.clone());
                }
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
                    let known = self.responses.find(id).into_iter().flat_map(|response| response.output.values());
                    let known = known.chain(ours.iter().map(|(_, item)| item));
                    let known = known.filter_map(|item| Some(&self.conversation.get(item)?.item));
                    // What is not known by its call's id is known by the item's.
                    let (callable, others) = told.chain(known).partition::<Vec<_>, _>(|item| is_callable(item));
                    callable.into_iter().for_each(|item| calls.ask(id, &whole_call(item, &self.conversation)));
                    others.into_iter().for_each(|item| calls.ask_by_item(id, item, &self.conversation));
                }
                if let Some(pending) = calls.responses.get_mut(id) {
                    pending.ended = Some(done.response.status.clone().unwrap_or(ResponseStatus::Completed));
                    if !completed {
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

    /// Whether a response is to be requested because calls were answered.
    pub(super) fn wants_follow_up(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.follow_ups > 0)
    }

    /// A response requested because calls were answered, not by the application.
    pub(super) fn take_follow_up(&mut self) -> Option<ClientEvent> {
        if !self.wants_follow_up() {
            return None;
        }
        Arc::make_mut(self.calls.as_mut()?).follow_ups -= 1;
        Some(ResponseCreate::default().into())
    }
}
