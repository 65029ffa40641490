//! The commands, one module each.

pub(crate) mod call;
pub(crate) mod chat;
pub(crate) mod check;
pub(crate) mod help;
pub(crate) mod inspect;
pub(crate) mod live;
pub(crate) mod record;
pub(crate) mod relay;
pub(crate) mod replay;
pub(crate) mod say;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod talk;
pub(crate) mod timeline;
pub(crate) mod transcribe;
pub(crate) mod translate;

use anyhow::Context;
use realtime::types::{Response, ResponseStatus};

use crate::failure::Failure;

/// Checks that a response is complete.
///
/// # Errors
/// It is not: its status, and the server's reason.
pub(crate) fn whole(response: &Response) -> anyhow::Result<()> {
    let status = match &response.status {
        None | Some(ResponseStatus::Completed) => return Ok(()),
        Some(status) => status,
    };
    let details = response.status_details.as_ref();
    let said = details.and_then(|details| details.error.as_ref()).and_then(|error| error.message.clone());
    let reason = said.or_else(|| details?.reason.as_ref().map(ToString::to_string));
    Err(Failure::refused(match reason {
        Some(reason) => format!("the response is {status}: {reason}"),
        None => format!("the response is {status}"),
    })
    .into())
}

/// The next event, where the end of the connection is not expected.
pub(crate) fn more<E>(event: Option<Result<E, realtime::Error>>) -> anyhow::Result<E> {
    Ok(event.context(Failure::unreachable("the server has closed the connection"))??)
}
