use std::{error, fmt, io};

use crate::Refusal;

/// Why a stream became no connection.
///
/// Every error is this client's alone: log it, and accept the next one.
pub struct AcceptError(Kind);

enum Kind {
    Refused(Refusal),
    Io(io::Error),
    Silent,
    NotOffered(Box<str>),
    Upstream(Refusal, realtime_core::Error),
}

/// The kind of an [`AcceptError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptErrorKind {
    /// The request was refused by its form, and the client was told so: see [`AcceptError::refusal`].
    Refused,
    /// The stream failed, or ended within the request or the response.
    Io,
    /// The stream ended before a request, as the probes of load balancers do.
    Silent,
    /// The application chose a subprotocol that the client did not offer. Nothing was sent.
    NotOffered,
    /// A [relay](crate::relay)'s service could not be reached, and the client was told so. The source is the reason.
    Upstream,
}

impl AcceptError {
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self(Kind::Refused(refusal))
    }

    pub(crate) fn gone(error: Option<io::Error>) -> Self {
        Self(error.map_or(Kind::Silent, Kind::Io))
    }

    pub(crate) fn upstream(refusal: Refusal, error: realtime_core::Error) -> Self {
        Self(Kind::Upstream(refusal, error))
    }

    pub(crate) fn not_offered(name: &str) -> Self {
        Self(Kind::NotOffered(name.into()))
    }

    /// The kind.
    pub fn kind(&self) -> AcceptErrorKind {
        match self.0 {
            Kind::Refused(_) => AcceptErrorKind::Refused,
            Kind::Io(_) => AcceptErrorKind::Io,
            Kind::Silent => AcceptErrorKind::Silent,
            Kind::NotOffered(_) => AcceptErrorKind::NotOffered,
            Kind::Upstream(..) => AcceptErrorKind::Upstream,
        }
    }

    /// The response that the client was sent, if it was refused by the form of its request, or for want of a service.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Kind::Refused(refusal) | Kind::Upstream(refusal, _) => Some(refusal),
            _ => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        Self(Kind::Io(error))
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => write!(f, "the request was refused: {}", refusal.status()),
            Kind::Io(_) => f.write_str("the client's stream failed before the connection was open"),
            Kind::Silent => f.write_str("the client sent no request"),
            Kind::Upstream(..) => f.write_str("the service could not be reached"),
            // It is the application's own, not a credential that the client has offered.
            Kind::NotOffered(name) => write!(f, "the client did not offer the subprotocol {name:?}"),
        }
    }
}

impl fmt::Debug for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptError").field("kind", &self.kind()).field("refusal", &self.refusal()).finish()
    }
}

impl error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            Kind::Upstream(_, error) => Some(error),
            _ => None,
        }
    }
}
