//! What a session's state is, whichever protocol it belongs to. No network, no clock, no async.

#[macro_use]
mod saved;
mod awaited;
mod changes;
mod histogram;
mod input;
pub(crate) mod intent;
pub(crate) mod limits;
pub(crate) mod requests;
mod snapshot;

use std::{collections::VecDeque, fmt, time::Duration};

use crate::{
    dialect::Dialect,
    protocol::{Protocol, types::ResponseStatus},
    transport::Instant,
    wire::Id,
};

pub use awaited::Awaited;
pub use changes::{Changes, Outcome, Overdue};
pub use histogram::{Histogram, Measurement};
pub use input::{Complaint, Input, Speech};
pub use snapshot::SnapshotError;
pub(crate) use snapshot::{check_each, check_head, read_snapshot, write_snapshot};

/// The client's knowledge of a session. It is fed with every event in both directions, in wire order.
///
/// Time is an argument; implementations do not read a clock.
pub trait State<P: Protocol>: Clone + fmt::Debug + Default + Send + Sync + 'static {
    /// Sets what to keep and to track. Called once, before anything else.
    fn configure(&mut self, settings: &P::Settings, setup: &Setup) {
        let _ = (settings, setup);
    }

    /// A link to the server was established.
    fn linked(&mut self, settings: &P::Settings, now: Instant) {
        let _ = (settings, now);
    }

    /// The link was lost or closed.
    fn unlinked(&mut self, how: Unlinked, now: Instant) {
        let _ = (how, now);
    }

    /// A client event is about to be written. `seq` is its number in sending order.
    fn sent(&mut self, seq: u64, event: &P::ClientEvent, now: Instant);

    /// `bytes` of input audio are about to be written.
    fn sent_audio(&mut self, bytes: usize, now: Instant);

    /// An event was received. Anything that only concerns this crate is removed from it before the application sees it.
    fn received(&mut self, event: &mut P::ServerEvent, now: Instant, changes: &mut Changes<P::ServerEvent>);

    /// When the oldest wait times out, or `None` if nothing is awaited.
    fn due(&self, timeouts: &Timeouts) -> Option<Instant>;

    /// Gives up waits that have timed out. Every request passed to [`sent`](Self::sent) must eventually appear in
    /// [`Changes::settled`]; otherwise its `Ack` stays pending until the connection ends.
    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<P::ServerEvent>);

    /// Whether a request or a response is unfinished. If so, the end of the connection is an error.
    fn is_waiting(&self) -> bool {
        false
    }

    /// Whether the event can be sent now. Otherwise it waits, and later events overtake it.
    fn admits(&self, event: &P::ClientEvent, now: Instant) -> bool {
        let _ = (event, now);
        true
    }

    /// Whether [`next_outgoing`](Self::next_outgoing) may return an event. Asked after every event, before the state is
    /// borrowed mutably, which copies it if the application holds it. By default it may.
    fn has_outgoing(&self) -> bool {
        true
    }

    /// The next event that the session itself wants to send.
    fn next_outgoing(&mut self) -> Option<P::ClientEvent> {
        None
    }

    /// When to check [waiting events](Self::admits) again even if nothing arrives.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Plans how to restore this session in a new one, and creates the state that continues there. The default restores
    /// nothing and starts with a new state.
    fn restoration(&self, repeat_response: bool, now: Instant) -> (Plan<P::ClientEvent>, Self) {
        let _ = (repeat_response, now);
        (Plan::default(), Self::default())
    }

    /// Like [`restoration`](Self::restoration), for a session that may be at another endpoint. What its dialect cannot express is
    /// to be left out, and reported in [`Plan::unsupported`]. The default does not look at that.
    fn restoration_in(&self, next: &NextSession, repeat_response: bool, now: Instant) -> (Plan<P::ClientEvent>, Self) {
        let _ = next;
        self.restoration(repeat_response, now)
    }

    /// The server has refused the [target](Protocol::target_after_loss) of another link. Whether there is something else to
    /// begin with: the protocol is then asked for the target again, and the refusal counts as an attempt.
    fn target_refused(&mut self) -> bool {
        false
    }

    /// Plans how to continue the same session on another link: which requests are ambiguous, and the state that
    /// continues. The default is a new state.
    fn resumption(&self, now: Instant) -> (Plan<P::ClientEvent>, Self) {
        let _ = now;
        (Plan::default(), Self::default())
    }

    /// Whether a queued event still makes sense after that. `created` are the items created by events ahead of it,
    /// `audio` the bytes of audio since the last commit.
    fn still_applies(&self, event: &P::ClientEvent, created: &[Id], audio: usize) -> bool {
        let _ = (event, created, audio);
        true
    }

    /// Id of the item that a client event creates.
    fn created(event: &P::ClientEvent) -> Option<&Id> {
        let _ = event;
        None
    }

    /// Whether a handover now would interrupt nothing.
    fn is_quiet(&self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// When the server will end the session, as time since the Unix epoch.
    fn expires_at(&self) -> Option<Duration> {
        None
    }

    /// Size of one sample of input audio, in bytes.
    fn sample_bytes(&self) -> usize {
        2
    }

    /// Duration of this many bytes of input audio, in milliseconds.
    fn input_ms(&self, bytes: usize) -> u64;
}

