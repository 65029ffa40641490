//! What to do next: the state machine of a session. No network, no clock, no async.

mod input;
pub(crate) mod intent;
pub(crate) mod limits;
pub(crate) mod requests;

use std::{collections::VecDeque, fmt, time::Duration};

use crate::{
    error::Awaited,
    protocol::{
        Protocol,
        event::{ErrorEvent, Reading},
        types::ResponseStatus,
    },
    realtime::state::Playback,
    transport::Instant,
    wire::Id,
};

pub use input::{Complaint, Input, Speech};

/// What is known of a session: fed with every event in both directions, in the order of the wire.
///
/// Time is an argument; nothing here reads a clock.
pub trait State<P: Protocol>: Clone + fmt::Debug + Default + Send + Sync + 'static {
    /// How much is to be kept and followed.
    fn configure(&mut self, setup: &Setup) {
        let _ = setup;
    }

    /// A link to the server is up.
    fn linked(&mut self, settings: &P::Settings, now: Instant) {
        let _ = (settings, now);
    }

    /// The link is gone.
    fn unlinked(&mut self, how: Unlinked, now: Instant) {
        let _ = (how, now);
    }

    /// An event of ours goes onto the wire. `seq` is its number in the order of sending.
    fn sent(&mut self, seq: u64, event: &P::ClientEvent, now: Instant);

    /// So many bytes of audio go onto the wire.
    fn sent_audio(&mut self, bytes: usize, now: Instant);

    /// An event arrived. What is this crate's own business is taken out of it before anybody sees it.
    fn received(&mut self, event: &mut P::ServerEvent, now: Instant, changes: &mut Changes<P::ServerEvent>);

    /// When something that is waited for is given up, if nothing arrives. None if nothing is waited for.
    fn due(&self, timeouts: &Timeouts) -> Option<Instant>;

    /// Gives up what has been waited for too long: every request that [`sent`](Self::sent) was told of must be in
    /// [`Changes::settled`] in the end, or whoever awaits its answer waits as long as the connection lives.
    fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<P::ServerEvent>);

    /// Whether the server has still to answer something, or to end a response: a connection that ends before that has
    /// not ended well.
    fn is_waiting(&self) -> bool {
        false
    }

    /// Whether the event can be sent now. If not, it waits, and what follows overtakes it.
    fn admits(&self, event: &P::ClientEvent, now: Instant) -> bool {
        let _ = (event, now);
        true
    }

    /// The next event that the session itself wants to send.
    fn next_outgoing(&mut self) -> Option<P::ClientEvent> {
        None
    }

    /// When an event that [waits](Self::admits) is to be looked at again, whatever arrives.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// What is to be made anew in another session that takes the place of this one, and the state that goes on from
    /// there. By default nothing, and a new state.
    fn restoration(&self, repeat_response: bool, now: Instant) -> (Plan<P::ClientEvent>, Self) {
        let _ = (repeat_response, now);
        (Plan::default(), Self::default())
    }

    /// What becomes of requests when the link is gone but not the session: which of them nothing answered, and the state
    /// that goes on from there. By default a new state.
    fn resumption(&self, now: Instant) -> (Plan<P::ClientEvent>, Self) {
        let _ = now;
        (Plan::default(), Self::default())
    }

    /// Whether an event that waits to be sent still makes sense after that. `created` are the items that are sent before
    /// it, `audio` the bytes of audio since the last commit.
    fn still_applies(&self, event: &P::ClientEvent, created: &[Id], audio: usize) -> bool {
        let _ = (event, created, audio);
        true
    }

    /// The item that an event of ours creates.
    fn created(event: &P::ClientEvent) -> Option<&Id> {
        let _ = event;
        None
    }

    /// Whether nothing is under way that a change of sessions would cut short.
    fn is_quiet(&self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// When the server ends the session, since the Unix epoch.
    fn expires_at(&self) -> Option<Duration> {
        None
    }

    /// How many bytes one sample of input audio has.
    fn sample_bytes(&self) -> usize {
        2
    }

    /// How long so many bytes of input audio last, in milliseconds.
    fn input_ms(&self, bytes: usize) -> u64;
}

