mod check;
mod send;

use std::{error, fmt, sync::Arc, time::Duration};

use crate::{
    auth::CredentialError,
    endpoint::EndpointError,
    protocol::{
        event::{ErrorEvent, Event, EventOf, said},
        state::SnapshotError,
    },
    transport::{CloseFrame, TransportError},
};

pub use crate::protocol::state::Awaited;
pub use check::CheckError;
pub(crate) use send::MAX_APPEND;
pub use send::SendErrorKind;

/// Failure of a connection or of a request.
///
/// Clones are the same error, so that everything that waits on a connection receives it. Its
/// [`source`](error::Error::source) is the cause. For a request left unanswered by the end of the connection, that is
/// the reason the connection ended.
///
/// # Examples
/// ```
/// # let clock = realtime_mock::VirtualClock::new();
/// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
/// # clock.block_on(async {
/// use realtime_core::{Error, ErrorKind};
///
/// # let error = client.realtime().connect().await.expect_err("no model is named");
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Endpoint(_) | ErrorKind::NoTarget => "correct the configuration",
///         ErrorKind::Refused(_) | ErrorKind::Request(_) => "read what the server says",
///         _ if error.is_retryable() => "try again",
///         _ => "report it",
///     }
/// }
/// assert_eq!(advice(&error), "correct the configuration");
/// # Ok::<_, realtime_core::Error>(())
/// # })?;
/// # Ok::<_, realtime_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    cause: Option<Error>,
    /// Error reported by the server where the kind has no place for it: in its response to the handshake, or right
    /// before it closed the connection.
    said: Option<Box<ErrorEvent>>,
}

/// The kind of an [`Error`].
///
/// | returned by | kinds |
/// |---|---|
/// | `Connect::open` | `Endpoint`, `NoTarget`, `Snapshot` |
/// | `Connect::connect`, `Connect::run` | also `Credentials`, `Transport`, `Refused`, `Timeout`, `Unanswered` (opening), `Closed`, `Invalid`, `TooLarge`, `Panicked` |
/// | the end of a connection: `next`, `drive`, the stream | `Transport`, `Refused`, `Timeout`, `Unanswered` (opening), `Closed`, `Credentials`, `Aborted`, `Invalid`, `TooLarge`, `Panicked` |
/// | `Ack`, `ResponseHandle` | `Request`, `Unanswered`, `Unsent`, `Ambiguous`, `Stale`, `UnexpectedAnswer`, `InboxFull`; their source is the end of the connection, if that is the reason |
/// | `ResponseHandle::next` and its streams | also `Lagged` |
/// | `flush`, `ready` | `InboxFull`, or the end of the connection |
/// | `finish` | `Unconfirmed`, `Timeout`, `InboxFull`, or the end of the connection |
/// | `player` | `NoPlayback` |
/// | `send` and resources | [`SendErrorKind`], which converts to `Send` |
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The endpoint configuration is invalid. Nothing was sent.
    Endpoint(EndpointError),
    /// No target, such as a model, was chosen. Nothing was sent.
    NoTarget,
    /// The snapshot to be resumed is none, or is corrupt. Nothing was sent.
    Snapshot(SnapshotError),
    /// The credential callback failed. Nothing was sent.
    Credentials(CredentialError),
    /// The transport could not connect, or failed later.
    Transport(TransportError),
    /// The server accepted the connection but refused the session: wrong key, unknown model.
    Refused(Box<Refused>),
    /// A deadline of the connection itself passed.
    Timeout(Deadline),
    /// The server did not respond in time: it did not open the session, answer an event, or continue a response. Only
    /// the first of these ends the connection.
    Unanswered(Box<Unanswered>),
    /// The server closed the connection, with or without a close frame. Code 1000 is an error only if a request was
    /// unanswered.
    Closed(Option<CloseFrame>),
    /// The event was not accepted for sending.
    Send(SendErrorKind),
    /// The server refused the event.
    Request(Box<ErrorEvent>),
    /// The link was lost after writing the event had begun and before it was answered, so the server may have processed
    /// it. It is not sent again, not even if the connection continues on another link.
    Ambiguous,
    /// The connection ended before the event was written.
    Unsent,
    /// The link ended before the server confirmed the end of the session.
    Unconfirmed,
    /// The link was lost for this reason, and the application decided not to reconnect.
    Aborted(Error),
    /// The event was not written before the session that it refers to was replaced.
    Stale,
    /// The inbox is full. Nothing is lost: read events, then wait again.
    InboxFull,
    /// Playback is not tracked, so there is no audio to play. See
    /// [`RealtimeSettings::playback`](crate::RealtimeSettings::playback).
    NoPlayback,
    /// Parts of the response were dropped, because they were not read and their buffer was full.
    Lagged,
    /// The request was granted by an event of this type, which is not the type that
    /// [`Connection::request`](crate::Connection::request) was called with.
    UnexpectedAnswer(Box<str>),
    /// The server sent an invalid message, and the options treat that as fatal.
    Invalid(Box<str>),
    /// The server sent a message that exceeds the size limit.
    TooLarge {
        /// Size in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// The transport panicked.
    Panicked,
}

