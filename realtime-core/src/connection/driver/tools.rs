//! The functions that the model calls: started, answered, and aborted where their response was interrupted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use futures::future::{AbortHandle, Abortable};

use super::{
    super::notice::Notice,
    Shared,
    tasks::{Starter, Task},
};
use crate::{
    error::SendErrorKind,
    event::ConversationItemCreate,
    realtime::Realtime,
    session::realtime::{Call, Due},
    tools::{self, ToolError, ToolErrorKind, Tools},
    wire::Id,
};

/// Functions that run: how to drop them, by number, with the responses that they belong to.
#[derive(Default)]
struct Running {
    of: HashMap<u64, (Id, AbortHandle)>,
    last: u64,
}

impl Shared<Realtime> {
    /// Runs these functions from now on, in place of those before.
    pub(in super::super) fn set_tools(self: &Arc<Self>, tools: Tools) {
        let mut core = self.core();
        core.machine.state_mut().answer_calls(tools.when_interrupted);
        core.starter = Some(starter(Arc::downgrade(self), Arc::new(tools)));
    }

    /// Sends the answer to a call, and asks the model to go on if it was the last.
    fn answer(
        &self,
        generation: u32,
        response: &Id,
        call: &Call,
        event: Option<ConversationItemCreate>,
        error: Option<ToolErrorKind>,
    ) {
        self.act(|machine, now| {
            // What was computed for a session that is gone is of use to the next one only if it has the call too.
            let event = event.map(Into::into).filter(|event| machine.is_current(generation, event));
            let (sent, error) = match event.map(|event| machine.react(self, event, now)) {
                // Too long an answer: the model is told that instead.
                Some(Err(refused)) if refused.kind() != SendErrorKind::Closed => {
                    let error = ToolErrorKind::Failed(refused.kind().to_string());
                    let told = tools::refusal(call, &error).map(|event| machine.react(self, event.into(), now));
                    (told.is_some_and(|told| told.is_ok()), Some(error))
                }
                sent => (sent.is_some_and(|sent| sent.is_ok()), error),
            };
            machine.with_state(self, now, |state| state.answered_call(response, call, sent));
            machine.on_queued();
            if let Some(kind) = error {
                let error = ToolError { call_id: call.id().cloned(), name: call.name().into(), kind };
                machine.inbox.push_notice(Notice::Tool(error));
            }
            ((), true)
        });
    }
}

/// Runs each call that becomes due, and sends its answer.
fn starter(shared: Weak<Shared<Realtime>>, tools: Arc<Tools>) -> Starter<Realtime> {
    let running = Arc::new(Mutex::new(Running::default()));
    Arc::new(move |state, generation| {
        let mut tasks: Vec<Task> = Vec::new();
        let mut aborts = lock(&running);
        while let Some(response) = state.next_interrupted() {
            aborts.of.values().filter(|(of, _)| *of == response).for_each(|(_, abort)| abort.abort());
        }
        while let Some(Due { response, call, refused }) = state.next_call() {
            let (abort, registration) = AbortHandle::new_pair();
            aborts.last += 1;
            let number = aborts.last;
            aborts.of.insert(number, (response.clone(), abort));
            let (shared, running, tools) = (shared.clone(), running.clone(), tools.clone());
            tasks.push(Box::pin(async move {
                // Here and not above, because making a span calls the subscriber, and this runs outside the lock.
                let Some(alive) = shared.upgrade() else { return };
                let run = tools::run(tools, call.clone(), refused, alive.timer.clone());
                let run = alive.tracer.tool(call.name(), call.id(), run);
                drop(alive);
                let answer = Abortable::new(run, registration).await;
                lock(&running).of.remove(&number);
                // Nobody is left to be told.
                let Some(shared) = shared.upgrade() else { return };
                let (event, error) = answer.unwrap_or_default();
                shared.answer(generation, &response, &call, event, error);
            }));
        }
        tasks
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
