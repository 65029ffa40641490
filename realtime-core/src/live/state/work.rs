//! Work that the voice handed over: delegations, responses of the backend, calls and the outputs that they wait for.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    errands::Errands,
    id,
    limits::{Log, MOST_ARGUMENTS, MOST_ENTRIES, MOST_ID, MOST_USAGE, append_first},
    tally::add,
    tasks::{CallOutput, DelegationStatus, LiveCall, LiveDelegation, LiveResponse, ResponsePhase},
};
use crate::{
    live::types::{
        BackendEvent, BackendItem, BackendResponse, BackendView, DelegationTarget, Number, Reported, ResponseItem,
    },
    wire::Id,
};

/// A `response.create` of ours, so that an error can take it back.
#[derive(Clone, Debug)]
struct Continuation {
    event_id: Id,
    calls: Vec<u64>,
    /// Whether a response has begun since: then the work was admitted.
    admitted: bool,
}

/// All work of a session.
#[derive(Clone, Debug)]
pub(in crate::live) struct Work {
    pub(super) delegations: Log<LiveDelegation>,
    pub(super) responses: Log<LiveResponse>,
    pub(super) calls: Log<LiveCall>,
    by_id: HashMap<Id, u64>,
    /// The response that each item belongs to.
    items: HashMap<Id, u64>,
    call_ids: HashSet<Id>,
    continuations: Log<Continuation>,
    pub(super) continues_sent: u64,
    pub(super) continues_refused: u64,
    pub(super) usage: Value,
    /// What the application's handlers are to do.
    pub(super) errands: Errands,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            delegations: Log::new(MOST_ENTRIES),
            responses: Log::sized(MOST_ENTRIES, |response| response.bytes),
            calls: Log::sized(MOST_ENTRIES, |call| call.name.len() + call.arguments.len()),
            by_id: HashMap::new(),
            items: HashMap::new(),
            call_ids: HashSet::new(),
            continuations: Log::new(MOST_ENTRIES),
            continues_sent: 0,
            continues_refused: 0,
            usage: Value::Null,
            errands: Errands::default(),
        }
    }
}

impl Work {
    /// The task with this id, which is known from now on, and what handlers are to do.
    pub(super) fn delegation(&mut self, id: &Id) -> Option<(&mut LiveDelegation, &mut Errands)> {
        if id.len() > MOST_ID {
            return None;
        }
        let known = self.delegations.numbered().find(|(_, known)| known.id == *id).map(|(number, _)| number);
        let number = known.unwrap_or_else(|| {
            self.delegations.push(LiveDelegation {
                id: id.clone(),
                target: None,
                offset_ms: None,
                response_id: None,
                answered: false,
                decided: false,
                handed: false,
            })
        });
        Some((self.delegations.get_mut(number)?, &mut self.errands))
    }

    /// The task with this id, if it is known.
    pub(super) fn known(&mut self, id: &Id) -> Option<&mut LiveDelegation> {
        self.delegations.iter_mut().find(|known| known.id == *id)
    }

    pub(super) fn status(&self, delegation: &LiveDelegation) -> DelegationStatus {
        match &delegation.target {
            Some(DelegationTarget::Client) if delegation.answered => return DelegationStatus::Answered,
            Some(DelegationTarget::Client) => return DelegationStatus::Open,
            Some(DelegationTarget::Decisions) if delegation.decided => return DelegationStatus::Decided,
            Some(DelegationTarget::Decisions) => return DelegationStatus::Waiting,
            _ => {}
        }
        let lane = |response: &&LiveResponse| response.delegation_id.as_ref() == Some(&delegation.id);
        let latest = self.responses.numbered().rev().find(|(_, response)| lane(response));
        let Some((number, response)) = latest else {
            return match &delegation.target {
                Some(DelegationTarget::Responses) => DelegationStatus::Waiting,
                _ => DelegationStatus::Open,
            };
        };
        let any = |output| self.calls.iter().any(|call| call.response == Some(number) && call.output == output);
        match response.status {
            ResponsePhase::InProgress => DelegationStatus::Running,
            ResponsePhase::Failed => DelegationStatus::Failed,
            ResponsePhase::Incomplete => DelegationStatus::Incomplete,
            ResponsePhase::Completed if any(CallOutput::Owed) => DelegationStatus::NeedsOutput,
            ResponsePhase::Completed if any(CallOutput::Sent) => DelegationStatus::NeedsContinue,
            ResponsePhase::Completed if any(CallOutput::Continued) => DelegationStatus::Continuing,
            ResponsePhase::Completed => DelegationStatus::Completed,
        }
    }

    /// Whether all outputs were sent, so that the backend waits for `response.create`.
    pub(super) fn continue_is_owed(&self) -> bool {
        let any = |output| self.calls.iter().any(|call| call.output == output);
        let running = self.responses.iter().any(|response| response.status == ResponsePhase::InProgress);
        !running && !any(CallOutput::Owed) && any(CallOutput::Sent)
    }