/// Details of a refused session.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The last error event before the server closed the connection.
    pub error: Option<ErrorEvent>,
    /// The close frame. OpenAI closes with 3000 for credentials and 4000 for the request.
    pub close: Option<CloseFrame>,
}

impl Refused {
    /// Whether a retry may succeed. A known error type decides: faults of the request, the credential or the account
    /// persist, faults of the server are transient. Otherwise the close code decides.
    fn is_retryable(&self) -> bool {
        match self.error.as_ref().and_then(|error| error.error.kind.as_deref()) {
            Some(
                "invalid_request_error"
                | "authentication_error"
                | "permission_error"
                | "not_found_error"
                | "insufficient_quota"
                | "billing_error",
            ) => false,
            Some("server_error" | "overloaded_error" | "rate_limit_error" | "rate_limit_exceeded") => true,
            _ => self.close.as_ref().map_or(self.error.is_some(), |close| is_passing(close.code)),
        }
    }
}

/// Details of a missing answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unanswered {
    /// The expected answer.
    pub awaited: Awaited,
    /// Time waited in total. For a client event, time during which a response is active does not count.
    pub waited: Duration,
    /// The last error event that named no event: possibly the cause.
    pub error: Option<ErrorEvent>,
    /// Types of the events received instead of the one that opens a session: the first eight. Otherwise empty.
    pub came: Vec<Box<str>>,
    /// Whether keepalive events were received, and nothing else.
    pub only_keepalives: bool,
}

impl Unanswered {
    /// Creates a description without details.
    pub(crate) fn new(awaited: Awaited, waited: Duration) -> Self {
        Self { awaited, waited, error: None, came: Vec::new(), only_keepalives: false }
    }
}

/// A deadline of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// Connecting: the socket, TLS and the upgrade.
    Connect,
    /// Writing one message.
    Write,
    /// The reply to a ping.
    Keepalive,
    /// The graceful end of the session.
    Finish,
    /// The maximum duration of the session, which is about to be reached.
    Session,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner { kind, cause: None, said: None }))
    }

    /// A transport's failure to connect, with the error described by the server, if any. Secrets repeated by the server
    /// are replaced by `***`.
    pub(crate) fn connecting(error: TransportError, secrets: &[String]) -> Self {
        let said = error.body().and_then(|body| said(body, secrets)).map(Box::new);
        Self(Arc::new(Inner { kind: ErrorKind::Transport(error), cause: None, said }))
    }

    /// An error caused by another one.
    pub(crate) fn caused(kind: ErrorKind, cause: Option<&Self>) -> Self {
        Self(Arc::new(Inner { kind, cause: cause.cloned(), said: None }))
    }

    /// The connection was closed by the server, possibly after an error event.
    pub(crate) fn closed(frame: Option<CloseFrame>, said: Option<Box<ErrorEvent>>) -> Self {
        Self(Arc::new(Inner { kind: ErrorKind::Closed(frame), cause: None, said }))
    }

    /// Takes the expected event out of an answer.
    pub(crate) fn expect<S: Event, E: EventOf<S>>(answer: S) -> Result<E, Self> {
        E::take(answer).map_err(|other| ErrorKind::UnexpectedAnswer(other.kind().into()).into())
    }

    pub(crate) fn aborted(reason: &Self) -> Self {
        Self::new(ErrorKind::Aborted(reason.clone()))
    }

    pub(crate) fn refused(error: Option<ErrorEvent>, close: Option<CloseFrame>) -> Self {
        Self::new(ErrorKind::Refused(Box::new(Refused { error, close })))
    }

    /// The kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The error reported by the server, if any: in an event, in the JSON body of its response to the handshake, or in
    /// the cause of this error.
    pub fn server(&self) -> Option<&ErrorEvent> {
        let own = match self.kind() {
            ErrorKind::Refused(refused) => refused.error.as_ref(),
            ErrorKind::Request(error) => Some(&**error),
            ErrorKind::Unanswered(unanswered) => unanswered.error.as_ref(),
            ErrorKind::Aborted(reason) => reason.server(),
            _ => self.0.said.as_deref(),
        };
        own.or_else(|| self.0.cause.as_ref()?.server())
    }

    /// Delay that the server asks for before a retry. See [`TransportError::retry_after`].
    pub fn retry_after(&self, unix: Option<Duration>) -> Option<Duration> {
        match self.kind() {
            ErrorKind::Transport(error) => error.retry_after(unix),
            _ => None,
        }
    }

    /// The server's close frame, if the connection ended with one.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        match self.kind() {
            ErrorKind::Refused(refused) => refused.close.as_ref(),
            ErrorKind::Closed(frame) => frame.as_ref(),
            ErrorKind::Aborted(reason) => reason.close_frame(),
            _ => self.0.cause.as_ref()?.close_frame(),
        }
    }

    /// Whether connecting again may succeed: after a broken or half-open link, after the server did not open the
    /// session in time, and after the close codes 1001, 1005, 1006 and 1011 to 1014, whether or not the session was
    /// open. Also after 1000, which is an error only if a request was unanswered. Never after a refusal caused by the
    /// request, the credential or the account.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Transport(error) => error.is_retryable(),
            ErrorKind::Timeout(_) | ErrorKind::Closed(None) => true,
            ErrorKind::Unanswered(unanswered) => unanswered.awaited == Awaited::Opening,
            ErrorKind::Closed(Some(frame)) => frame.code == 1000 || is_passing(frame.code),
            ErrorKind::Refused(refused) => refused.is_retryable(),
            _ => false,
        }
    }
}

