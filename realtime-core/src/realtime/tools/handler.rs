//! Runs a single call to completion.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{self, BoxFuture, Either},
};
use serde::de::DeserializeOwned;

use super::{ToolErrorKind, ToolOutput, Tools};
use crate::{
    realtime::{
        event::ConversationItemCreate,
        state::Call,
        types::{Item, McpApprovalRequest},
    },
    transport::Timer,
};

/// A function, from JSON arguments to its output.
pub(crate) type Handler = Arc<dyn Fn(&str) -> BoxFuture<'static, Result<String, ToolErrorKind>> + Send + Sync>;
pub(crate) type Approve = Arc<dyn Fn(McpApprovalRequest) -> BoxFuture<'static, bool> + Send + Sync>;
pub(crate) type Spawn = Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

pub(super) fn handler<A, F, Fut, M>(function: F) -> Handler
where
    A: DeserializeOwned,
    F: FnOnce(A) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: ToolOutput<M>> + Send + 'static,
{
    Arc::new(move |arguments| {
        // Models often call a function without parameters with empty arguments.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        match serde_json::from_str(arguments) {
            Ok(arguments) => {
                let answer = (function.clone())(arguments);
                Box::pin(async move { answer.await.into_output().map_err(ToolErrorKind::Failed) })
            }
            Err(error) => Box::pin(future::ready(Err(ToolErrorKind::Arguments(error.to_string())))),
        }
    })
}

/// Answers or refuses a call. Returns the event to send, if any, and the error, if one occurred.
pub(super) async fn run(
    tools: Arc<Tools>,
    call: Call,
    refused: bool,
    timer: Arc<dyn Timer>,
) -> (Option<ConversationItemCreate>, Option<ToolErrorKind>) {
    if refused {
        return (refusal(&call, &ToolErrorKind::TooMany), Some(ToolErrorKind::TooMany));
    }
    match call {
        Call::Function(call) => {
            let Some(id) = call.call_id.clone() else { return (None, None) };
            let (output, error) = run_function(&tools, &call.name, &call.arguments, &*timer).await;
            (Some(ConversationItemCreate::new(Item::function_call_output(id, output))), error)
        }
        Call::Approval(request) => {
            let (Some(approve), Some(id)) = (&tools.approve, request.id.clone()) else { return (None, None) };
            // Calling the function is itself application code that may panic.
            let approve = AssertUnwindSafe(async { approve(request).await }).catch_unwind().await;
            let error = approve.is_err().then_some(ToolErrorKind::Panicked);
            let response = Item::mcp_approval_response(&id, approve.unwrap_or(false));
            (Some(ConversationItemCreate::new(response)), error)
        }
    }
}

/// Runs a function. Returns the text for the model, and the error, if one occurred.
pub(crate) async fn run_function(
    tools: &Tools,
    name: &str,
    arguments: &str,
    timer: &dyn Timer,
) -> (String, Option<ToolErrorKind>) {
    let answer = match tools.handlers.get(name).cloned() {
        Some(handler) => bounded(tools, handler, arguments, timer).await,
        None => Err(ToolErrorKind::Unknown),
    };
    match answer {
        Ok(output) => (output, None),
        Err(error) => (explain(tools, name, &error), Some(error)),
    }
}

/// The answer to a call that cannot be run.
pub(super) fn refusal(call: &Call, error: &ToolErrorKind) -> Option<ConversationItemCreate> {
    let id = call.id()?;
    Some(ConversationItemCreate::new(match call {
        Call::Function(_) => Item::function_call_output(id, format!("error: {error}")),
        Call::Approval(_) => Item::mcp_approval_response(id, false),
    }))
}

async fn bounded(tools: &Tools, handler: Handler, arguments: &str, timer: &dyn Timer) -> Result<String, ToolErrorKind> {
    let arguments = arguments.to_owned();
    let answer = AssertUnwindSafe(async move { handler(&arguments).await }).catch_unwind();
    let answer = answer.map(|answer| answer.unwrap_or(Err(ToolErrorKind::Panicked)));
    let answer: BoxFuture<'static, _> = match &tools.spawn {
        None => answer.boxed(),
        Some(spawn) => {
            let (sender, receiver) = oneshot::channel();
            spawn(answer.map(|answer| drop(sender.send(answer))).boxed());
            // The task that was to run the function was dropped.
            receiver.map(|answer| answer.unwrap_or(Err(ToolErrorKind::Panicked))).boxed()
        }
    };
    let Some(time) = tools.timeout else { return answer.await };
    match future::select(answer, timer.sleep_until(timer.now() + time)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(ToolErrorKind::TimedOut),
    }
}

/// The message for the model about a call that could not be answered.
fn explain(tools: &Tools, name: &str, error: &ToolErrorKind) -> String {
    match error {
        ToolErrorKind::Unknown => {
            let mut names: Vec<_> = tools.handlers.keys().map(String::as_str).collect();
            names.sort_unstable();
            format!("error: there is no function `{name}`; there are: {}", names.join(", "))
        }
        error => format!("error: {error}"),
    }
}
