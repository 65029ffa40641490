use std::fmt;

use super::check::CheckError;
use crate::dialect::DialectError;

/// Maximum size in bytes of the audio in one append, set by the service.
pub(crate) const MAX_APPEND: usize = 15 << 20;

/// Why an event was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// The outbox is full. Await `ready` and send again, or drop the event.
    Full,
    /// The connection is closing or has ended.
    Closed,
    /// The event is larger than [`Options::max_outbound`](crate::Options::max_outbound) allows.
    TooLarge {
        /// Size of the event's JSON in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// The append contains more audio than the service accepts: 15 MiB.
    TooMuchAudio {
        /// Size of the audio in bytes.
        bytes: usize,
    },
    /// The audio has an odd number of bytes, but two bytes per sample.
    HalfSample {
        /// Size of the audio in bytes.
        bytes: usize,
    },
    /// The state of the session does not allow it.
    Check(CheckError),
    /// The event is `Malformed` or `Invalid`. These can only be received.
    NoEvent,
    /// The event contains something that the server's [dialect](crate::dialect::Dialect) cannot express.
    Dialect(DialectError),
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the outbox is full: await `ready`, then send again"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::TooLarge { size, limit } => write!(f, "the event has {size} bytes, over the limit of {limit}"),
            Self::TooMuchAudio { bytes } => {
                write!(f, "{bytes} bytes of audio in one append exceed the service's limit of {MAX_APPEND}: split them")
            }
            Self::HalfSample { bytes } => {
                write!(f, "{bytes} bytes of 16-bit audio end within a sample: append an even number")
            }
            Self::Check(error) => error.fmt(f),
            Self::Dialect(error) => error.fmt(f),
            Self::NoEvent => f.write_str("a malformed or invalid event cannot be sent: use a custom one"),
        }
    }
}

impl From<CheckError> for SendErrorKind {
    fn from(error: CheckError) -> Self {
        Self::Check(error)
    }
}
