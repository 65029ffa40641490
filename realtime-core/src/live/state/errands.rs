//! What the application's handlers are to do: calls of its functions, tasks of the voice, and the one `response.create`
//! that follows the outputs of a batch.

use std::collections::{HashMap, VecDeque};

use super::{
    limits::{MOST_ENTRIES, MOST_OPEN, MOST_OPEN_ARGUMENTS},
    tasks::{CallOutput, DelegationStatus, LiveCall, LiveDelegation, ResponsePhase},
    work::Work,
};
use crate::{live::types::DelegationTarget, realtime::state::NotOpen, wire::Id};

/// Work for handlers, which are known by their number: of several sets of functions the last one works.
#[derive(Clone, Debug, Default)]
pub(super) struct Errands {
    tools: u32,
    delegates: u32,
    calls: VecDeque<DueCall>,
    tasks: VecDeque<DueTask>,
    /// Calls that need no output any more.
    dropped: VecDeque<Id>,
    /// Calls that are being answered, with the bytes of their arguments, and the sum of those.
    open: HashMap<Id, usize>,
    bytes: usize,
    /// Tasks that are being worked on.
    busy: usize,
    /// Whether the backend may have to be asked to go on.
    changed: bool,
    /// Whether a `response.create` is on its way to the wire.
    asked: bool,
    /// Whether one was refused, and nothing has happened since that would make another succeed.
    refused: bool,
}

/// A call for the application's functions.
#[derive(Clone, Debug)]
pub(in crate::live) struct DueCall {
    pub(in crate::live) call: LiveCall,
    /// Whether it is refused because too many calls are unanswered.
    pub(in crate::live) refused: bool,
}

/// A task for the application's handler.
#[derive(Clone, Debug)]
pub(in crate::live) struct DueTask {
    pub(in crate::live) task: LiveDelegation,
    /// Whether too many are worked on already for this one to be begun.
    pub(in crate::live) refused: bool,
}

impl Errands {
    /// The same handlers, for a session that replaces this one.
    pub(super) fn for_replacement(&self) -> Self {
        Self { tools: self.tools, delegates: self.delegates, ..Self::default() }
    }

    /// Queues a call without an output for the functions, if there are any.
    pub(super) fn hand_call(&mut self, call: &mut LiveCall) {
        if self.tools == 0 || call.handed || call.output != CallOutput::Owed {
            return;
        }
        call.handed = true;
        self.changed = true;
        let refused = self.open.len() >= MOST_OPEN || self.bytes >= MOST_OPEN_ARGUMENTS;
        if self.open.insert(call.call_id.clone(), call.arguments.len()).is_none() {
            self.bytes += call.arguments.len();
        }
        self.calls.push_back(DueCall { call: call.clone(), refused });
    }

    /// Hands a task to the handler, if it is the application's and there is one.
    pub(super) fn hand_task(&mut self, task: &mut LiveDelegation) {
        let ours = task.target == Some(DelegationTarget::Client);
        if self.delegates == 0 || task.handed || !ours || task.answered {
            return;
        }
        task.handed = true;
        let refused = self.busy >= MOST_OPEN;
        self.busy += 1;
        self.tasks.push_back(DueTask { task: task.clone(), refused });
    }

    pub(super) fn drop_call(&mut self, call_id: &Id) {
        if self.tools == 0 {
            return;
        }
        if self.dropped.len() == MOST_ENTRIES {
            self.dropped.pop_front();
        }
        self.dropped.push_back(call_id.clone());
    }

    /// A call is not being answered any more.
    fn release(&mut self, call_id: &Id) {
        self.bytes -= self.open.remove(call_id).unwrap_or_default();
        self.changed = true;
    }

    /// Something has happened after which the backend may have to be asked to go on.
    pub(super) fn changed(&mut self) {
        self.changed = true;
    }

    /// The backend has begun another response.
    pub(super) fn go_on(&mut self) {
        self.refused = false;
        self.changed = true;
    }

    /// A `response.create` is on the wire.
    pub(super) fn continued(&mut self) {
        self.asked = false;
    }

    /// A `response.create` was refused.
    pub(super) fn refused(&mut self) {
        self.refused = true;
    }
}

impl Work {
    /// From now on another set of functions answers calls. Its number.
    pub(in crate::live) fn use_tools(&mut self) -> u32 {
        self.errands.tools += 1;
        for call in self.calls.iter_mut() {
            self.errands.hand_call(call);
        }
        self.errands.tools
    }