/// How much of a session is kept in memory. What is left out can still be asked for: `conversation.item.retrieve`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// How many of the latest items keep what was said in them. Of older ones only the id and the place in the order
    /// are kept. None keeps all that [`bytes`](Self::bytes) allow; the default. The places of the last quarter of a million items are
    /// known in any case, and no others.
    pub items: Option<usize>,
    /// Bytes of what is said in the items, about. Beyond that the oldest ones are forgotten, as they are by
    /// [`items`](Self::items), and of an item that alone is larger no more is kept. 64 MiB: with
    /// [`audio`](Self::audio), 23 minutes of it. None: no limit.
    pub bytes: Option<usize>,
    /// How many of the latest responses are kept. 256.
    pub responses: Option<usize>,
    /// How many of the latest errors, and of the types of unknown events, are kept. 64.
    pub errors: Option<usize>,
    /// Whether the model's audio is kept. It is not: a minute has 2.9 MB.
    pub audio: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { items: None, bytes: Some(64 << 20), responses: Some(256), errors: Some(64), audio: false }
    }
}

impl Retention {
    /// Keeps everything but audio, for ever.
    pub fn unlimited() -> Self {
        Self { items: None, bytes: None, responses: None, errors: None, audio: false }
    }
}

/// What a session is to keep and to follow.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Setup {
    /// How much is kept.
    pub memory: Retention,
    /// Whether the playback of the model's audio is followed.
    pub playback: Option<Playback>,
    /// Whether what was sent is remembered, so that the conversation can be restored.
    pub restore: bool,
}

impl Setup {
    /// Keeps so much, and follows nothing.
    pub fn new(memory: Retention) -> Self {
        Self { memory, ..Self::default() }
    }

    /// Follows the playback.
    #[must_use]
    pub fn playback(mut self, playback: impl Into<Option<Playback>>) -> Self {
        self.playback = playback.into();
        self
    }

    /// Remembers what is needed to restore the conversation.
    #[must_use]
    pub fn restore(mut self, restore: bool) -> Self {
        self.restore = restore;
        self
    }
}

/// What is to be made anew in another session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan<E> {
    /// The events to send, in order. One that was on its way already keeps the number of its request.
    pub events: Vec<(Option<u64>, E)>,
    /// The items that are made anew, in order.
    pub replayed: Vec<Id>,
    /// The items that cannot be, and why.
    pub lost: Vec<Lost>,
    /// Events of ours that were sent, that nothing answered, and that are not sent again.
    pub ambiguous: Vec<Id>,
    /// Responses that were in progress, and will not end any more.
    pub cut_short: Vec<Id>,
    /// Audio that was sent since the last commit, in milliseconds.
    pub audio_ms: u64,
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
        }
    }
}

/// An item that could not be made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The item.
    pub item_id: Id,
    /// Why.
    pub reason: LostReason,
}

/// Why an item could not be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// It was spoken, and nothing is known of what was said.
    NoTranscript,
    /// It was in progress, and nothing of it had come; a call, not all of its arguments, or no result.
    Unfinished,
    /// It is too old: see [`Retention::items`].
    Forgotten,
    /// Its type is not known.
    Unknown,
    /// Nothing is restored: see [`Reconnect::restore`](crate::connection::Reconnect::restore).
    NotAsked,
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
    /// Who ended it.
    pub by: LinkEnd,
    /// The WebSocket's close code.
    pub code: Option<u16>,
    /// Whether the connection ends with it. Else another link may follow.
    pub last: bool,
}

/// Who ended a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEnd {
    /// The server closed it.
    Server,
    /// This side closed it.
    Client,
    /// It broke.
    Network,
}

