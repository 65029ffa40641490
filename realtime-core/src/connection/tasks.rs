//! Functions that the model calls, run by whoever drives.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
};

use futures::{
    Stream,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};

use super::{
    Ack, Connection, Notice, SendError,
    driver::Shared,
    hub::{self, Hub, bit},
};
use crate::{
    event::{ConversationItemCreate, SessionUpdate, SessionUpdated},
    protocol::{Protocol, Realtime},
    session::realtime::Call,
    tools::{self, ToolError, ToolErrorKind, Tools},
    types::RealtimeSessionConfig,
    wire::Id,
};

type Task = BoxFuture<'static, ()>;

/// Makes tasks of what the session has become due to do.
pub(super) type Starter<P> = Arc<dyn Fn(&mut <P as Protocol>::State) -> Vec<Task> + Send + Sync>;

/// Futures that run with the connection, polled outside every lock: they are the user's, and may use the connection.
#[derive(Default)]
pub(super) struct Tasks(Mutex<Running>);

#[derive(Default)]
struct Running {
    /// Taken out while it is polled.
    set: Option<FuturesUnordered<Task>>,
    is_polled: bool,
    /// Whether somebody else wanted to poll meanwhile.
    again: bool,
    /// What was added meanwhile.
    added: Vec<Task>,
}

impl Tasks {
    /// Adds tasks. The caller sees to it that somebody polls.
    pub(super) fn add(&self, tasks: Vec<Task>) {
        self.running().added.extend(tasks);
    }

    /// Polls what is ready.
    pub(super) fn poll(&self, hub: &Arc<Hub>) {
        let mut set = {
            let mut running = self.running();
            if running.is_polled {
                // By another thread, or further up this very stack.
                running.again = true;
                return;
            }
            running.is_polled = true;
            running.again = false;
            let mut set: FuturesUnordered<_> = running.set.take().unwrap_or_default();
            set.extend(running.added.drain(..));
            set
        };
        let guard = GiveBack(self);
        let waker = hub::waker(hub, bit::TASK);
        while let Poll::Ready(Some(())) = Pin::new(&mut set).poll_next(&mut Context::from_waker(&waker)) {}
        let mut running = guard.0.running();
        running.set = Some(set);
        running.is_polled = false;
        let more = running.again || !running.added.is_empty();
        drop(running);
        if more {
            hub.wake(bit::TASK);
        }
    }

    /// Drops all tasks.
    pub(super) fn clear(&self) {
        let dropped = {
            let mut running = self.running();
            (running.set.take(), std::mem::take(&mut running.added))
        };
        drop(dropped);
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets others poll again, also after a panic.
struct GiveBack<'a>(&'a Tasks);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.running().is_polled = false;
    }
}

impl Connection<Realtime> {
    /// Tells the model of these functions, and runs them when it calls: see [`Tools`].
    ///
    /// # Errors
    /// Gives the event that tells of them back, as [`Sender::send`](crate::Sender::send) does. They are not run then.
    pub fn use_tools(&self, tools: Tools) -> Result<Ack<Realtime, SessionUpdated>, SendError<Realtime>> {
        let config = RealtimeSessionConfig::default().tools(tools.definitions.clone());
        let ack = self.request(SessionUpdate::new(config))?;
        let mut core = self.shared.core();
        Arc::make_mut(&mut core.state).answer_calls(tools.when_interrupted);
        core.starter = Some(starter(Arc::downgrade(&self.shared), Arc::new(tools)));
        Ok(ack)
    }
}

/// Runs each call that becomes due, and sends its answer.
fn starter(shared: Weak<Shared<Realtime>>, tools: Arc<Tools>) -> Starter<Realtime> {
    let aborts: Mutex<Vec<(Id, AbortHandle)>> = Mutex::default();
    Arc::new(move |state| {
        let mut tasks: Vec<Task> = Vec::new();
        let mut aborts = aborts.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(response) = state.next_interrupted() {
            aborts.iter().filter(|(of, _)| *of == response).for_each(|(_, abort)| abort.abort());
            aborts.retain(|(of, _)| *of != response);
        }
        while let Some((response, call)) = state.next_call() {
            let Some(alive) = shared.upgrade() else { break };
            let run = tools::run(tools.clone(), call.clone(), alive.timer.clone());
            let run = alive.tracer.tool(call.name(), call.id(), run);
            let (abort, registration) = AbortHandle::new_pair();
            aborts.retain(|(_, abort)| !abort.is_aborted());
            aborts.push((response.clone(), abort));
            let shared = shared.clone();
            tasks.push(Box::pin(async move {
                let answer = Abortable::new(run, registration).await;
                // Nobody is left to be told.
                let Some(shared) = shared.upgrade() else { return };
                let (event, error) = answer.unwrap_or_default();
                shared.answer(&response, &call, event, error);
            }));
        }
        tasks
    })
}

impl Shared<Realtime> {
    /// Sends the answer to a call, and asks the model to go on if it was the last.
    fn answer(&self, response: &Id, call: &Call, event: Option<ConversationItemCreate>, error: Option<ToolErrorKind>) {
        let mut core = self.core();
        let sent = event.is_some_and(|event| self.enqueue(event.into(), None, true).is_ok());
        Arc::make_mut(&mut core.state).answered_call(response, sent);
        let ready = self.collect(&mut core);
        if let Some(kind) = error {
            let error = ToolError { call_id: call.id().cloned(), name: call.name().into(), kind };
            core.inbox.push_notice(Notice::Tool(error));
        }
        drop(core);
        self.hub.wake(ready | bit::QUEUE);
    }
}
