use std::{error, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use crate::answer::{self, BodyKind, Words};

/// A response with an error status, or one that cannot be read.
#[derive(Debug)]
pub struct RestError(Box<Inner>);

struct Inner {
    kind: RestErrorKind,
    status: StatusCode,
    headers: HeaderMap,
    words: Words,
    /// Why the response cannot be read.
    reason: Option<String>,
}

/// The kind of the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestErrorKind {
    /// The server responded with a status outside 2xx.
    Refused,
    /// The status is 2xx, but the body is not the expected one: for example, a network's sign-in page.
    Unreadable,
}

impl RestError {
    /// An error for a response whose status is outside 2xx.
    pub fn refused(answer: &Response<Bytes>) -> Self {
        Self::new(RestErrorKind::Refused, answer, Words::read(answer.body()), None)
    }

    /// An error for a response that cannot be read, for this reason.
    pub fn unreadable(answer: &Response<Bytes>, reason: impl Into<String>) -> Self {
        let words = Words { body: Words::read(answer.body()).body, ..Words::read(b"") };
        Self::new(RestErrorKind::Unreadable, answer, words, Some(reason.into()))
    }

    fn new(kind: RestErrorKind, answer: &Response<Bytes>, words: Words, reason: Option<String>) -> Self {
        let (status, headers) = (answer.status(), answer.headers().clone());
        Self(Box::new(Inner { kind, status, headers, words, reason }))
    }

    /// Replaces these secrets by `***`, where the server repeats them.
    pub(super) fn hide(mut self, secrets: &[&str]) -> Self {
        let Inner { words, reason, .. } = &mut *self.0;
        let texts = [&mut words.message, &mut words.kind, &mut words.code, &mut words.param, reason];
        for text in texts.into_iter().flatten() {
            for secret in secrets {
                if text.contains(secret) {
                    *text = text.replace(secret, "***");
                }
            }
        }
        self
    }

    /// The category of the error.
    pub fn kind(&self) -> RestErrorKind {
        self.0.kind
    }

    /// The response's status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The server's error message.
    pub fn message(&self) -> Option<&str> {
        self.0.words.message.as_deref()
    }

    /// Type of the error: `invalid_request_error`, `rate_limit_error`, ..
    pub fn error_type(&self) -> Option<&str> {
        self.0.words.kind.as_deref()
    }

    /// The error's code, such as `invalid_api_key`.
    pub fn code(&self) -> Option<&str> {
        self.0.words.code.as_deref()
    }

    /// The request parameter that caused the error.
    pub fn param(&self) -> Option<&str> {
        self.0.words.param.as_deref()
    }

    /// The request's id for support inquiries, from `x-request-id`.
    pub fn request_id(&self) -> Option<&str> {
        self.0.headers.get("x-request-id")?.to_str().ok()
    }

    /// Kind of the body.
    pub fn body_kind(&self) -> BodyKind {
        self.0.words.body
    }

    /// The delay the server requests before a retry: `retry-after-ms`, else `Retry-After`, in seconds or as a
    /// date. Reading a date requires `unix`, the time since the Unix epoch.
    pub fn retry_after(&self, unix: Option<Duration>) -> Option<Duration> {
        answer::retry_after(&self.0.headers, unix)
    }

    /// Whether a retry may succeed: for the statuses 408, 425, 429 and 5xx, unless the server's `x-should-retry` header
    /// says otherwise.
    pub fn is_retryable(&self) -> bool {
        self.0.kind == RestErrorKind::Refused && answer::is_retryable(self.0.status, &self.0.headers)
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0.status;
        match self.0.kind {
            RestErrorKind::Refused => write!(f, "the server refused the request: {status}")?,
            RestErrorKind::Unreadable => write!(f, "the server's answer ({status}) cannot be read")?,
        }
        if let Some(words) = self.message().or(self.0.reason.as_deref()) {
            write!(f, ": {words}")?;
        }
        match self.code() {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

/// Without the headers: they may hold anything.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("words", &self.words)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl error::Error for RestError {}
