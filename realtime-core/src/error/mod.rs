mod send;

use std::{error, fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    answer::Words,
    auth::CredentialError,
    endpoint::EndpointError,
    event::ErrorEvent,
    transport::{CloseFrame, TransportError},
    types::ErrorBody,
    wire::Id,
};

pub(crate) use send::MAX_APPEND;
pub use send::SendErrorKind;

/// Why a connection could not be opened, or ended, or a request failed.
///
/// A clone is the same error: everything that waits on a connection is told. Its [`source`](error::Error::source) is what
/// caused it: for a request that the end of the connection left unanswered, the reason for which that ended.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    cause: Option<Error>,
    /// What the server said where the kind has no place for it: in its answer to the handshake, or right before it closed.
    said: Option<Box<ErrorEvent>>,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings make no handshake. Nothing was sent.
    Endpoint(EndpointError),
    /// The settings name no target, such as a model. Nothing was sent.
    NoTarget,
    /// The credentials could not be had. Nothing was sent.
    Credentials(CredentialError),
    /// The transport could not connect, or broke.
    Transport(TransportError),
    /// The server took the connection and refused the session: a wrong key, an unknown model.
    Refused(Box<Refused>),
    /// The connection itself was too slow: this deadline has passed.
    Timeout(Deadline),
    /// The server said nothing of what was waited for: it did not open the session, answer an event or go on with a
    /// response in time. Only the first ends the connection.
    Unanswered(Box<Unanswered>),
    /// The server closed the connection, with this frame, or without one. Code 1000 is here only if something was
    /// still unanswered.
    Closed(Option<CloseFrame>),
    /// An event was not taken for sending.
    Send(SendErrorKind),
    /// The server refused an event of ours.
    Request(Box<ErrorEvent>),
    /// The link ended while an event that it had begun to send was unanswered: the server may have taken it or not. It
    /// is not sent again, also where the connection goes on over another link.
    Ambiguous,
    /// The connection ended before the event was sent.
    Unsent,
    /// The link ended before the server confirmed the end of the session.
    Unconfirmed,
    /// The link was gone for this reason, and the application decided not to reconnect.
    Aborted(Error),
    /// The event was not sent before another session took the place of the one that it is about.
    Stale,
    /// Events wait to be read and there is no room for more. Nothing is lost: read them, then wait again.
    InboxFull,
    /// The options do not turn the playback on, so there is nothing to play from.
    NoPlayback,
    /// Parts of an answer were left out, for nobody took them and there was no room for more.
    Lagged,
    /// A message that is no event, where the options ask to end on one.
    Invalid(Box<str>),
    /// The server sent a message over the limit.
    TooLarge {
        /// Its bytes.
        size: usize,
        /// The most bytes that the options allow.
        limit: usize,
    },
    /// The transport panicked.
    Panicked,
}

/// How a server refused a session.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// What it said last before it closed.
    pub error: Option<ErrorEvent>,
    /// The close frame. The service closes with 3000 for credentials and 4000 for the request.
    pub close: Option<CloseFrame>,
}

impl Refused {
    /// Whether another attempt may fare better. The type of the error decides where it is known: a fault of the
    /// request, of the credential or of the account stays one, and a fault of the server passes. Else the close code
    /// does.
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

/// What a server did not do in time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unanswered {
    /// What was waited for.
    pub awaited: Awaited,
    /// How long, in all. Time in which a response was active does not count for an event of ours.
    pub waited: Duration,
    /// What the server complained of meanwhile without saying which event it meant: perhaps why.
    pub error: Option<ErrorEvent>,
    /// The types of the events that came in place of the one that opens a session: the first eight. Empty for what
    /// else is waited for.
    pub came: Vec<Box<str>>,
    /// Whether keepalives came, and nothing else: the server lives, and is silent.
    pub only_keepalives: bool,
}

impl Unanswered {
    /// Nothing came that would say why.
    pub(crate) fn new(awaited: Awaited, waited: Duration) -> Self {
        Self { awaited, waited, error: None, came: Vec::new(), only_keepalives: false }
    }
}

/// Something that a server is expected to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaited {
    /// To open the session.
    Opening,
    /// To answer an event of ours: to acknowledge it, to begin the response that it asks for, or to refuse it.
    Event {
        /// Its type, such as `response.create`.
        kind: Box<str>,
        /// Its id.
        event_id: Option<Id>,
    },
    /// To go on with this response, or to end it.
    Response(Id),
}

