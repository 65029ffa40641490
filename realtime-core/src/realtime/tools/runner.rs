//! The functions that the model calls: started, answered, and aborted where their response was interrupted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{AbortHandle, AbortRegistration, Abortable, BoxFuture},
};

use super::{
    InUse, ToolContext, ToolError, ToolErrorKind, ToolReply, Tools, cancellation, context::Cancelled, handler::Answer,
};
use crate::{
    connection::{SendErrorKind, Sender, WeakSender},
    realtime::{
        Realtime, RealtimeNotice,
        event::ConversationItemCreate,
        state::{Call, Due, RealtimeState, WhenInterrupted},
        types::Item,
    },
    transport::Timer,
    wire::Id,
};

/// Runs these functions from now on, in place of those before.
pub(in super::super) fn attend(sender: &Sender<Realtime>, tools: Tools) {
    let (weak, tools, attended) = (sender.downgrade(), InUse::new(tools), Arc::default());
    sender.attend_instead(
        RealtimeState::answer_calls,
        Arc::new(move |state, generation| start(&weak, &tools, &attended, state, generation)),
    );
}

/// Stops what is no longer wanted, and makes tasks of the calls that are due.
fn start(
    weak: &WeakSender<Realtime>,
    tools: &Arc<InUse>,
    attended: &Arc<Attended>,
    state: &mut RealtimeState,
    generation: u32,
) -> Vec<BoxFuture<'static, ()>> {
    while let Some(response) = state.next_interrupted() {
        attended.interrupt(&response, tools.tools.when_interrupted == WhenInterrupted::Cancel);
    }
    while let Some((response, call)) = state.next_answered() {
        attended.answered(&response, &call);
    }
    let due = std::iter::from_fn(|| state.next_call());
    due.map(|due| {
        let (entry, cancelled, registration) = Attended::add(attended, &due);
        let task = Task { weak: weak.clone(), tools: tools.clone(), entry, due, generation };
        task.attend(cancelled, registration).boxed()
    })
    .collect()
}

/// A call, from its beginning to its answer.
struct Task {
    weak: WeakSender<Realtime>,
    tools: Arc<InUse>,
    entry: Entry,
    due: Due,
    /// The session that called.
    generation: u32,
}

/// What comes of a function that the application does not answer later.
struct Reply {
    /// None if nothing is sent.
    event: Option<ConversationItemCreate>,
    /// Whether a response follows.
    follows: bool,
    error: Option<ToolErrorKind>,
}

impl Task {
    async fn attend(self, cancelled: Cancelled, registration: AbortRegistration) {
        // Here and not earlier, because making a span calls the subscriber, and this runs outside the lock.
        let Some(sender) = self.weak.upgrade() else { return };
        let timer = sender.timer();
        if !self.due.later {
            let run = self.run(sender.clone(), cancelled, timer.clone());
            let run = sender.trace_call(self.due.call.name(), self.due.call.id(), run);
            drop(sender);
            match Abortable::new(run, registration).await {
                Ok(None) => {}
                Ok(Some(reply)) => return self.answer(reply),
                // Its response was interrupted.
                Err(_) => return self.answer(NOTHING),
            }
        } else {
            drop(sender);
        }
        // Known to be so before the state is, so that no answer is overlooked.
        let answered = self.entry.wait_for_answer();
        let Some(sender) = self.weak.upgrade() else { return };
        let Due { response, call, .. } = &self.due;
        let is_open = sender.step(|step| step.change(|state| state.defer_call(response, call)));
        drop(sender);
        if is_open && let Ok(Err(error)) = Abortable::new(self.tools.wait_for_answer(&*timer), answered).await {
            self.answer(Reply { event: refusal(call, &error), follows: true, error: Some(error) });
        }
    }

    /// Runs the function, or asks for the decision. None if the application answers later.
    fn run(
        &self,
        sender: Sender<Realtime>,
        cancelled: Cancelled,
        timer: Arc<dyn Timer>,
    ) -> impl Future<Output = Option<Reply>> + Send + use<> {
        let (tools, weak, generation) = (self.tools.clone(), self.weak.clone(), self.generation);
        let Due { response, call, refused, .. } = self.due.clone();
        async move {
            if refused {
                let (event, error) = (refusal(&call, &ToolErrorKind::TooMany), Some(ToolErrorKind::TooMany));
                return Some(Reply { event, follows: true, error });
            }
            match call {
                Call::Function(call) => {
                    let Some(id) = call.call_id.clone() else { return Some(NOTHING) };
                    let context = ToolContext::new(id.clone(), Some(response), &call.name, sender, cancelled);
                    let of = id.clone();
                    let is_wanted = move || {
                        let Some(sender) = weak.upgrade() else { return false };
                        let answer = ConversationItemCreate::new(Item::function_call_output(of.clone(), ""));
                        sender.step(|step| step.is_current(generation, &answer.into()))
                    };
                    let answer = tools.clone().run(call.arguments, context, timer, is_wanted).await;
                    told(&tools, &call.name, id, answer)
                }
                Call::Approval(request) => {
                    drop(sender);
                    let Some(id) = request.id.clone() else { return Some(NOTHING) };
                    let Some(decision) = tools.approve_mcp(request).await else { return Some(NOTHING) };
                    let error = decision.as_ref().err().cloned();
                    let response = Item::mcp_approval_response(&id, decision.unwrap_or(false));
                    Some(Reply { event: Some(ConversationItemCreate::new(response)), follows: true, error })
                }
            }
        }
    }

