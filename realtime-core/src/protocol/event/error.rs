use serde_json::value::RawValue;

use crate::{
    answer::words,
    protocol::{event::Reading, types::ErrorBody},
    wire::{Lenient, Members, Notes},
};

/// The longest message that is searched for words in other places than they should stand in.
const MOST_SEARCHED: usize = 64 << 10;

server_events! {
    /// An error caused by a client event or by the server. It does not end the session by itself.
    pub struct ErrorEvent mended by from_around {
        /// The error.
        soft error: ErrorBody,
    }
}

/// Some servers put these members next to the error object, or send no such object.
fn from_around(mut event: ErrorEvent, value: &RawValue, notes: &mut Notes) -> ErrorEvent {
    const NAMES: &[&str] = &["message", "code", "param"];

    let Some(around) = Members::find(value, NAMES, None, None) else { return event };
    let mut text = |name| around.optional::<String>(name, &[], notes).flatten();
    let error = &mut event.error;
    if error.message.is_empty() {
        error.message = text("message").unwrap_or_default();
    }
    error.code = error.code.take().or_else(|| text("code"));
    error.param = error.param.take().or_else(|| text("param"));
    if error.message.is_empty()
        && value.get().len() <= MOST_SEARCHED
        && let Ok(value) = serde_json::from_str(value.get())
    {
        error.message = words(&value).unwrap_or_default();
    }
    event
}

/// An error that does not say what it is: a message with an `error` and without a `type`, as gateways send it.
pub(crate) fn untyped_error(text: &[u8], reading: &mut Reading) -> Option<ErrorEvent> {
    let read = reading.leniently(text, |value, notes| {
        Members::find(value, &["error"], None, None).filter(Members::has_any)?;
        ErrorEvent::read(value, notes)
    });
    read.ok()
}
