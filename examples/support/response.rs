//! How a response ended, in words.

use std::error::Error;

use realtime::types::{Response, ResponseStatus};

/// Whether a response is whole.
///
/// # Errors
/// It is not: how it ended, and what the server says of it.
pub(crate) fn whole(response: &Response) -> Result<(), Box<dyn Error>> {
    match &response.status {
        None | Some(ResponseStatus::Completed) => Ok(()),
        Some(status) => Err(format!("the response is {status}{}", details(response)).into()),
    }
}

/// Why a response ended as it did: the words and the code of the server's error, or the reason.
pub(crate) fn details(response: &Response) -> String {
    let details = response.status_details.as_ref();
    let error = details.and_then(|details| details.error.as_ref());
    let reason = details.and_then(|details| details.reason.as_ref()).map(|reason| reason.to_string());
    let words = error.and_then(|error| error.message.clone()).or(reason);
    let code = error.and_then(|error| error.code.as_deref()).map(|code| format!(" ({code})"));
    words.map(|words| format!(": {words}{}", code.unwrap_or_default())).unwrap_or_default()
}
