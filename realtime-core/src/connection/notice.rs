use std::time::Duration;

use crate::{
    error::{Awaited, Error},
    protocol::Protocol,
    session::Lost,
    tools::ToolError,
    wire::Id,
};

/// What [`Connection::updates`](crate::Connection::updates) gives: the server's events, and in their places among
/// them what the connection itself has to say.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update<P: Protocol> {
    /// An event of the server.
    Event(P::ServerEvent),
    /// Something that happened on this side.
    Notice(Notice<P>),
}

/// Something that happened on this side of the connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<P: Protocol> {
    /// The connection went on to another phase.
    Phase(Phase),
    /// The link is gone, and another attempt is about to be made.
    Reconnecting {
        /// The how many-eth it is, from 1.
        attempt: u32,
        /// How long it waits.
        after: Duration,
        /// Why the link is gone.
        reason: Error,
    },
    /// Another session has taken the place of the one before.
    Reconnected(Box<Reconnected<P>>),
    /// A request of whose answer nobody is told was refused or not answered in time: its [`Ack`](crate::Ack) or handle was
    /// dropped, or the connection itself made it.
    Failed {
        /// What was waited for.
        awaited: Awaited,
        /// What the server said, or that it said nothing.
        error: Error,
    },
    /// A response has ended, and the event that tells so did not come: another has begun, the server says that none is
    /// active, or it was silent for too long. This is that event, as far as the response is known.
    Ended(Box<P::ServerEvent>),
    /// A call of the model could not be answered as it should.
    Tool(ToolError),
    /// Input audio that is sent at the pace of speech was sent too late, because nobody drove the connection or the link
    /// did not take it: see [`Feeder`](crate::live::Feeder).
    FellBehind {
        /// How much time passed without audio.
        by: Duration,
    },
    /// Events that came before this were dropped because nobody had asked for them: only handles of responses were read.
    /// See [`Unread::Keep`](super::Unread::Keep).
    Skipped {
        /// How many.
        events: u64,
    },
    /// Audio was dropped from the queue, because it had waited too long or the queue was full.
    AudioDropped {
        /// How much, in milliseconds of the session's input format.
        milliseconds: u64,
    },
}

/// What became of a session when another took its place.
///
/// Every event of ours that could be answered is in one place: it was acknowledged, or it is among those here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reconnected<P: Protocol> {
    /// Items that are made anew, in order. Their creation is on its way.
    pub replayed: Vec<Id>,
    /// Items that could not be made anew, and why.
    pub lost: Vec<Lost>,
    /// Events that were never sent and make no sense any more: they are about what is gone.
    pub unsent: Vec<P::ClientEvent>,
    /// Events that were sent and that nothing answered, by their ids. The server may have taken them. They are not sent
    /// again.
    pub ambiguous: Vec<Id>,
    /// Responses that were in progress when the link broke, whoever had asked for them: what came of each is all that
    /// there will be. They are asked for again where
    /// [`Reconnect::repeat_response`](crate::connection::Reconnect::repeat_response) says so.
    pub cut_short: Vec<Id>,
    /// Audio that was sent since the last commit, in milliseconds. The server may have heard it.
    pub audio_ms: u64,
    /// Whether the session before was alive, and replaced before its end.
    pub planned: bool,
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
    /// The link is gone, and another is being opened.
    Reconnecting,
    /// The connection is being closed.
    Closing,
    /// The end. Nothing is sent or received any more.
    Closed,
}