    /// From now on another handler does the application's tasks. Its number.
    pub(in crate::live) fn use_handler(&mut self) -> u32 {
        self.errands.delegates += 1;
        for task in self.delegations.iter_mut() {
            self.errands.hand_task(task);
        }
        self.errands.delegates
    }

    /// The next call for this set of functions.
    pub(in crate::live) fn next_call(&mut self, tools: u32) -> Option<DueCall> {
        while tools == self.errands.tools {
            let due = self.errands.calls.pop_front()?;
            if self.is_owed(&due.call.call_id) {
                return Some(due);
            }
            self.errands.release(&due.call.call_id);
        }
        None
    }

    /// The next call that needs no output any more.
    pub(in crate::live) fn next_dropped(&mut self, tools: u32) -> Option<Id> {
        let call_id = if tools == self.errands.tools { self.errands.dropped.pop_front() } else { None }?;
        self.errands.release(&call_id);
        Some(call_id)
    }

    /// The next task for this handler.
    pub(in crate::live) fn next_task(&mut self, handler: u32) -> Option<DueTask> {
        if handler == self.errands.delegates { self.errands.tasks.pop_front() } else { None }
    }

    /// A call has its output, which is on its way to the wire, or it will have none. The backend is not asked to go on because
    /// of one that is `silent`.
    pub(in crate::live) fn call_is_done(&mut self, call_id: &Id, queued: bool, silent: bool) {
        self.errands.release(call_id);
        if let Some(known) = self.calls.iter_mut().find(|known| known.call_id == *call_id) {
            (known.queued, known.silent) = (queued, silent);
        }
    }

    /// The application has answered a call, and nobody else is to.
    pub(in crate::live) fn call_is_answered(&mut self, call_id: &Id, silent: bool) {
        self.call_is_done(call_id, true, silent);
        self.errands.drop_call(call_id);
    }

    /// Whether a call can be answered.
    pub(in crate::live) fn is_open(&self, call_id: &Id) -> Result<(), NotOpen> {
        let call = self.calls.iter().find(|call| call.call_id == *call_id).ok_or(NotOpen::Unknown)?;
        match call.output {
            CallOutput::Owed if !call.queued => Ok(()),
            CallOutput::Owed | CallOutput::Sent | CallOutput::Continued => Err(NotOpen::Answered),
            CallOutput::Discarded => Err(NotOpen::Unknown),
        }
    }

    /// Whether a call still waits for its output.
    pub(in crate::live) fn is_owed(&self, call_id: &Id) -> bool {
        self.calls.iter().any(|call| call.call_id == *call_id && call.output == CallOutput::Owed)
    }

    /// The handler is done with a task.
    pub(in crate::live) fn task_is_done(&mut self) {
        self.errands.busy = self.errands.busy.saturating_sub(1);
    }

    /// Whether anything has changed since the backend was asked to go on.
    pub(super) fn may_continue(&self) -> bool {
        let errands = &self.errands;
        errands.tools > 0 && errands.changed && !errands.asked
    }

    /// Whether the backend is to be asked to go on, for all calls are answered and no response is in progress. It is said
    /// once for each batch.
    pub(super) fn next_continue(&mut self) -> bool {
        if !self.may_continue() {
            return false;
        }
        self.errands.changed = false;
        if self.errands.refused || self.responses.iter().any(|response| response.status == ResponsePhase::InProgress) {
            return false;
        }
        let mut answered = false;
        for call in self.calls.iter() {
            match call.output {
                CallOutput::Owed if !call.queued => return false,
                CallOutput::Owed | CallOutput::Sent => answered |= !call.silent,
                CallOutput::Continued | CallOutput::Discarded => {}
            }
        }
        self.errands.asked = answered;
        answered
    }

    /// Tasks that are not done, by their ids: nothing more will come of them.
    pub(super) fn unfinished(&self) -> Vec<Id> {
        let done = |task: &LiveDelegation| {
            matches!(
                self.status(task),
                DelegationStatus::Answered
                    | DelegationStatus::Decided
                    | DelegationStatus::Completed
                    | DelegationStatus::Failed
                    | DelegationStatus::Incomplete
            )
        };
        self.delegations.iter().filter(|task| !done(task)).map(|task| task.id.clone()).collect()
    }

    /// Responses of the backend that have not ended, by their ids.
    pub(super) fn in_progress(&self) -> Vec<Id> {
        let running = self.responses.iter().filter(|response| response.status == ResponsePhase::InProgress);
        running.filter_map(|response| response.id.clone()).collect()
    }
}
