//! The functions that the model calls: started, answered, and aborted where their response was interrupted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{AbortHandle, Abortable, BoxFuture},
};

use super::{
    ToolError, ToolErrorKind, Tools,
    handler::{refusal, run},
};
use crate::{
    connection::{SendErrorKind, Sender, WeakSender},
    realtime::{
        Realtime, RealtimeNotice,
        event::ConversationItemCreate,
        state::{Call, Due, RealtimeState},
    },
    wire::Id,
};

/// Functions that run: how to drop them, by number, with the responses that they belong to.
#[derive(Default)]
struct Running {
    of: HashMap<u64, (Id, AbortHandle)>,
    last: u64,
}

/// Runs these functions from now on, in place of those before.
pub(in super::super) fn attend(sender: &Sender<Realtime>, tools: Tools) {
    let policy = tools.when_interrupted;
    let (weak, tools, running) = (sender.downgrade(), Arc::new(tools), Arc::new(Mutex::new(Running::default())));
    sender.attend_instead(
        move |state| state.answer_calls(policy),
        Arc::new(move |state, generation| start(&weak, &tools, &running, state, generation)),
    );
}

/// Runs each call that is due, and sends its answer.
fn start(
    weak: &WeakSender<Realtime>,
    tools: &Arc<Tools>,
    running: &Arc<Mutex<Running>>,
    state: &mut RealtimeState,
    generation: u32,
) -> Vec<BoxFuture<'static, ()>> {
    let mut tasks = Vec::new();
    let mut aborts = lock(running);
    while let Some(response) = state.next_interrupted() {
        aborts.of.values().filter(|(of, _)| *of == response).for_each(|(_, abort)| abort.abort());
    }
    while let Some(Due { response, call, refused }) = state.next_call() {
        let (abort, registration) = AbortHandle::new_pair();
        aborts.last += 1;
        let number = aborts.last;
        aborts.of.insert(number, (response.clone(), abort));
        let (weak, running, tools) = (weak.clone(), running.clone(), tools.clone());
        let task = async move {
            // Here and not above, because making a span calls the subscriber, and this runs outside the lock.
            let Some(sender) = weak.upgrade() else { return };
            let run = run(tools, call.clone(), refused, sender.timer());
            let run = sender.trace_call(call.name(), call.id(), run);
            drop(sender);
            let result = Abortable::new(run, registration).await;
            lock(&running).of.remove(&number);
            // Nobody is left to be told.
            let Some(sender) = weak.upgrade() else { return };
            let (event, error) = result.unwrap_or_default();
            answer(&sender, generation, &response, &call, event, error);
        };
        tasks.push(task.boxed());
    }
    tasks
}

/// Sends the answer to a call, and asks the model to go on if it was the last.
fn answer(
    sender: &Sender<Realtime>,
    generation: u32,
    response: &Id,
    call: &Call,
    event: Option<ConversationItemCreate>,
    error: Option<ToolErrorKind>,
) {
    sender.step(|step| {
        // What was computed for a session that is gone is of use to the next one only if it has the call too.
        let event = event.map(Into::into).filter(|event| step.is_current(generation, event));
        let (sent, error) = match event.map(|event| step.send(event)) {
            // Too long an answer: the model is told that instead.
            Some(Err(refused)) if refused != SendErrorKind::Closed => {
                let error = ToolErrorKind::Failed(refused.to_string());
                let told = refusal(call, &error).map(|event| step.send(event.into()));
                (told.is_some_and(|told| told.is_ok()), Some(error))
            }
            sent => (sent.is_some_and(|sent| sent.is_ok()), error),
        };
        step.change(|state| state.answered_call(response, call, sent));
        if let Some(kind) = error {
            let error = ToolError { call_id: call.id().cloned(), name: call.name().into(), kind };
            step.notify(RealtimeNotice::Tool(error));
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
