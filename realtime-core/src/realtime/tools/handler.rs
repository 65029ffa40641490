//! Runs a single call to completion.

use std::{
    any::Any,
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{self, BoxFuture, Either},
};
use serde::de::DeserializeOwned;

use super::{Approval, ApprovalRequest, ToolContext, ToolErrorKind, ToolOutput, ToolReply, Tools};
use crate::{protocol::Protocol, realtime::types::McpApprovalRequest, transport::Timer};

/// The outcome of a function.
pub(crate) type Answer = Result<ToolReply, ToolErrorKind>;
/// A [`ToolContext`], of the protocol that the function knows.
type AnyContext = dyn Any + Send + Sync;
type Run = dyn Fn(&str, &AnyContext) -> BoxFuture<'static, Answer> + Send + Sync;
pub(crate) type Approve = Arc<dyn Fn(McpApprovalRequest) -> BoxFuture<'static, bool> + Send + Sync>;
pub(crate) type Spawn = Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

/// A function of the application, called with JSON arguments.
#[derive(Clone)]
pub(crate) struct Handler {
    run: Arc<Run>,
    /// Whether the arguments fit. Asked before somebody is asked to approve.
    check: fn(&str) -> Result<(), ToolErrorKind>,
    pub(super) needs_approval: bool,
}