impl LinkEnd {
    /// The name of who ended it: `server`, `client`, `network`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Network => "network",
        }
    }
}

/// How long a server is waited for. None: for as long as the connection lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the answer to an event: [`Options::request_timeout`](crate::Options::request_timeout).
    pub request: Option<Duration>,
    /// For a response after an error: [`Options::response_error_timeout`](crate::Options::response_error_timeout).
    pub response_error: Option<Duration>,
    /// For a response that is silent: [`Options::response_idle_timeout`](crate::Options::response_idle_timeout).
    pub response_idle: Option<Duration>,
}

impl Timeouts {
    /// These, in the order of the fields.
    pub fn new(request: Option<Duration>, response_error: Option<Duration>, response_idle: Option<Duration>) -> Self {
        Self { request, response_error, response_idle }
    }
}

/// What an event, or the passing of time, changed beyond the state itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Changes<E> {
    /// What became of requests, by the number of each.
    pub settled: Vec<(u64, Outcome<E>)>,
    /// The request that the event is part of the answer to.
    pub part_of: Option<u64>,
    /// Responses that began or ended with it.
    pub turns: Vec<ResponseTransition>,
    /// Responses that ended without the event that ends one, as if it had come.
    pub ended: Vec<E>,
    /// How the event was read: put in before the state is told of the event.
    pub reading: Reading,
    /// Whether it said once more what an event before it said: under its other name, or after the session was joined
    /// again. Then it changed nothing, and nobody is told of it.
    pub repeated: bool,
}

impl<E> Default for Changes<E> {
    fn default() -> Self {
        Self {
            settled: Vec::new(),
            part_of: None,
            turns: Vec::new(),
            ended: Vec::new(),
            reading: Reading::default(),
            repeated: false,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome<E> {
    /// Granted, by the event in hand.
    Granted,
    /// Over without the event that answers it, as if this had come.
    Ended(E),
    /// Refused with these words.
    Refused(Awaited, Box<ErrorEvent>),
    /// Not answered in time.
    Overdue(Box<Overdue>),
}

impl<E> Outcome<E> {
    /// Whether the server did, or refused, what it was asked for. None where it said neither.
    pub fn granted(&self) -> Option<bool> {
        match self {
            Self::Granted | Self::Ended(_) => Some(true),
            Self::Refused(..) => Some(false),
            Self::Overdue(_) => None,
        }
    }
}

/// Something that the server did not do in time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overdue {
    /// What was waited for.
    pub awaited: Awaited,
    /// Since when.
    pub since: Instant,
    /// What the server complained of meanwhile, without saying which event it meant.
    pub error: Option<ErrorEvent>,
}

impl Overdue {
    /// Waited for since then, in vain.
    pub fn new(awaited: Awaited, since: Instant) -> Self {
        Self { awaited, since, error: None }
    }

    /// What the server may have meant by this.
    #[must_use]
    pub fn error(mut self, error: Option<ErrorEvent>) -> Self {
        self.error = error;
        self
    }
}

/// A response that began or ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseTransition {
    /// It began.
    Began {
        /// The response.
        id: Id,
        /// Whether it stands outside the conversation.
        out_of_band: bool,
    },
    /// It ended.
    Ended {
        /// The response.
        id: Id,
        /// How.
        status: ResponseStatus,
        /// From its beginning to its first text, transcript, argument or audio.
        time_to_first_token: Option<Duration>,
        /// From its beginning to its first audio.
        time_to_first_audio: Option<Duration>,
        /// What it cost.
        total_tokens: Option<u64>,
    },
}

/// Adds to a list of the latest.
pub(crate) fn remember<T>(list: &mut VecDeque<T>, new: T, most: Option<usize>) {
    while most.is_some_and(|most| list.len() >= most.max(1)) {
        list.pop_front();
    }
    list.push_back(new);
}