/// A deadline of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// Dialling, TLS and the upgrade.
    Connect,
    /// Writing one message.
    Write,
    /// The answer to a ping.
    Keepalive,
    /// The protocol's own ending.
    Finish,
    /// The session itself: the server is about to end it.
    Session,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner { kind, cause: None, said: None }))
    }

    /// Why a transport could not connect, with the server's own words if there are any. Where they repeat a secret,
    /// `***` stands in its place.
    pub(crate) fn connecting(error: TransportError, secrets: &[String]) -> Self {
        let said = error.body().and_then(|body| said(body, secrets)).map(Box::new);
        Self(Arc::new(Inner { kind: ErrorKind::Transport(error), cause: None, said }))
    }

    /// An error that another has led to.
    pub(crate) fn caused(kind: ErrorKind, cause: Option<&Self>) -> Self {
        Self(Arc::new(Inner { kind, cause: cause.cloned(), said: None }))
    }

    /// The server's close, and what it complained of right before.
    pub(crate) fn closed(frame: Option<CloseFrame>, said: Option<Box<ErrorEvent>>) -> Self {
        Self(Arc::new(Inner { kind: ErrorKind::Closed(frame), cause: None, said }))
    }

    pub(crate) fn aborted(reason: &Self) -> Self {
        Self::new(ErrorKind::Aborted(reason.clone()))
    }

    pub(crate) fn refused(error: Option<ErrorEvent>, close: Option<CloseFrame>) -> Self {
        Self::new(ErrorKind::Refused(Box::new(Refused { error, close })))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What the server said, if it said something: in an event, in the JSON body of its answer to the handshake, or in
    /// what caused this error.
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

    /// How long the server asks to wait before another attempt: see [`TransportError::retry_after`].
    pub fn retry_after(&self, unix: Option<Duration>) -> Option<Duration> {
        match self.kind() {
            ErrorKind::Transport(error) => error.retry_after(unix),
            _ => None,
        }
    }

    /// The server's close frame, if it sent one and the connection ended by it.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        match self.kind() {
            ErrorKind::Refused(refused) => refused.close.as_ref(),
            ErrorKind::Closed(frame) => frame.as_ref(),
            ErrorKind::Aborted(reason) => reason.close_frame(),
            _ => self.0.cause.as_ref()?.close_frame(),
        }
    }

    /// Whether another connection may fare better: after a broken or silent link, where a session did not open in
    /// time, and after the close codes 1001, 1005, 1006 and 1011 to 1014, whether or not the session was open. After
    /// 1000 too, for that is an error only where something was unanswered. Never after a refusal for which the request,
    /// the credential or the account is to blame.
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

/// Whether a close code tells of something that passes: the server goes away, restarts, is overloaded, has failed, or
/// is behind a gateway that has. 1005 and 1006 stand for no close frame at all.
pub(crate) fn is_passing(code: u16) -> bool {
    matches!(code, 1001 | 1005 | 1006 | 1011..=1014)
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
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
            ErrorKind::Endpoint(_) => f.write_str("the settings make no handshake"),
            ErrorKind::NoTarget => f.write_str(
                "nothing to connect to: choose a `model` (a conversation may also join a `call`, or only do \
                 `transcription`; a server that takes no model is connected to `without_model`)",
            ),
            ErrorKind::Credentials(_) => f.write_str("the credentials could not be had"),
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
                Deadline::Session => "the session is about to reach its greatest age",
            }),
            ErrorKind::Unanswered(unanswered) => unanswered.fmt(f),
            ErrorKind::Closed(frame) => {
                match frame {
                    Some(frame) => write!(f, "the server closed the connection with {frame}")?,
                    None => f.write_str("the connection ended without a close frame")?,
                }
                match &self.0.said {
                    Some(said) => write!(f, ", after it had said: {}", said.error),
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
                "the link ended before the server answered the event, which it may have taken: it is not sent again",
            ),
            ErrorKind::Unsent => f.write_str("the connection ended before the event was sent"),
            ErrorKind::Aborted(_) => f.write_str("the connection broke, and was not to be made anew"),
            ErrorKind::Stale => f.write_str("the event is about a session that is gone, and was not sent"),
            ErrorKind::InboxFull => f.write_str(
                "too many events wait to be read: read them and wait again, or, if nobody reads them, set \
                 `Options::unread` to `Unread::Discard`",
            ),
            ErrorKind::NoPlayback => f.write_str("the playback is not followed: set `Options::playback`"),
            ErrorKind::Lagged => f.write_str("parts of the answer were left out, for nobody took them"),
            ErrorKind::Invalid(reason) => write!(f, "the server sent what is no event: {reason}"),
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
            Awaited::Response(id) => write!(f, "timed out: nothing more came of response {id} within {seconds} s")?,
        }
        if !self.came.is_empty() {
            write!(f, ", but sent `{}`", self.came.join("`, `"))?;
        }
        if self.only_keepalives {
            f.write_str(", only keepalives (ping) came")?;
        }
        match &self.error {
            Some(error) => write!(f, "; the server has said: {}", error.error),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening => f.write_str("the opening of the session"),
            Self::Event { kind, .. } => f.write_str(kind),
            Self::Response(id) => write!(f, "response {id}"),
        }
    }
}

/// The server's words in the body of a refusal.
pub(crate) fn said(body: &[u8], secrets: &[String]) -> Option<ErrorEvent> {
    let hide = |text: String| secrets.iter().fold(text, |text, secret| text.replace(&**secret, "***"));
    let words = Words::read(body);
    // What is in front of a service often has one word of its own.
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