    /// An event of the backend.
    pub(super) fn backend(&mut self, delegation_id: Option<&Id>, event: &BackendEvent) {
        let lane = delegation_id.filter(|id| id.len() <= MOST_ID);
        if let Some(id) = lane {
            self.delegation(id);
        }
        match event.view() {
            BackendView::Created(response) => self.created(lane, &response),
            BackendView::Completed(response) => self.ended(lane, &response, ResponsePhase::Completed),
            BackendView::Failed(response) => self.ended(lane, &response, ResponsePhase::Failed),
            BackendView::Incomplete(response) => self.ended(lane, &response, ResponsePhase::Incomplete),
            BackendView::ItemAdded(item) => {
                self.item(lane, &item);
            }
            BackendView::ItemDone(item) => {
                let response = self.item(lane, &item);
                self.call(lane, response, &item);
            }
            BackendView::TextDelta(text) => {
                self.text(lane, text.item_id, text.content_index, |part| append_first(part, &text.delta));
            }
            BackendView::TextDone(text) => {
                self.text(lane, text.item_id, text.content_index, |part| {
                    part.clear();
                    append_first(part, &text.text);
                });
            }
            BackendView::Other => {}
        }
    }

    fn created(&mut self, lane: Option<&Id>, response: &BackendResponse) {
        let known = short(&response.id);
        if known.is_some_and(|id| self.by_id.contains_key(id)) {
            return;
        }
        self.begin(known, lane);
        for continuation in self.continuations.iter_mut() {
            continuation.admitted = true;
        }
        self.errands.go_on();
    }

    fn begin(&mut self, known: Option<&Id>, lane: Option<&Id>) -> u64 {
        let number = self.responses.push(LiveResponse {
            id: known.cloned(),
            delegation_id: lane.cloned(),
            status: ResponsePhase::InProgress,
            error: None,
            usage: None,
            calls: Vec::new(),
            parts: Vec::new(),
            bytes: 0,
        });
        if let Some(id) = known {
            self.by_id.insert(id.clone(), number);
        }
        // What belongs to a response that has left is forgotten with it.
        if self.by_id.len() > MOST_ENTRIES || self.items.len() > MOST_ENTRIES {
            self.by_id.retain(|_, number| self.responses.get(*number).is_some());
            self.items.retain(|_, number| self.responses.get(*number).is_some());
        }
        number
    }

    fn ended(&mut self, lane: Option<&Id>, snapshot: &Reported<BackendResponse>, status: ResponsePhase) {
        let known = short(&snapshot.id);
        let number = known.and_then(|id| self.by_id.get(id).copied()).or_else(|| {
            let mut running = self.running(lane);
            running.next().filter(|_| running.next().is_none())
        });
        let number = number.unwrap_or_else(|| self.begin(known, lane));
        if let Some(response) = self.responses.get_mut(number) {
            response.status = status;
            let code = snapshot.error.as_ref().and_then(|error| error.code.clone());
            let reason = || snapshot.incomplete_details.as_ref().and_then(|details| details.reason.clone());
            response.error = code.filter(|code| !code.is_empty()).or_else(reason).map(|mut words| {
                words.truncate(words.floor_char_boundary(MOST_ID));
                words
            });
            response.usage = snapshot.usage.clone().filter(|usage| usage.as_str().len() <= MOST_USAGE);
            if let Some(usage) = &response.usage {
                add(&mut self.usage, &usage.to_value());
            }
        }
        if status != ResponsePhase::Completed {
            for call in self.calls.iter_mut().filter(|call| call.response == Some(number)) {
                if matches!(call.output, CallOutput::Owed | CallOutput::Sent) {
                    call.output = CallOutput::Discarded;
                    self.errands.drop_call(&call.call_id);
                }
            }
        }
        self.errands.changed();
    }

    /// The responses of a lane that are not over, the latest first.
    fn running(&self, lane: Option<&Id>) -> impl Iterator<Item = u64> {
        self.responses
            .numbered()
            .rev()
            .filter(move |(_, response)| {
                response.delegation_id.as_ref() == lane && response.status == ResponsePhase::InProgress
            })
            .map(|(number, _)| number)
    }

    /// The response that an item belongs to, for good.
    fn item(&mut self, lane: Option<&Id>, item: &BackendItem) -> Option<u64> {
        let item = short(&item.id);
        let bound = item.and_then(|id| self.items.get(id).copied());
        let latest = || {
            let of_lane = |(_, response): &(u64, &LiveResponse)| response.delegation_id.as_ref() == lane;
            self.responses.numbered().rev().find(of_lane).map(|(number, _)| number)
        };
        let number = bound.or_else(|| self.running(lane).next()).or_else(latest)?;
        if let Some(id) = item
            && bound.is_none()
            && self.items.len() < 4 * MOST_ENTRIES
        {
            self.items.insert(id.clone(), number);
        }
        Some(number)
    }

