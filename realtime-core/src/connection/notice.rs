use std::time::Duration;

use crate::{
    error::{Awaited, Error},
    protocol::{
        Protocol,
        state::{Lost, Unsupported},
    },
    wire::Id,
};

/// An item of [`Connection::updates`](crate::Connection::updates): a server event or a notice of the connection, in
/// order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update<P: Protocol> {
    /// An event of the server.
    Event(P::ServerEvent),
    /// A notice of the connection.
    Notice(Notice<P>),
}

/// Something that happened on the client's side of the connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<P: Protocol> {
    /// The connection entered another phase.
    Phase(Phase),
    /// The link was lost, and another attempt is about to be made.
    Reconnecting {
        /// 1-based attempt number.
        attempt: u32,
        /// Backoff before the attempt.
        after: Duration,
        /// Why the link was lost.
        reason: Error,
    },
    /// Another session has replaced the previous one.
    Reconnected(Box<Reconnected<P>>),
    /// A request that nobody awaits was refused or timed out: its [`Ack`](crate::Ack) or handle was dropped, or the
    /// connection itself made it.
    Failed {
        /// The expected answer.
        awaited: Awaited,
        /// The server's error, or the timeout.
        error: Error,
    },
    /// A response ended without its final event: another one has begun, the server reports that none is active, or it
    /// was idle for too long. This is a synthesized final event, as far as the response is known.
    Ended(Box<P::ServerEvent>),
    /// A notice of the protocol: a function call failed, for example. See
    /// [`RealtimeNotice`](crate::RealtimeNotice) and [`LiveNotice`](crate::live::LiveNotice).
    Protocol(P::Notice),
    /// Earlier events were dropped, because only response handles were read and the inbox was full. See
    /// [`Unread::Keep`](super::Unread::Keep).
    Skipped {
        /// How many.
        events: u64,
    },
    /// Audio was dropped from the queue, because it had waited too long or the queue was full.
    AudioDropped {
        /// Dropped duration in milliseconds.
        milliseconds: u64,
    },
}

/// What happened to the content of a session that was replaced.
///
/// Every client event that could be answered was either acknowledged or is listed here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reconnected<P: Protocol> {
    /// Ids of the items being replayed, in order.
    pub replayed: Vec<Id>,
    /// Items that could not be restored, and why.
    pub lost: Vec<Lost>,
    /// Events that were not sent, because they refer to something that was lost.
    pub unsent: Vec<P::ClientEvent>,
    /// Ids of events that were sent and not answered. The server may have processed them. They are not sent again.
    pub ambiguous: Vec<Id>,
    /// Ids of responses that were active when the link was lost, whoever requested them. Their output is incomplete.
    /// They are requested again if [`Reconnect::repeat_response`](crate::connection::Reconnect::repeat_response) is
    /// set.
    pub cut_short: Vec<Id>,
    /// Duration of the audio sent since the last commit, in milliseconds. The server may have received it.
    pub audio_ms: u64,
    /// What the other endpoint's [dialect](crate::dialect::Dialect) cannot express and was left out: members of the
    /// configuration, of items and of requests. An item that is left out as a whole is also among the [lost](Self::lost).
    pub unsupported: Vec<Unsupported>,
    /// Index of the [fallback](crate::connection::Reconnect::fallback) that the session is at. `None` is the connection's own
    /// place.
    pub fallback: Option<usize>,
    /// Whether this was a handover: the previous session still worked.
    pub planned: bool,
}

/// Phase of a connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Opening a link.
    Connecting,
    /// The link is open, the session is not.
    Opening,
    /// The session is open.
    Open,
    /// The link was lost, and another one is being opened.
    Reconnecting,
    /// The connection is closing.
    Closing,
    /// The connection has ended. Nothing is sent or received any more.
    Closed,
}
