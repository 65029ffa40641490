use serde_json::{Value, value::RawValue};

use crate::{
    answer::{Words, words},
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
pub(crate) fn untyped_error(text: &str, reading: &mut Reading) -> Option<ErrorEvent> {
    let read = reading.leniently(text, |value, notes| {
        Members::find(value, &["error"], None, None).filter(Members::has_any)?;
        ErrorEvent::read(value, notes)
    });
    read.ok()
}

/// Parses the error described in the body of a refusal.
pub(crate) fn said(body: &[u8], secrets: &[String]) -> Option<ErrorEvent> {
    let hide = |text: String| secrets.iter().fold(text, |text, secret| text.replace(&**secret, "***"));
    let words = Words::found(body);
    // Proxies and gateways often use a member of their own.
    let detail = || {
        let body = serde_json::from_slice::<Value>(body).ok()?;
        let detail = ["message", "detail", "title"].iter().find_map(|name| body.get(name)?.as_str().map(str::to_owned));
        detail.or_else(|| body.get("detail").filter(|detail| !detail.is_null()).map(Value::to_string))
    };
    let message = words.message.or_else(detail);
    if message.is_none() && words.code.is_none() && words.kind.is_none() {
        return None;
    }
    let mut error = ErrorBody::new(message.map(hide).unwrap_or_default());
    error.kind = words.kind.map(hide);
    error.code = words.code.map(hide);
    error.param = words.param.map(hide);
    Some(ErrorEvent::new(error))
}
