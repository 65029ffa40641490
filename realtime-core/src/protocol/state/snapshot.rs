use std::{error, fmt};

/// Why a snapshot cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The JSON is not a snapshot.
    Foreign,
    /// It is a snapshot of another protocol.
    Protocol(Box<str>),
    /// It is not JSON, or a member does not fit. The text names the member and the reason.
    Corrupt(Box<str>),
}

impl SnapshotError {
    /// Distinguishes a snapshot from other JSON.
    pub(crate) const FORMAT: &str = "realtime-snapshot";
    /// The protocol whose conversations can be resumed.
    pub(crate) const PROTOCOL: &str = "realtime";
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => write!(f, "not a snapshot: its `format` is not `{}`", Self::FORMAT),
            Self::Protocol(protocol) => {
                write!(f, "a snapshot of the protocol `{protocol}`: only those of `{}` can be resumed", Self::PROTOCOL)
            }
            Self::Corrupt(reason) => write!(f, "the snapshot is corrupt: {reason}"),
        }
    }
}

impl error::Error for SnapshotError {}
