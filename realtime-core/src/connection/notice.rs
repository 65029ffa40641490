use crate::{protocol::Protocol, tools::ToolError};

/// What [`Connection::updates`](crate::Connection::updates) gives: the server's events, and in their places among
/// them what the connection itself has to say.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update<P: Protocol> {
    /// An event of the server.
    Event(P::ServerEvent),
    /// Something that happened on this side.
    Notice(Notice),
}

/// Something that happened on this side of the connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The connection went on to another phase.
    Phase(Phase),
    /// A call of the model could not be answered as it should.
    Tool(ToolError),
    /// Audio was dropped from the queue, for it had waited too long or the queue was full.
    AudioDropped {
        /// How much, in milliseconds of the session's input format.
        milliseconds: u64,
    },
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A link is being opened.
    Connecting,
    /// The link is up, the session is not yet open.
    Opening,
    /// The session is open.
    Open,
    /// The connection is being closed.
    Closing,
    /// The end. Nothing is sent or received any more.
    Closed,
}
