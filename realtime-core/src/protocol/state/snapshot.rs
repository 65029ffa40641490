use std::{error, fmt};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::wire::Json;

/// Why a snapshot cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The JSON is not a snapshot.
    Foreign,
    /// It is a snapshot of this other protocol.
    Protocol(Box<str>),
    /// It is not JSON, or a member does not fit. The text names the member and the reason.
    Corrupt(Box<str>),
}

impl SnapshotError {
    /// Distinguishes a snapshot from other JSON.
    pub(crate) const FORMAT: &str = "realtime-snapshot";

    pub(crate) fn corrupt(reason: impl fmt::Display) -> Self {
        Self::Corrupt(reason.to_string().into())
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => write!(f, "not a snapshot: its `format` is not `{}`", Self::FORMAT),
            Self::Protocol(protocol) => {
                write!(f, "a snapshot of the protocol `{protocol}`: resume it with that protocol")
            }
            Self::Corrupt(reason) => write!(f, "the snapshot is corrupt: {reason}"),
        }
    }
}

impl error::Error for SnapshotError {}

/// Reads a snapshot of this protocol, without checking what its types cannot say.
pub(crate) fn read_snapshot<T: DeserializeOwned>(json: &str, protocol: &str) -> Result<T, SnapshotError> {
    // Foreign JSON may have members of the same names.
    #[derive(Deserialize)]
    struct Head {
        format: Option<Json>,
        protocol: Option<Json>,
    }

    let head: Head = serde_json::from_str(json).map_err(SnapshotError::corrupt)?;
    let text = |json: Option<Json>| json.and_then(|json| json.read::<String>().ok()).unwrap_or_default();
    check_protocol(&text(head.format), &text(head.protocol), protocol)?;
    serde_json::from_str(json).map_err(SnapshotError::corrupt)
}

pub(crate) fn write_snapshot(snapshot: &impl Serialize) -> Result<String, SnapshotError> {
    serde_json::to_string(snapshot).map_err(SnapshotError::corrupt)
}

/// Checks the members that every snapshot has: it is one, of this protocol, and has a version.
pub(crate) fn check_head(format: &str, protocol: &str, version: u32, wanted: &str) -> Result<(), SnapshotError> {
    check_protocol(format, protocol, wanted)?;
    match version {
        0 => Err(SnapshotError::corrupt("`version`: there is none")),
        _ => Ok(()),
    }
}

fn check_protocol(format: &str, protocol: &str, wanted: &str) -> Result<(), SnapshotError> {
    match format {
        SnapshotError::FORMAT if protocol == wanted => Ok(()),
        SnapshotError::FORMAT => Err(SnapshotError::Protocol(protocol.into())),
        _ => Err(SnapshotError::Foreign),
    }
}

/// Checks each entry of a list. `reason` says what is wrong with the first that does not pass.
pub(crate) fn check_each<T>(
    list: &str,
    entries: &[T],
    passes: impl Fn(&T) -> bool,
    reason: &str,
) -> Result<(), SnapshotError> {
    match entries.iter().position(|entry| !passes(entry)) {
        Some(at) => Err(SnapshotError::corrupt(format_args!("`{list}`: number {at} {reason}"))),
        None => Ok(()),
    }
}
