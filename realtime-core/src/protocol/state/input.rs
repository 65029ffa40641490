use crate::{protocol::types::ErrorBody, wire::Id};

/// Input audio: what was sent, and what the server made of it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// Bytes of audio sent in total.
    pub appended_bytes: u64,
    /// Bytes of audio sent since the last commit or clear by either side.
    pub buffered_bytes: u64,
    /// Number of appends sent.
    pub appends: u64,
    /// Number of commits sent.
    pub commits: u64,
    /// Number of clears sent.
    pub clears: u64,
    /// Number of times the server reported a commit.
    pub committed: u64,
    /// Number of times the server reported a clear.
    pub cleared: u64,
    /// Number of idle timeouts, after which the server prompted the user.
    pub timeouts: u64,
    /// The user's current speech, as detected by the server.
    pub speech: Option<Speech>,
}

/// Speech that the server detected and that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Speech {
    /// Id of the item that the speech will become. The item does not exist yet.
    pub item_id: Id,
    /// Start of the speech, in milliseconds of all audio sent in the session, if reported.
    pub start_ms: Option<u64>,
}

impl Input {
    pub(crate) fn append(&mut self, bytes: usize) {
        self.appends += 1;
        self.appended_bytes += bytes as u64;
        self.buffered_bytes += bytes as u64;
    }
}

/// An error event, and the client event that it refers to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Complaint {
    /// The error.
    pub error: ErrorBody,
    /// Type of the client event that the error names.
    pub about: Option<Box<str>>,
}