/// Whether a close code indicates a transient condition: the server is going away, restarting, overloaded, has failed,
/// or is behind a gateway that has. 1005 and 1006 stand for a missing close frame.
pub(crate) fn is_passing(code: u16) -> bool {
    matches!(code, 1001 | 1005 | 1006 | 1011..=1014)
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        Self::new(ErrorKind::Snapshot(error))
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::new(ErrorKind::Transport(error))
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::new(ErrorKind::Credentials(error))
    }
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        Self::new(ErrorKind::Endpoint(error))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.kind(), f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Endpoint(_) => f.write_str("invalid endpoint configuration"),
            ErrorKind::NoTarget => f.write_str(
                "nothing to connect to: choose a `model` (a conversation may also join a `call`, or only do \
                 `transcription`; a server that takes no model is connected to `without_model`)",
            ),
            ErrorKind::Snapshot(_) => f.write_str("the conversation cannot be resumed"),
            ErrorKind::Credentials(_) => f.write_str("could not obtain credentials"),
            ErrorKind::Transport(_) => match self.server() {
                Some(error) => write!(f, "the server refused the connection: {}", error.error),
                None => f.write_str("the transport failed"),
            },
            ErrorKind::Refused(refused) => {
                f.write_str("the server refused the session")?;
                if let Some(error) = &refused.error {
                    write!(f, ": {}", error.error)?;
                }
                match &refused.close {
                    Some(close) => write!(f, ": closed with {close}"),
                    None => Ok(()),
                }
            }
            ErrorKind::Timeout(deadline) => f.write_str(match deadline {
                Deadline::Connect => "connecting took too long",
                Deadline::Write => "writing a message took too long",
                Deadline::Keepalive => "the server no longer answers: a keepalive ping went unanswered",
                Deadline::Finish => "the server did not end the session in time",
                Deadline::Session => "the session is about to reach its maximum duration",
            }),
            ErrorKind::Unanswered(unanswered) => unanswered.fmt(f),
            ErrorKind::Closed(frame) => {
                match frame {
                    Some(frame) => write!(f, "the server closed the connection with {frame}")?,
                    None => f.write_str("the connection ended without a close frame")?,
                }
                match &self.0.said {
                    Some(said) => write!(f, ", after reporting: {}", said.error),
                    None => Ok(()),
                }
            }
            ErrorKind::Send(kind) => kind.fmt(f),
            ErrorKind::Request(error) => write!(f, "the server refused the event: {}", error.error),
            ErrorKind::Unconfirmed => f.write_str(
                "the server did not confirm the end of the session: whether it was finished, and its last usage, is \
                 not known",
            ),
            ErrorKind::Ambiguous => f.write_str(
                "the link was lost before the server answered the event, which it may have processed: it is not sent again",
            ),
            ErrorKind::Unsent => f.write_str("the connection ended before the event was sent"),
            ErrorKind::Aborted(_) => f.write_str("the connection was lost, and the application decided not to reconnect"),
            ErrorKind::Stale => f.write_str("the event refers to a session that was replaced, and was not sent"),
            ErrorKind::InboxFull => f.write_str(
                "too many events wait to be read: read them and wait again, or, if nobody reads them, set \
                 `Options::unread` to `Unread::Discard`",
            ),
            ErrorKind::NoPlayback => f.write_str("playback is not tracked: set `Connect::playback`"),
            ErrorKind::Lagged => f.write_str("parts of the response were dropped because they were not read in time"),
            ErrorKind::UnexpectedAnswer(kind) => {
                write!(f, "the request was granted by `{kind}`: await that event instead")
            }
            ErrorKind::Invalid(reason) => write!(f, "the server sent an invalid message: {reason}"),
            ErrorKind::TooLarge { size, limit } => {
                write!(f, "the server sent a message of {size} bytes, over the limit of {limit}")
            }
            ErrorKind::Panicked => f.write_str("the transport panicked"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Endpoint(error) => Some(error),
            ErrorKind::Credentials(error) => Some(error),
            ErrorKind::Transport(error) => Some(error),
            ErrorKind::Aborted(reason) => Some(reason),
            _ => self.0.cause.as_ref().map(|cause| cause as _),
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.waited.as_secs_f64();
        match &self.awaited {
            Awaited::Opening => write!(f, "timed out: the server did not open the session within {seconds} s")?,
            Awaited::Event { kind, .. } => write!(f, "timed out: `{kind}` was not acknowledged within {seconds} s")?,
            Awaited::Response(id) => write!(f, "timed out: response {id} did not continue within {seconds} s")?,
        }
        if !self.came.is_empty() {
            write!(f, ", but sent `{}`", self.came.join("`, `"))?;
        }
        if self.only_keepalives {
            f.write_str(", only keepalives (ping) came")?;
        }
        match &self.error {
            Some(error) => write!(f, "; the server reported: {}", error.error),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::{
        auth::Credential,
        endpoint::{Endpoint, Extras, Target},
    };

    fn refused(body: &str, secrets: &[String]) -> Error {
        let error = TransportError::rejected(StatusCode::UNAUTHORIZED, HeaderMap::new(), body.to_owned().into());
        Error::connecting(error, secrets)
    }

    #[test]
    fn a_refusal_of_the_handshake_tells_the_servers_own_words() {
        for (body, words) in [
            (r#"{"error":{"message":"No such model","code":"model_not_found"}}"#, "No such model (model_not_found)"),
            (r#"{"error":{"code":"401","message":"Access denied"}}"#, "Access denied (401)"),
            (r#"{"statusCode":401,"message":"Access denied"}"#, "Access denied"),
            (r#"{"error":"Model not found"}"#, "Model not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"detail":[{"msg":"field required"}]}"#, r#"[{"msg":"field required"}]"#),
        ] {
            let error = refused(body, &[]);
            assert_eq!(error.server().map(|error| error.error.to_string()).as_deref(), Some(words), "{body}");
            assert_eq!(error.to_string(), format!("the server refused the connection: {words}"));
        }
        for body in ["", "<html>no</html>", r#"{"error":null}"#, r#"{"error":{"message":"cut o"#, "[1]", "7"] {
            assert!(refused(body, &[]).server().is_none(), "{body}");
        }
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_not_told() {
        let key = "sk-very-secret-1";
        let body = format!(r#"{{"error":{{"message":"Incorrect key: {key}","code":"{key}","param":"{key}"}}}}"#);
        let target = Target::Model("m".into());
        for endpoint in [Endpoint::openai(), Endpoint::openai().browser(true)] {
            let handshake = endpoint.handshake(&target, &Credential::api_key(key), &Extras::new()).unwrap();
            let error = refused(&body, &handshake.secrets());
            let printed = format!("{error} {error:?} {:?}", error.server());
            assert!(printed.contains("Incorrect key: ***") && !printed.contains(key), "{printed}");
        }
    }
}
