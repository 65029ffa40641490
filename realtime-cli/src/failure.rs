//! Exit codes.

use std::{error, fmt};

use realtime::{ErrorKind, rest::RequestError};

/// The exit codes, as the help prints them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    failure
  2    wrong usage
  3    refused by the server: key, model, quota or request
  4    no server, or the connection was lost
  5    measured or checked, and not as required
  130  interrupted";

/// A failure of the command itself, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into() }
    }

    pub(crate) fn unmet(message: impl Into<String>) -> Self {
        Self { code: 5, message: message.into() }
    }

    pub(crate) fn interrupted() -> Self {
        Self { code: 130, message: "interrupted".into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Failure {}

/// The exit code of an error.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.code;
    }
    if let Some(error) = error.downcast_ref::<realtime::Error>() {
        return match error.kind() {
            ErrorKind::Endpoint(_) | ErrorKind::NoTarget => 2,
            ErrorKind::Refused(_) | ErrorKind::Request(_) => 3,
            ErrorKind::Transport(_) if error.server().is_some() => 3,
            ErrorKind::Transport(_) | ErrorKind::Timeout(_) | ErrorKind::Closed(_) | ErrorKind::Unanswered(_) => 4,
            _ => 1,
        };
    }
    match error.downcast_ref::<RequestError>() {
        Some(RequestError::Answer(_)) => 3,
        Some(RequestError::Http(_) | RequestError::TimedOut(_)) => 4,
        Some(RequestError::Invalid(_)) => 2,
        _ => 1,
    }
}