impl Handler {
    /// A function of its arguments alone.
    pub(super) fn new<A, F, Fut, M>(function: F) -> Self
    where
        A: DeserializeOwned,
        F: FnOnce(A) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        Self::of::<A>(move |arguments, _| match parse(arguments) {
            Ok(arguments) => told((function.clone())(arguments)),
            Err(error) => Box::pin(future::ready(Err(error))),
        })
    }

    /// A function of its arguments and its call.
    pub(super) fn with_context<A, P, F, Fut, M>(function: F) -> Self
    where
        A: DeserializeOwned,
        P: Protocol,
        F: FnOnce(A, ToolContext<P>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: ToolOutput<M>> + Send + 'static,
    {
        Self::of::<A>(move |arguments, context| {
            let context = context.downcast_ref::<ToolContext<P>>().ok_or(ToolErrorKind::OtherProtocol);
            match context.and_then(|context| Ok((parse(arguments)?, context.clone()))) {
                Ok((arguments, context)) => told((function.clone())(arguments, context)),
                Err(error) => Box::pin(future::ready(Err(error))),
            }
        })
    }

    fn of<A: DeserializeOwned>(
        run: impl Fn(&str, &AnyContext) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> Self {
        Self { run: Arc::new(run), check: |arguments| parse::<A>(arguments).map(drop), needs_approval: false }
    }
}

fn told<M>(answer: impl Future<Output: ToolOutput<M>> + Send + 'static) -> BoxFuture<'static, Answer> {
    Box::pin(answer.map(|answer| answer.into_reply().map_err(ToolErrorKind::Failed)))
}

fn parse<A: DeserializeOwned>(arguments: &str) -> Result<A, ToolErrorKind> {
    // Models often call a function without parameters with empty arguments.
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(arguments).map_err(|error| ToolErrorKind::Arguments(error.to_string()))
}

/// The functions of a connection.
pub(crate) struct InUse {
    pub(crate) tools: Tools,
    /// Names of functions that need no approval any more.
    allowed: Mutex<HashSet<String>>,
}

impl InUse {
    pub(crate) fn new(tools: Tools) -> Arc<Self> {
        Arc::new(Self { tools, allowed: Mutex::default() })
    }

    /// Runs a function, after somebody has approved it if it needs that. `is_wanted` says whether the call is still part of the
    /// session, which may have been replaced while somebody was asked.
    pub(crate) async fn run<P: Protocol>(
        self: Arc<Self>,
        arguments: String,
        context: ToolContext<P>,
        timer: Arc<dyn Timer>,
        is_wanted: impl Fn() -> bool,
    ) -> Answer {
        let Some(handler) = self.tools.handlers.get(context.name()).cloned() else {
            return Err(ToolErrorKind::Unknown);
        };
        if handler.needs_approval {
            // Reading the arguments is code of the application that may panic.
            let check = AssertUnwindSafe(async { (handler.check)(&arguments) }).catch_unwind().await;
            check.unwrap_or(Err(ToolErrorKind::Panicked))?;
            let request = ApprovalRequest {
                call_id: context.call_id().clone(),
                response_id: context.response_id().cloned(),
                name: context.name().into(),
                arguments: arguments.clone(),
            };
            self.approved(request, &*timer).await?;
            if !is_wanted() {
                return Err(ToolErrorKind::Lost);
            }
        }
        let run = AssertUnwindSafe(async move { (handler.run)(&arguments, &context).await }).catch_unwind();
        let run = run.map(|answer| answer.unwrap_or(Err(ToolErrorKind::Panicked)));
        let answer = bounded(self.spawned(run), self.tools.timeout, &*timer).await;
        answer.unwrap_or(Err(ToolErrorKind::TimedOut))
    }

    /// Asks the application whether a function may run.
    async fn approved(&self, request: ApprovalRequest, timer: &dyn Timer) -> Result<(), ToolErrorKind> {
        let denied = |reason: &str| Err(ToolErrorKind::Denied(reason.into()));
        if self.allowed().contains(&request.name) {
            return Ok(());
        }
        let Some(decide) = &self.tools.on_approval else { return denied("nobody is there to approve it") };
        let name = request.name.clone();
        let decision = AssertUnwindSafe(async { decide(request).await }).catch_unwind();
        match bounded(decision, self.tools.approval_timeout, timer).await {
            None => denied("nobody decided in time"),
            Some(Err(_)) => Err(ToolErrorKind::Panicked),
            Some(Ok(Approval::Deny(reason))) => Err(ToolErrorKind::Denied(reason)),
            Some(Ok(Approval::Once)) => Ok(()),
            Some(Ok(Approval::Always)) => {
                self.allowed().insert(name);
                Ok(())
            }
        }
    }

    fn allowed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a function where the application wants it to run.
    fn spawned(&self, run: impl Future<Output = Answer> + Send + 'static) -> BoxFuture<'static, Answer> {
        let Some(spawn) = &self.tools.spawn else { return run.boxed() };
        let (sender, receiver) = oneshot::channel();
        spawn(run.map(|answer| drop(sender.send(answer))).boxed());
        // The task that was to run the function was dropped.
        receiver.map(|answer| answer.unwrap_or(Err(ToolErrorKind::Panicked))).boxed()
    }

    /// Waits for the answer of the application, which ends this from outside, and no longer than is allowed.
    pub(crate) async fn wait_for_answer(&self, timer: &dyn Timer) -> Answer {
        bounded(future::pending::<()>(), self.tools.later_timeout, timer).await;
        Err(ToolErrorKind::TimedOut)
    }

    /// The text for the model about a call that failed.
    pub(crate) fn explain(&self, name: &str, error: &ToolErrorKind) -> String {
        match error {
            ToolErrorKind::Unknown => {
                let mut names: Vec<_> = self.tools.handlers.keys().map(String::as_str).collect();
                names.sort_unstable();
                format!("error: there is no function `{name}`; there are: {}", names.join(", "))
            }
            error => format!("error: {error}"),
        }
    }

    /// Decides about a call of an MCP tool. `None` without a function that decides.
    pub(super) async fn approve_mcp(&self, request: McpApprovalRequest) -> Option<Result<bool, ToolErrorKind>> {
        let approve = self.tools.approve.as_ref()?;
        // Calling the function is itself application code that may panic.
        let approve = AssertUnwindSafe(async { approve(request).await }).catch_unwind().await;
        Some(approve.map_err(|_| ToolErrorKind::Panicked))
    }
}

/// Waits no longer than that. `None` if it took longer.
async fn bounded<F: Future>(future: F, time: Option<Duration>, timer: &dyn Timer) -> Option<F::Output> {
    let Some(time) = time else { return Some(future.await) };
    let future = std::pin::pin!(future);
    match future::select(future, timer.sleep_until(timer.now() + time)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(((), _)) => None,
    }
}
