use std::fmt;

use crate::wire::Id;

/// An answer that a server is expected to give.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaited {
    /// Opening the session.
    Opening,
    /// Answering a client event: acknowledging it, starting the response that it requests, or refusing it.
    Event {
        /// Its type, such as `response.create`.
        kind: Box<str>,
        /// Its id.
        event_id: Option<Id>,
    },
    /// Continuing or ending this response.
    Response(Id),
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening => f.write_str("the opening of the session"),
            Self::Event { kind, .. } => f.write_str(kind),
            Self::Response(id) => write!(f, "response {id}"),
        }
    }
}
