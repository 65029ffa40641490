//! Delegated work without a loop of the application's own: handlers for tasks, functions for the Responses backend.

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt,
    future::{AbortHandle, Abortable, BoxFuture},
};

use super::{
    LiveKind, LiveNotice, LiveState,
    event::{
        ResponseItemCreate, SessionCommentaryAppend, SessionCommentaryAppended, SessionInstructionsAppend,
        SessionInstructionsAppended, SessionThinkingAppend, SessionThinkingAppended, SessionUpdate, SessionUpdated,
    },
    state::{DueCall, DueTask, LiveCall},
    types::{
        DelegationUpdate, FunctionCallOutput, Number, ResponsesDelegationUpdate, ResponsesUpdate, Tool, UpdateConfig,
    },
};
use crate::{
    connection::{Ack, Connection, SendError, SendErrorKind, Sender, WeakSender},
    realtime::state::NotOpen,
    tools::{self, AnswerError, InUse, ToolContext, ToolError, ToolErrorKind, ToolOutput, ToolReply, Tools},
    wire::Id,
};

/// The name under which errors of a task's handler are reported: a handler has no name of its own.
const HANDLER: &str = "delegation";

type Handler<P> = Arc<dyn Fn(Task<P>) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// A task that the voice has handed over to the application.
///
/// The protocol does not say what the task is: take that from the [transcript](LiveState::turns), which may not be
/// complete yet. There is no event that ends a task, and an interruption of the voice does not stop it.
///
/// A clone is the same task. It can be kept and used after the handler has returned.
pub struct Task<P: LiveKind> {
    id: Id,
    offset_ms: Number,
    sender: Sender<P>,
}

impl<P: LiveKind> Task<P> {
    /// The delegation's id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Time of the delegation on the session's timeline, in milliseconds.
    pub fn offset_ms(&self) -> Number {
        self.offset_ms
    }

    /// The session state, including the conversation so far.
    pub fn state(&self) -> Arc<LiveState> {
        self.sender.state()
    }

    /// Has the voice say something once, in its own words, at most 500 tokens: `session.commentary.append` with the task's
    /// id.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`] does.
    pub fn commentary(&self, content: impl Into<String>) -> Result<Ack<P, SessionCommentaryAppended>, SendError<P>> {
        self.sender.request(SessionCommentaryAppend::delegation(&self.id, content))
    }

    /// Gives the voice knowledge that it keeps to itself, at most 500 tokens: `session.thinking.append` with the task's id.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`] does.
    pub fn thinking(&self, content: impl Into<String>) -> Result<Ack<P, SessionThinkingAppended>, SendError<P>> {
        self.sender.request(SessionThinkingAppend::delegation(&self.id, content))
    }

    /// Gives the voice a standing instruction, at most 500 tokens: `session.instructions.append` with the task's id.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`] does.
    pub fn instructions(
        &self,
        content: impl Into<String>,
    ) -> Result<Ack<P, SessionInstructionsAppended>, SendError<P>> {
        self.sender.request(SessionInstructionsAppend::delegation(&self.id, content))
    }
}

impl<P: LiveKind> Clone for Task<P> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), offset_ms: self.offset_ms, sender: self.sender.clone() }
    }
}

impl<P: LiveKind> fmt::Debug for Task<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("id", &self.id).field("offset_ms", &self.offset_ms).finish_non_exhaustive()
    }
}

