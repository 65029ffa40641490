//! A conversation as data that outlives its connection.

mod inherit;
mod take;

use std::sync::Arc;

use super::{Heard, Totals};
use crate::{
    endpoint::Target,
    protocol::{
        state::{SnapshotError, check_each, check_head, read_snapshot, write_snapshot},
        types::ResponseStatus,
    },
    realtime::{
        event::{ClientEvent, ConversationItemCreate, ResponseCreate},
        types::{Item, SessionConfig, SessionInfo},
    },
    wire::Id,
};

/// Distinguishes a snapshot from other JSON.
const FORMAT: &str = SnapshotError::FORMAT;
/// The protocol whose conversations this module knows.
const PROTOCOL: &str = "realtime";

saved! {
    /// A conversation as data: everything that another session needs to continue it, on this machine or another.
    ///
    /// Taken by [`Connection::snapshot`](crate::Connection::snapshot) or [`drain`](crate::Connection::drain), and continued by
    /// [`Connect::resume`](crate::Connect::resume). A reconnect restores a conversation from the same data, so both restore
    /// the same and report the same.
    ///
    /// # As JSON
    /// [`to_json`](Self::to_json) writes one object, with `"format": "realtime-snapshot"` and a `version`. A later version only
    /// adds members: every version from 1 can be read, and members that are not known here are kept and written again. A
    /// member that is absent has its default.
    ///
    /// # Secrets
    /// A snapshot contains no credential, and neither the authorization nor the headers of an MCP server: a tool that has any
    /// is left out, and named in [`withheld`](Self::withheld). It does contain what was said.
    ///
    /// # Examples
    /// ```
    /// # let clock = realtime_mock::VirtualClock::new();
    /// # let client = realtime_core::Client::builder(realtime_mock::Simulator::new().transport(&clock)).build();
    /// # clock.block_on(client.realtime().model("m").run(async |connection| {
    /// use realtime_core::session::{Snapshot, realtime::Keep};
    ///
    /// connection.respond("My name is Ada.").await?.await?;
    /// let stored = connection.snapshot().to_json().expect("it fits");
    /// // Later, on another machine:
    /// let mut snapshot = Snapshot::from_json(&stored).expect("it was written here");
    /// snapshot.retain(Keep::Turns(10));
    /// # Ok::<_, realtime_core::Error>(())
    /// # }))?;
    /// # Ok::<_, realtime_core::Error>(())
    /// ```
    pub struct Snapshot {
        /// Always `realtime-snapshot`.
        format: String,
        /// Version of the format, from 1.
        version: u32,
        /// Always `realtime`.
        protocol: String,
        /// When it was taken, in seconds since the Unix epoch. `None` on a transport without a wall clock.
        taken_at: Option<u64>,
        /// The model that was connected to, if one was.
        model: Option<String>,
        /// Id of the call that was joined, if one was. Its session outlives the connection, and is joined again.
        call_id: Option<Id>,
        /// Configuration confirmed by the server: the session as it last described it, with its id.
        confirmed: Option<SessionInfo>,
        /// Configuration requested by the client, merged, except what the server refused.
        intended: Option<SessionConfig>,
        /// Id of the conversation in the session that is left.
        conversation_id: Option<Id>,
        /// The conversation's items, in order.
        items: Vec<SavedItem>,
        /// What was heard of items that were interrupted, the latest last. They are restored as far as they were heard.
        heard: Vec<Heard>,
        /// Function calls that are unanswered, by response, in order.
        calls: Vec<SavedCalls>,
        /// Responses that are to be requested because all calls of another were answered.
        follow_ups: usize,
        /// Events that were sent and not answered, in order.
        in_flight: Vec<InFlight>,
        /// Events that were accepted and not sent, in order: they are sent after the conversation is restored. The outputs of
        /// function calls are among them.
        queued: Vec<ClientEvent>,
        /// Ids of the responses that were in progress.
        cut_short: Vec<Id>,
        /// Whether a response of the conversation was in progress.
        responding: bool,
        /// Whether the server was about to begin a response by itself, after the user's turn.
        expecting: bool,
        /// Duration of the input audio that was sent and not committed, in milliseconds. It is lost.
        audio_ms: u64,
        /// Usage so far, which the next session adds to.
        totals: Totals,
        /// Labels of the MCP servers whose tools were left out, because they have secrets.
        withheld: Vec<String>,
    }

    /// An item in a [`Snapshot`].
    pub struct SavedItem {
        /// Id.
        id: Id,
        /// The item, as far as it was known. `None` if its content was evicted.
        item: Option<Item>,
        /// The item as the client sent it, with its images and audio, which the server does not return. See [`Media`].
        sent: Option<Item>,
        /// Id of the response that it belongs to.
        response_id: Option<Id>,
    }

    /// Unanswered calls of a response in a [`Snapshot`].
    pub struct SavedCalls {
        /// Id of the response.
        response_id: Id,
        /// Its final status. `None` if it had not ended: no further response is requested after its calls.
        status: Option<ResponseStatus>,
        /// How many of its calls were answered.
        answered: usize,
        /// The unanswered calls and approval requests, in order.
        open: Vec<SavedCall>,
    }

    /// An unanswered call in a [`Snapshot`].
    pub struct SavedCall {
        /// The call, or the approval request.
        call: Option<Item>,
        /// Whether it is refused, because too many calls were unanswered.
        refused: bool,
        /// Whether its function has run and the application answers it
        /// [later](crate::Connection::answer_call). It does not run again. Since version 2.
        later: bool,
    }

    /// An event that was sent and not answered, in a [`Snapshot`].
    pub struct InFlight {
        /// Its number in the order of sending.
        number: u64,
        /// Its id.
        event_id: Option<Id>,
        /// Its type. Empty if unknown.
        kind as "type": String,
        /// Id of the item that it is about.
        item_id: Option<Id>,
        /// The event itself, if it can be sent again: it creates an item or a response.
        event: Option<ClientEvent>,
        /// Whether the response that it requested had begun.
        begun: bool,
    }
}

