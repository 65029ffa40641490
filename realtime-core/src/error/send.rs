use std::fmt;

use crate::dialect::DialectError;

/// The most audio that one append may hold: what the service takes.
pub(crate) const MAX_APPEND: usize = 15 << 20;

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// Too much waits to be written. Await `ready`, or drop the event.
    Full,
    /// The connection is closing or has ended.
    Closed,
    /// The event is larger than [`Options::max_outbound`](crate::Options::max_outbound) allows.
    TooLarge {
        /// Its bytes, as JSON.
        size: usize,
        /// The most bytes allowed.
        limit: usize,
    },
    /// More audio than the service takes in one append: 15 MiB.
    TooMuchAudio {
        /// Its bytes.
        bytes: usize,
    },
    /// An odd number of bytes where every sample has two.
    HalfSample {
        /// Its bytes.
        bytes: usize,
    },
    /// A response of the conversation is in progress, or a request for one waits, and
    /// [`Options::overlap`](crate::Options::overlap) lets no more wait.
    ResponseActive,
    /// A commit of less audio than the service takes: 100 ms. Only where no turn detection commits by itself.
    CommitTooShort {
        /// How much there is, in milliseconds.
        ms: u64,
    },
    /// An item that is not known.
    UnknownItem,
    /// More audio of an item than was received.
    BeyondReceived {
        /// How much was received, in milliseconds.
        received_ms: u64,
    },
    /// Another voice, after the model has spoken with the present one.
    VoiceInUse,
    /// A `Malformed` or `Invalid` event: those are only ever received.
    NoEvent,
    /// Something that the server's [dialect](crate::dialect::Dialect) cannot say.
    Dialect(DialectError),
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("too much waits to be written: await `ready`, then send again"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::TooLarge { size, limit } => write!(f, "the event has {size} bytes, over the limit of {limit}"),
            Self::TooMuchAudio { bytes } => {
                write!(f, "{bytes} bytes of audio in one append, and the service takes {MAX_APPEND}: split them")
            }
            Self::HalfSample { bytes } => {
                write!(f, "{bytes} bytes of 16-bit audio end in half a sample: append an even number")
            }
            Self::ResponseActive => f.write_str(
                "a response is in progress, or a request for one waits, and `Options::overlap` lets no more wait: await \
                 it, cancel it, or set `Overlap::Queue`",
            ),
            Self::CommitTooShort { ms } => {
                write!(f, "a commit of {ms} ms of audio, and the service takes no less than 100: append more")
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
