use crate::{protocol::types::ErrorBody, wire::Id};

/// What the user says: how much was sent, and what the server made of it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// Bytes of audio sent, in all.
    pub appended_bytes: u64,
    /// Bytes of audio sent since the last commit or clear, of either side.
    pub buffered_bytes: u64,
    /// Appends sent.
    pub appends: u64,
    /// Commits sent.
    pub commits: u64,
    /// Clears sent.
    pub clears: u64,
    /// How often the server said that it had committed the buffer.
    pub committed: u64,
    /// How often the server said that it had cleared the buffer.
    pub cleared: u64,
    /// How often the server spoke up because the user had not.
    pub timeouts: u64,
    /// The user speaks, as far as the server can tell.
    pub speech: Option<Speech>,
}

/// The user speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Speech {
    /// The item that it will be. There is none yet.
    pub item_id: Id,
    /// From where, in milliseconds of all audio sent in the session. None if the server does not say.
    pub start_ms: Option<u64>,
}

impl Input {
    pub(crate) fn append(&mut self, bytes: usize) {
        self.appends += 1;
        self.appended_bytes += bytes as u64;
        self.buffered_bytes += bytes as u64;
    }
}

/// A complaint of the server, and the event that it is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Complaint {
    /// What the server said.
    pub error: ErrorBody,
    /// The type of the event of ours that it names.
    pub about: Option<Box<str>>,
}
