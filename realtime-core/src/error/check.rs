use std::fmt;

/// Why a resource refused an event of the Realtime protocol: the service would have refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckError {
    /// A response is in progress or requested, and
    /// [`RealtimeSettings::overlap`](crate::RealtimeSettings::overlap) does not allow another request to wait.
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
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseActive => f.write_str(
                "a response is in progress or requested, and `Connect::overlap` does not allow another to wait: await it, \
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
        }
    }
}