impl<P: LiveKind> Connection<P> {
    /// Runs an async function for every task that the voice hands over to the application (client delegation), in place
    /// of the function given before.
    ///
    /// ```
    /// # use realtime_core::{Connection, Error, live::{Live, Task}};
    /// # async fn look_up() -> u32 { 3 }
    /// # fn example(live: &Connection<Live>) {
    /// live.on_delegation(async |task: Task<Live>| {
    ///     task.thinking("The order system is slow today.")?;
    ///     let days = look_up().await;
    ///     Ok::<_, Error>(format!("The order arrives in {days} days."))
    /// });
    /// # }
    /// ```
    ///
    /// While it runs, the function may send commentary and thoughts as often as it likes; what it returns is sent as
    /// commentary, unless it is empty. If it fails or panics, the voice is told so as a thought, and the application by
    /// [`LiveNotice::Tool`]. Tasks run at the same time, whenever somebody drives the connection, each on a clone of the
    /// function; no more than 1,024, others are refused. They are dropped when the connection ends, or when another
    /// session takes the place of theirs.
    pub fn on_delegation<F, Fut, M>(&self, handler: F)
    where
        F: FnOnce(Task<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        let handler: Handler<P> = Arc::new(move |task| {
            let answer = (handler.clone())(task);
            async move { answer.await.into_output() }.boxed()
        });
        let sender = self.sender();
        let (weak, running) = (sender.downgrade(), Running::default());
        let number = Arc::new(Mutex::new(0));
        let known = number.clone();
        sender.attend(
            move |state| *lock(&known) = state.work_mut().use_handler(),
            Arc::new(move |state, generation| {
                let number = *lock(&number);
                let due = std::iter::from_fn(|| state.work_mut().next_task(number));
                running.start(generation, due.filter_map(|due| delegated(&weak, &handler, due, generation)))
            }),
        );
    }

    /// Tells the Responses backend of these functions, and runs them when it calls: see [`Tools`].
    ///
    /// All calls of a batch are answered, each as soon as its function is done, and then the backend is asked to go on,
    /// once. The functions of calls whose response failed or was cut short are dropped, for the backend wants no output
    /// of them. [`Tools::when_interrupted`] and [`Tools::approve`] have no effect here: an interruption of the voice does
    /// not stop the backend, and its approvals are items of their own.
    ///
    /// The backend goes on when it has every output of a batch, so one that comes [`Later`](crate::tools::Later) holds its
    /// batch, and a batch of [`Silent`](crate::tools::Silent) outputs alone is not followed by a request to go on. A function
    /// with a context names this protocol: `ToolContext<Live>`.
    ///
    /// # Errors
    /// Gives the `session.update` that tells of them back, as [`Sender::send`] does. They are not run then.
    pub fn use_tools(&self, tools: Tools) -> Result<Ack<P, SessionUpdated>, SendError<P>> {
        let told = ResponsesUpdate::default().tools(tools.definitions().iter().map(Tool::from));
        let delegation = ResponsesDelegationUpdate::default().responses(told);
        let ack =
            self.request(SessionUpdate::new(UpdateConfig::default().delegation(DelegationUpdate::from(delegation))))?;
        self.run_tools(tools);
        Ok(ack)
    }

    /// Answers a function call of the Responses backend whose function has returned [`Later`](crate::tools::Later). An `Err`
    /// is told to the backend.
    ///
    /// # Errors
    /// The call is not open: it was answered, or its response or session is gone. Or the output was not accepted for sending.
    pub fn answer_call<M>(&self, call_id: impl Into<Id>, output: impl ToolOutput<M>) -> Result<(), AnswerError> {
        self.sender().answer_call(call_id, output)
    }

    /// Runs these functions when the Responses backend calls, as [`use_tools`](Self::use_tools) does, for a backend that
    /// was told of them when the session began.
    pub fn run_tools(&self, tools: Tools) {
        let sender = self.sender();
        let (weak, running, tools) = (sender.downgrade(), Running::default(), InUse::new(tools));
        let number = Arc::new(Mutex::new(0));
        let known = number.clone();
        sender.attend(
            move |state| *lock(&known) = state.work_mut().use_tools(),
            Arc::new(move |state, generation| {
                let number = *lock(&number);
                while let Some(call_id) = state.work_mut().next_dropped(number) {
                    running.stop(&call_id);
                }
                let due = std::iter::from_fn(|| state.work_mut().next_call(number));
                running.start(generation, due.filter_map(|due| called(&weak, &tools, due, generation)))
            }),
        );
    }
}

