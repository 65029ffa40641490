use std::fmt;

use crate::Carrier;

/// A malformed message. The stream continues: log the error and receive the next message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// The carrier whose format was expected.
    pub carrier: Carrier,
    /// The reason, without any of the message's content.
    pub reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message of {:?} cannot be read: {}", self.carrier, self.reason)
    }
}

impl std::error::Error for Malformed {}

/// An unsupported audio format. Choose another one where the stream is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsupportedFormat {
    /// Name of the format, as given by the carrier. Empty if it gave none.
    pub name: String,
}

impl UnsupportedFormat {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into() }
    }
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the audio format {:?} is not supported: set the stream up with PCMU, PCMA or L16", self.name)
    }
}

impl std::error::Error for UnsupportedFormat {}

/// Why a message could not be created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The carrier has not sent its start message, which names the stream and its format. Wait for it.
    NotStarted,
    /// The stream has ended.
    Ended,
    /// The format of the stream is not supported.
    Format(UnsupportedFormat),
    /// There are no digits, or invalid ones. Valid are `0` to `9`, `*`, `#` and `A` to `D`.
    Digits,
    /// The queue of audio to be played is full: 128 MiB.
    Full,
    /// The session's audio format cannot be converted: use PCM, PCMU or PCMA.
    SessionFormat,
    /// The carrier's media stream cannot send keys: use the carrier's REST API.
    NoDtmf(Carrier),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("the stream has not started: wait for the carrier's start message"),
            Self::Ended => f.write_str("the stream has ended"),
            Self::Format(format) => format.fmt(f),
            Self::Digits => f.write_str("keys are 0 to 9, *, # and A to D, at least one of them"),
            Self::Full => f.write_str("more than 128 MiB of audio wait to be played"),
            Self::SessionFormat => f.write_str("the session's audio format cannot be converted: use PCM, PCMU or PCMA"),
            Self::NoDtmf(carrier) => write!(f, "a media stream of {carrier:?} cannot send keys: use its REST API"),
        }
    }
}

impl std::error::Error for Refused {}