    /// Sends the answer to the call, and asks the model to go on if it was the last.
    fn answer(&self, Reply { event, follows, error }: Reply) {
        // Nobody is left to be told.
        let Some(sender) = self.weak.upgrade() else { return };
        let Due { response, call, .. } = &self.due;
        sender.step(|step| {
            let (event, error) = if step.change(|state| state.is_open(response, call)) {
                (event, error)
            } else {
                // Of a function that was dropped, there is nothing to tell.
                (None, event.map(|_| ToolErrorKind::Answered))
            };
            // What was computed for a session that is gone is of use to the next one only if it has the call too.
            let event = event.map(Into::into).filter(|event| step.is_current(self.generation, event));
            let (sent, error) = match event.map(|event| step.send(event)) {
                // Too long an answer: the model is told that instead.
                Some(Err(refused)) if refused != SendErrorKind::Closed => {
                    let error = ToolErrorKind::Failed(refused.to_string());
                    let told = refusal(call, &error).map(|event| step.send(event.into()));
                    (told.is_some_and(|told| told.is_ok()), Some(error))
                }
                sent => (sent.is_some_and(|sent| sent.is_ok()), error),
            };
            step.change(|state| state.answered_call(response, call, sent && follows));
            if let Some(kind) = error {
                let error = ToolError { call_id: call.id().cloned(), name: call.name().into(), kind };
                step.notify(RealtimeNotice::Tool(error));
            }
        });
    }
}

const NOTHING: Reply = Reply { event: None, follows: false, error: None };

/// What the model is told of a function's outcome. None if the application answers later.
fn told(tools: &InUse, name: &str, id: Id, answer: Answer) -> Option<Reply> {
    let (text, follows, error) = match answer {
        Ok(ToolReply::Output(text)) => (text, true, None),
        Ok(ToolReply::Silent(text)) => (text, false, None),
        Ok(ToolReply::Later) => return None,
        Err(error) => (tools.explain(name, &error), true, Some(error)),
    };
    let event = Some(ConversationItemCreate::new(Item::function_call_output(id, text)));
    Some(Reply { event, follows, error })
}

/// The answer to a call that cannot be run.
fn refusal(call: &Call, error: &ToolErrorKind) -> Option<ConversationItemCreate> {
    let id = call.id()?;
    Some(ConversationItemCreate::new(match call {
        Call::Function(_) => Item::function_call_output(id, format!("error: {error}")),
        Call::Approval(_) => Item::mcp_approval_response(id, false),
    }))
}

/// Calls that are attended to, by number, and how to stop that.
#[derive(Default)]
struct Attended(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    of: HashMap<u64, Stop>,
    last: u64,
}

struct Stop {
    response: Id,
    call: Option<Id>,
    abort: AbortHandle,
    /// Tells the function that its output is of no use any more. So does dropping it.
    cancel: Option<oneshot::Sender<()>>,
    /// Whether the function has returned, and the application answers.
    later: bool,
}

impl Attended {
    fn add(self: &Arc<Self>, due: &Due) -> (Entry, Cancelled, AbortRegistration) {
        let (abort, registration) = AbortHandle::new_pair();
        let (cancel, cancelled) = cancellation();
        let (response, call) = (due.response.clone(), due.call.id().cloned());
        let mut calls = self.lock();
        calls.last += 1;
        let number = calls.last;
        calls.of.insert(number, Stop { response, call, abort, cancel: Some(cancel), later: due.later });
        (Entry { number, attended: self.clone() }, cancelled, registration)
    }

    /// The response was cut short. Functions that run are dropped if that is the policy, and told of it in any case.
    fn interrupt(&self, response: &Id, drops: bool) {
        for stop in self.lock().of.values_mut().filter(|stop| stop.response == *response) {
            stop.cancel = None;
            if drops && !stop.later {
                stop.abort.abort();
            }
        }
    }

    /// The application has answered a call, or the session is gone that it belonged to.
    fn answered(&self, response: &Id, call: &Id) {
        let is_this = |stop: &&mut Stop| stop.response == *response && stop.call.as_ref() == Some(call);
        for stop in self.lock().of.values_mut().filter(is_this) {
            stop.cancel = None;
            if stop.later {
                stop.abort.abort();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a call, as long as it is attended to.
struct Entry {
    number: u64,
    attended: Arc<Attended>,
}

impl Entry {
    /// From now on the application's answer ends the wait for it, and an interruption does not.
    fn wait_for_answer(&self) -> AbortRegistration {
        let (abort, registration) = AbortHandle::new_pair();
        if let Some(stop) = self.attended.lock().of.get_mut(&self.number) {
            (stop.abort, stop.later) = (abort, true);
        }
        registration
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // The waker of who waits for the cancellation is called outside the lock.
        let stop = self.attended.lock().of.remove(&self.number);
        drop(stop);
    }
}
