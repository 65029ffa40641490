//! Describes how a response ended.

use std::error::Error;

use realtime::types::{Response, ResponseStatus};

/// Checks that a response completed.
///
/// # Errors
/// It did not: its status and the reported error.
pub(crate) fn whole(response: &Response) -> Result<(), Box<dyn Error>> {
    match &response.status {
        None | Some(ResponseStatus::Completed) => Ok(()),
        Some(status) => Err(format!("the response is {status}{}", details(response)).into()),
    }
}

/// Why a response ended: the reported error and its code, or the reason.
pub(crate) fn details(response: &Response) -> String {
    let details = response.status_details.as_ref();
    let error = details.and_then(|details| details.error.as_ref());
    let reason = details.and_then(|details| details.reason.as_ref()).map(|reason| reason.to_string());
    let words = error.and_then(|error| error.message.clone()).or(reason);
    let code = error.and_then(|error| error.code.as_deref()).map(|code| format!(" ({code})"));
    words.map(|words| format!(": {words}{}", code.unwrap_or_default())).unwrap_or_default()
}