/// How much of the images and audio that the client has sent a [`Snapshot`] contains. Text and transcripts are always
/// there.
///
/// They are remembered only with a [`Reconnect`](crate::connection::Reconnect) policy that restores, for the last 64
/// messages that have any. A message whose images are left out is restored without them; one that has nothing else is
/// reported as lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Media {
    /// None.
    #[default]
    None,
    /// Those of this many messages, the latest.
    Last(usize),
    /// All that are remembered.
    All,
}

impl Media {
    fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::Last(count) => count,
            Self::All => usize::MAX,
        }
    }
}

impl Snapshot {
    /// The version that is written.
    pub const VERSION: u32 = 2;

    /// Reads a snapshot.
    ///
    /// # Errors
    /// The text is not JSON or not a snapshot, is of another protocol, or a member is corrupt.
    pub fn from_json(json: &str) -> Result<Self, SnapshotError> {
        let snapshot: Self = read_snapshot(json, PROTOCOL)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Writes the snapshot as one line of JSON.
    ///
    /// # Errors
    /// Memory is exhausted, or an item that was put in by hand cannot be written.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        write_snapshot(self)
    }

    /// When the server ends the session that was left, in seconds since the Unix epoch, if it said so.
    pub fn expires_at(&self) -> Option<u64> {
        self.confirmed.as_ref()?.expires_at()
    }

    /// What was connected to.
    pub(crate) fn target(&self) -> Target {
        match (&self.call_id, &self.confirmed, &self.model) {
            (Some(call), ..) => Target::Call(call.to_string()),
            (None, Some(SessionInfo::Transcription(_)), _) => Target::Transcription,
            (None, _, Some(model)) => Target::Model(model.clone()),
            (None, _, None) => Target::Unnamed,
        }
    }

    /// Unanswered calls and approval requests, in order, as items of the conversation.
    pub fn open_calls(&self) -> impl Iterator<Item = &Item> {
        self.calls.iter().flat_map(|calls| &calls.open).filter_map(|open| open.call.as_ref())
    }

    /// Checks what the types cannot say.
    pub(crate) fn check(&self) -> Result<(), SnapshotError> {
        check_head(&self.format, &self.protocol, self.version, PROTOCOL)?;
        let is_event = |event: &ClientEvent| !matches!(event, ClientEvent::Malformed(_) | ClientEvent::Invalid(_));
        let repeats = |sent: &InFlight| match &sent.event {
            Some(event) => matches!(event, ClientEvent::ConversationItemCreate(_) | ClientEvent::ResponseCreate(_)),
            None => true,
        };
        check_each("items", &self.items, |saved| !saved.id.is_empty(), "has no id")?;
        check_each("queued", &self.queued, is_event, "is not an event")?;
        check_each("in_flight", &self.in_flight, repeats, "creates neither item nor response")
    }

    /// The events in flight that create items, with their numbers.
    pub(super) fn creating(&self) -> impl Iterator<Item = (u64, &ConversationItemCreate)> {
        self.in_flight.iter().filter_map(|sent| match &sent.event {
            Some(ClientEvent::ConversationItemCreate(create)) => Some((sent.number, &**create)),
            _ => None,
        })
    }

    /// The requests for responses whose response has not ended, with their numbers, and whether it has begun.
    pub(super) fn requested(&self) -> impl Iterator<Item = (u64, &ResponseCreate, bool)> {
        self.in_flight.iter().filter_map(|sent| match &sent.event {
            Some(ClientEvent::ResponseCreate(create)) => Some((sent.number, &**create, sent.begun)),
            _ => None,
        })
    }
}

/// Shared, so that a connection that is being resumed is cheap to copy.
pub(super) type Inherited = Option<Arc<Snapshot>>;