impl<P: LiveKind> Sender<P> {
    /// Answers a function call: see [`Connection::answer_call`].
    ///
    /// # Errors
    /// See there.
    pub fn answer_call<M>(&self, call_id: impl Into<Id>, output: impl ToolOutput<M>) -> Result<(), AnswerError> {
        let call_id = call_id.into();
        let (output, silent) = match output.into_reply() {
            Ok(ToolReply::Output(output)) => (output, false),
            Ok(ToolReply::Silent(output)) => (output, true),
            Ok(ToolReply::Later) => return Err(AnswerError::Unfinished),
            Err(error) => (format!("error: {error}"), false),
        };
        let event = ResponseItemCreate::new(FunctionCallOutput::new(&call_id, output));
        self.step(|step| {
            step.change(|state| state.work().is_open(&call_id))?;
            step.offer(event.into()).map_err(AnswerError::Send)?;
            step.change(|state| state.work_mut().call_is_answered(&call_id, silent));
            Ok(())
        })
    }
}

/// A task of the connection, by the id of what it works on.
type Work = (Id, BoxFuture<'static, ()>);

/// Runs the application's handler for one task.
fn delegated<P: LiveKind>(
    weak: &WeakSender<P>,
    handler: &Handler<P>,
    DueTask { task, refused }: DueTask,
    generation: u32,
) -> Option<Work> {
    let sender = weak.upgrade()?;
    let id = task.id.clone();
    let task = Task { id: id.clone(), offset_ms: task.offset_ms.unwrap_or_default(), sender: sender.clone() };
    let run = {
        let handler = handler.clone();
        async move {
            if refused {
                return Err(ToolErrorKind::TooMany);
            }
            // Calling the function is its own code too.
            let run = AssertUnwindSafe(async move { handler(task).await }).catch_unwind().await;
            run.map_or(Err(ToolErrorKind::Panicked), |answer| answer.map_err(ToolErrorKind::Failed))
        }
    };
    let run = sender.trace_call(HANDLER, Some(&id), run);
    let (weak, delegation) = (weak.clone(), id.clone());
    let run = async move {
        let answer = run.await;
        // Nobody is left to be told.
        let Some(sender) = weak.upgrade() else { return };
        let done = |state: &mut LiveState, _| state.work_mut().task_is_done();
        let event: Option<P::ClientEvent> = match &answer {
            Ok(said) if said.is_empty() => None,
            Ok(said) => Some(SessionCommentaryAppend::delegation(&delegation, said).into()),
            Err(error) => Some(SessionThinkingAppend::delegation(&delegation, format!("error: {error}")).into()),
        };
        let sent = match event {
            Some(event) => sender.reply(generation, event, done),
            None => {
                sender.change(generation, |state| state.work_mut().task_is_done());
                Ok(())
            }
        };
        let failed = answer.err().or(unsent(sent));
        if let Some(kind) = failed {
            sender.notify(LiveNotice::Tool(ToolError { call_id: Some(delegation), name: HANDLER.into(), kind }));
        }
    };
    Some((id, run.boxed()))
}

/// Runs one call of a function.
fn called<P: LiveKind>(
    weak: &WeakSender<P>,
    tools: &Arc<InUse>,
    DueCall { call, refused }: DueCall,
    generation: u32,
) -> Option<Work> {
    let sender = weak.upgrade()?;
    let (id, timer) = (call.call_id.clone(), sender.timer());
    let (cancel, cancelled) = tools::cancellation();
    let run = {
        let context = ToolContext::new(id.clone(), call.response_id.clone(), &call.name, sender.clone(), cancelled);
        let (tools, arguments, timer) = (tools.clone(), call.arguments.clone(), timer.clone());
        async move {
            // Work for a session that was replaced is dropped, so whatever goes on is wanted.
            if refused { Err(ToolErrorKind::TooMany) } else { tools.run(arguments, context, timer, || true).await }
        }
    };
    let run = sender.trace_call(&call.name, Some(&id), run);
    let (weak, tools) = (weak.clone(), tools.clone());
    let run = async move {
        let answer = match run.await {
            // The application's answer ends this wait.
            Ok(ToolReply::Later) => tools.wait_for_answer(&*timer).await,
            answer => answer,
        };
        // Tells the function, wherever it runs, that nobody waits for it any more.
        drop(cancel);
        // Nobody is left to be told.
        let Some(sender) = weak.upgrade() else { return };
        let (output, silent, mut failed) = match answer {
            Ok(ToolReply::Output(output)) => (output, false, None),
            Ok(ToolReply::Silent(output)) => (output, true, None),
            Ok(ToolReply::Later) => return,
            Err(error @ ToolErrorKind::TooMany) => (format!("error: {error}"), false, Some(error)),
            Err(error) => (tools.explain(&call.name, &error), false, Some(error)),
        };
        match answer_call(&sender, &call, output, silent, generation) {
            Ok(()) => {}
            Err(AnswerError::Answered) => failed = Some(ToolErrorKind::Answered),
            Err(refused) => {
                let error = ToolErrorKind::Failed(refused.to_string());
                // Too long an output: the backend is told that instead.
                if refused != AnswerError::Send(SendErrorKind::Closed) {
                    let _ = answer_call(&sender, &call, format!("error: {error}"), false, generation);
                }
                failed = Some(error);
            }
        }
        if let Some(kind) = failed {
            sender.notify(LiveNotice::Tool(ToolError { call_id: Some(call.call_id), name: call.name, kind }));
        }
    };
    Some((id, run.boxed()))
}

/// Sends the output of a call, if the backend still wants it.
fn answer_call<P: LiveKind>(
    sender: &Sender<P>,
    call: &LiveCall,
    output: String,
    silent: bool,
    generation: u32,
) -> Result<(), AnswerError> {
    match sender.state().work().is_open(&call.call_id) {
        Ok(()) => {
            let event = ResponseItemCreate::new(FunctionCallOutput::new(&call.call_id, output));
            let done = |state: &mut LiveState, sent| state.work_mut().call_is_done(&call.call_id, sent, silent);
            sender.reply(generation, event, done).map_err(AnswerError::Send)
        }
        Err(NotOpen::Answered) => Err(AnswerError::Answered),
        Err(NotOpen::Unknown) => {
            sender.change(generation, |state| state.work_mut().call_is_done(&call.call_id, false, false));
            Ok(())
        }
    }
}

/// Why what a handler returned was not sent. The end of the connection tells of itself.
fn unsent(sent: Result<(), SendErrorKind>) -> Option<ToolErrorKind> {
    match sent {
        Ok(()) | Err(SendErrorKind::Closed) => None,
        Err(refused) => Some(ToolErrorKind::Failed(refused.to_string())),
    }
}

/// What runs, by what it works on, so that it can be stopped.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<Aborts>>);

#[derive(Default)]
struct Aborts {
    generation: u32,
    of: HashMap<Id, AbortHandle>,
}

impl Running {
    /// Makes work stoppable. What still runs for a session that was replaced is stopped.
    fn start(&self, generation: u32, work: impl Iterator<Item = Work>) -> Vec<BoxFuture<'static, ()>> {
        let mut aborts = lock(&self.0);
        if aborts.generation != generation {
            aborts.generation = generation;
            aborts.of.drain().for_each(|(_, abort)| abort.abort());
        }
        work.map(|(id, run)| {
            let (abort, registration) = AbortHandle::new_pair();
            aborts.of.insert(id.clone(), abort);
            let running = self.clone();
            let run = Abortable::new(run, registration);
            async move {
                if run.await.is_ok() {
                    lock(&running.0).of.remove(&id);
                }
            }
            .boxed()
        })
        .collect()
    }

    fn stop(&self, id: &Id) {
        if let Some(abort) = lock(&self.0).of.remove(id) {
            abort.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
