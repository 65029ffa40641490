use std::fmt;

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
    /// A response is in progress or requested, and [`Options::overlap`](crate::Options::overlap) does not allow another
    /// request to wait.
    ResponseActive,
    /// The commit contains less audio than the service accepts, 100 ms. Not reported if turn detection commits.
    CommitTooShort {
        /// Duration of the audio in milliseconds.
        ms: u64,
    },
    /// No such item is known.
    UnknownItem,
    /// The position is beyond the audio received for the item.
    BeyondReceived {
        /// Duration of the received audio in milliseconds.
        received_ms: u64,
    },
    /// The voice cannot be changed after the model has spoken.
    VoiceInUse,
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
            Self::ResponseActive => f.write_str(
                "a response is in progress or requested, and `Options::overlap` does not allow another to wait: await it, \
                 cancel it, or set `Overlap::Queue`",
            ),
            Self::CommitTooShort { ms } => {
                write!(f, "a commit of {ms} ms of audio is below the service's minimum of 100 ms: append more")
            }
            Self::UnknownItem => f.write_str("there is no such item"),
            Self::BeyondReceived { received_ms } => {
                write!(f, "the item has {received_ms} ms of audio: truncate it there or before")
            }
            Self::VoiceInUse => {
                f.write_str("the model has spoken, so its voice cannot change: open another session for another voice")
            }
            Self::Dialect(error) => error.fmt(f),
            Self::NoEvent => f.write_str("a malformed or invalid event cannot be sent: use a custom one"),
        }
    }
}