/// What a session's state keeps and tracks, whichever protocol it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setup {
    /// Number of most recent errors, and of types of unknown events, kept. `None` is no limit. See
    /// [`Options::kept_errors`](crate::Options::kept_errors).
    pub kept_errors: Option<usize>,
    /// Whether sent events are remembered so that the conversation can be restored.
    pub restore: bool,
    /// Whether spans contain what was said. See [`Options::trace_content`](crate::Options::trace_content).
    pub content: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { kept_errors: Some(limits::KEPT_ERRORS), restore: false, content: false }
    }
}

impl Setup {
    /// Sets how many errors are kept.
    #[must_use]
    pub fn kept_errors(mut self, errors: impl Into<Option<usize>>) -> Self {
        self.kept_errors = errors.into();
        self
    }

    /// Sets whether the conversation can be restored.
    #[must_use]
    pub fn restore(mut self, restore: bool) -> Self {
        self.restore = restore;
        self
    }

    /// Sets whether spans contain what was said.
    #[must_use]
    pub fn content(mut self, content: bool) -> Self {
        self.content = content;
        self
    }
}

/// The session that a conversation is restored in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextSession {
    /// The dialect of its endpoint.
    pub dialect: Dialect,
    /// Whether it was connected to under another name, such as another model, than the connection was opened with.
    pub other_target: bool,
}

/// Part of a conversation that the next session's dialect cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// Id of the item that it is part of. `None` for the configuration or a request.
    pub item_id: Option<Id>,
    /// Path of the member, such as `session.reasoning` or `item.content: input_image`.
    pub member: &'static str,
}

/// How to restore a session's content in another session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan<E> {
    /// The events to send, in order. An event that was in flight keeps its request number.
    pub events: Vec<(Option<u64>, E)>,
    /// The items that are replayed, in order.
    pub replayed: Vec<Id>,
    /// The items that cannot be restored, and why.
    pub lost: Vec<Lost>,
    /// Ids of client events that were sent, not answered, and are not sent again.
    pub ambiguous: Vec<Id>,
    /// Ids of the responses that were in progress and are lost.
    pub cut_short: Vec<Id>,
    /// Duration of the input audio sent since the last commit, in milliseconds.
    pub audio_ms: u64,
    /// What the next session's dialect cannot express, and was left out.
    pub unsupported: Vec<Unsupported>,
}

impl<E> Default for Plan<E> {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            replayed: Vec::new(),
            lost: Vec::new(),
            ambiguous: Vec::new(),
            cut_short: Vec::new(),
            audio_ms: 0,
            unsupported: Vec::new(),
        }
    }
}