    /// Changes a text of the response that the item belongs to.
    fn text(&mut self, lane: Option<&Id>, item: Option<Id>, index: Option<Number>, change: impl FnOnce(&mut String)) {
        let item = short(&item);
        let bound = item.and_then(|id| self.items.get(id).copied());
        if let Some(number) = bound.or_else(|| self.running(lane).next()) {
            self.change(number, |response| response.write(item, index, change));
        }
    }

    /// Changes what is kept of a response.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut LiveResponse)) {
        let Some(response) = self.responses.get_mut(number) else { return };
        let before = response.bytes;
        change(response);
        let after = response.bytes;
        self.responses.resized(before, after);
    }

    fn call(&mut self, lane: Option<&Id>, response: Option<u64>, item: &Reported<BackendItem>) {
        let status = item.json().read::<Status>().map(|status| status.status).unwrap_or_default();
        let whole = status.is_null() || status == "completed";
        let (Some(call_id), Some(name), true) = (short(&item.call_id), &item.name, whole) else { return };
        let arguments = item.arguments.clone().unwrap_or_default();
        if item.kind.as_deref() != Some("function_call")
            || self.call_ids.contains(call_id)
            || arguments.len() > MOST_ARGUMENTS
            || name.len() > MOST_ID
        {
            return;
        }
        let made_by = response.and_then(|number| self.responses.get(number));
        let void =
            made_by.is_some_and(|made_by| matches!(made_by.status, ResponsePhase::Failed | ResponsePhase::Incomplete));
        let mut call = LiveCall {
            call_id: call_id.clone(),
            response_id: made_by.and_then(|made_by| made_by.id.clone()),
            delegation_id: lane.cloned(),
            name: name.clone(),
            arguments,
            output: if void { CallOutput::Discarded } else { CallOutput::Owed },
            response,
            answer: None,
            handed: false,
            queued: false,
            silent: false,
        };
        if let Some(number) = response {
            self.change(number, |made_by| made_by.made(&call.call_id));
        }
        self.call_ids.insert(call.call_id.clone());
        self.errands.hand_call(&mut call);
        self.calls.push(call);
        if self.call_ids.len() > 2 * MOST_ENTRIES {
            self.call_ids = self.calls.iter().map(|call| call.call_id.clone()).collect();
        }
    }

    /// An output of ours is sent.
    pub(super) fn answered(&mut self, item: &ResponseItem, event_id: Option<&Id>) {
        let Some(call_id) = item.answers() else { return };
        let owed = |call: &&mut LiveCall| call.call_id == call_id && call.output == CallOutput::Owed;
        if let Some(call) = self.calls.iter_mut().find(owed) {
            call.output = CallOutput::Sent;
            call.answer = event_id.cloned();
        }
    }

    /// A `response.create` of ours is sent.
    pub(super) fn continued(&mut self, event_id: Option<&Id>) {
        self.continues_sent += 1;
        self.errands.continued();
        let sent = self.calls.numbered().filter(|(_, call)| call.output == CallOutput::Sent);
        let calls: Vec<_> = sent.map(|(number, _)| number).collect();
        for number in &calls {
            if let Some(call) = self.calls.get_mut(*number) {
                call.output = CallOutput::Continued;
            }
        }
        if let Some(event_id) = event_id {
            self.continuations.push(Continuation { event_id: event_id.clone(), calls, admitted: false });
        }
    }

    /// An error names an event of ours.
    pub(super) fn refused(&mut self, event_id: &Id) {
        let answered = |call: &&mut LiveCall| call.output == CallOutput::Sent && call.answer.as_ref() == Some(event_id);
        for call in self.calls.iter_mut().filter(answered) {
            call.output = CallOutput::Owed;
            call.answer = None;
            call.queued = false;
        }
        let named = |continuation: &&Continuation| continuation.event_id == *event_id;
        let Some(continuation) = self.continuations.iter().find(named).filter(|found| !found.admitted) else { return };
        for number in continuation.calls.clone() {
            if let Some(call) = self.calls.get_mut(number)
                && call.output == CallOutput::Continued
            {
                call.output = CallOutput::Sent;
            }
        }
        self.continues_refused += 1;
        self.errands.refused();
        self.continuations.retain(|continuation| continuation.event_id != *event_id);
    }
}

#[derive(serde::Deserialize, Default)]
struct Status {
    #[serde(default)]
    status: Value,
}

/// An id that is one and can be kept.
fn short(of: &Option<Id>) -> Option<&Id> {
    id(of).filter(|id| id.len() <= MOST_ID)
}
