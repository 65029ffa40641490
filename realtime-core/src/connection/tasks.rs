//! Functions that the model calls, run by whoever drives.

use std::{
    collections::HashMap,
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
    driver::Shared,
    hub::{self, Hub, bit},
    notice::Notice,
};
use crate::{
    error::SendErrorKind,
    event::ConversationItemCreate,
    protocol::{Protocol, Realtime},
    session::{
        State,
        realtime::{Call, Due},
    },
    tools::{self, ToolError, ToolErrorKind, Tools},
    wire::Id,
};

type Task = BoxFuture<'static, ()>;

/// Makes tasks of what the session, the how many-eth it is, has become due to do.
pub(super) type Starter<P> = Arc<dyn Fn(&mut <P as Protocol>::State, u32) -> Vec<Task> + Send + Sync>;

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
        lock(&self.0)
    }
}

/// Lets others poll again, also after a panic.
struct GiveBack<'a>(&'a Tasks);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.running().is_polled = false;
    }
}

/// Runs each call that becomes due, and sends its answer.
pub(super) fn starter(shared: Weak<Shared<Realtime>>, tools: Arc<Tools>) -> Starter<Realtime> {
    let running = Arc::new(Mutex::new(Aborts::default()));
    Arc::new(move |state, generation| {
        let mut tasks: Vec<Task> = Vec::new();
        let mut aborts = lock(&running);
        while let Some(response) = state.next_interrupted() {
            aborts.of.values().filter(|(of, _)| *of == response).for_each(|(_, abort)| abort.abort());
        }
        while let Some(Due { response, call, refused }) = state.next_call() {
            let Some(alive) = shared.upgrade() else { break };
            let run = tools::run(tools.clone(), call.clone(), refused, alive.timer.clone());
            let run = alive.tracer.tool(call.name(), call.id(), run);
            let (abort, registration) = AbortHandle::new_pair();
            aborts.last += 1;
            let number = aborts.last;
            aborts.of.insert(number, (response.clone(), abort));
            let (shared, running) = (shared.clone(), running.clone());
            tasks.push(Box::pin(async move {
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

/// How to drop the calls that run, by number, with the responses that they belong to.
#[derive(Default)]
struct Aborts {
    of: HashMap<u64, (Id, AbortHandle)>,
    last: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared<Realtime> {
    /// Sends the answer to a call, and asks the model to go on if it was the last.
    fn answer(
        &self,
        generation: u32,
        response: &Id,
        call: &Call,
        event: Option<ConversationItemCreate>,
        error: Option<ToolErrorKind>,
    ) {
        let mut core = self.core();
        // What was computed for a session that is gone is for the next one only if it has the call too.
        let event = event.map(Into::into);
        let event = event.filter(|event| generation == core.generation || core.state.still_applies(event, &[], 0));
        let (sent, error) = match event.map(|event| self.enqueue(event, None, true)) {
            // Too long an answer: the model is told that instead.
            Some(Err(refused)) if refused.kind() != SendErrorKind::Closed => {
                let error = ToolErrorKind::Failed(refused.kind().to_string());
                let told = tools::refusal(call, &error).map(|event| self.enqueue(event.into(), None, true));
                (told.is_some_and(|told| told.is_ok()), Some(error))
            }
            sent => (sent.is_some_and(|sent| sent.is_ok()), error),
        };
        Arc::make_mut(&mut core.state).answered_call(response, call, sent);
        let ready = self.collect(&mut core);
        if let Some(kind) = error {
            let error = ToolError { call_id: call.id().cloned(), name: call.name().into(), kind };
            core.inbox.push_notice(Notice::Tool(error));
        }
        drop(core);
        self.hub.wake(ready | bit::QUEUE);
    }
}
