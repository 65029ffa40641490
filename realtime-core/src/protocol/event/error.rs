use serde_json::value::RawValue;

use crate::{
    protocol::types::ErrorBody,
    wire::{Members, Notes},
};

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
    event
}