/// An item that could not be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Its id.
    pub item_id: Id,
    /// Why it could not be restored.
    pub reason: LostReason,
}

/// Why an item could not be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// It was spoken, and has no transcript.
    NoTranscript,
    /// It was in progress without any content; or a call lacks part of its arguments or its result.
    Unfinished,
    /// Its content was evicted. See [`Retention::items`](crate::session::Retention::items).
    Forgotten,
    /// Its type is unknown.
    Unknown,
    /// Restoring is turned off. See [`Reconnect::restore`](crate::connection::Reconnect::restore).
    NotAsked,
    /// A new session takes no more: it was among the oldest.
    NoRoom,
    /// The server refused to restore it.
    Refused,
    /// The next session's dialect cannot express it. See [`Reconnected::unsupported`](crate::connection::Reconnected::unsupported).
    Unsupported,
}

impl Lost {
    pub(crate) fn new(item_id: &Id, reason: LostReason) -> Self {
        Self { item_id: item_id.clone(), reason }
    }
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unlinked {
    /// Which side ended it.
    pub by: LinkEnd,
    /// The WebSocket close code, if any.
    pub code: Option<u16>,
    /// Whether the connection ends with the link. Otherwise another link may follow.
    pub last: bool,
}

/// The side that ended a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEnd {
    /// The server closed it.
    Server,
    /// The client closed it.
    Client,
    /// It was lost.
    Network,
}

impl LinkEnd {
    /// Lower-case name: `server`, `client`, `network`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Network => "network",
        }
    }
}

/// Timeouts for the server's answers. `None` waits until the connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the answer to a client event. See [`Options::request_timeout`](crate::Options::request_timeout).
    pub request: Option<Duration>,
    /// For a response after an error. See [`Options::response_error_timeout`](crate::Options::response_error_timeout).
    pub response_error: Option<Duration>,
    /// For an idle response. See [`Options::response_idle_timeout`](crate::Options::response_idle_timeout).
    pub response_idle: Option<Duration>,
}

impl Timeouts {
    /// Creates timeouts, in the order of the fields.
    pub fn new(request: Option<Duration>, response_error: Option<Duration>, response_idle: Option<Duration>) -> Self {
        Self { request, response_error, response_idle }
    }
}

/// Tokens that a response used, as far as they were reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenCounts {
    /// Input, including cached tokens.
    pub input: Option<u64>,
    /// Cached tokens among the input.
    pub cached_input: Option<u64>,
    /// Audio tokens among the input.
    pub audio_input: Option<u64>,
    /// Output.
    pub output: Option<u64>,
    /// Audio tokens among the output.
    pub audio_output: Option<u64>,
}

/// The beginning or end of a response.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseTransition {
    /// A response began.
    Began {
        /// The response's id.
        id: Id,
        /// Whether it is out of band.
        out_of_band: bool,
        /// Id of the conversation, if it is known.
        conversation_id: Option<Id>,
    },
    /// A response ended.
    Ended {
        /// The response's id.
        id: Id,
        /// Its final status.
        status: ResponseStatus,
        /// Time from its beginning to its first text, transcript, argument or audio.
        time_to_first_token: Option<Duration>,
        /// Time from its beginning to its first audio.
        time_to_first_audio: Option<Duration>,
        /// Tokens used.
        tokens: TokenCounts,
        /// Type of the error, if it failed with one.
        error: Option<Box<str>>,
        /// What the model said, as JSON, if [`Setup::content`] asks for it.
        content: Option<Box<str>>,
    },
}

/// Appends to a list with a maximum length.
pub(crate) fn remember<T>(list: &mut VecDeque<T>, new: T, most: Option<usize>) {
    while most.is_some_and(|most| list.len() >= most.max(1)) {
        list.pop_front();
    }
    list.push_back(new);
}
