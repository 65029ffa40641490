//! What the server sends.

use super::{SessionInputAudioAppend, fast};
use crate::{
    event::Unknown,
    live::types::{
        BackendEvent, CallError, CloseReason, ContextWindow, DecisionItem, DecisionResult, DelegationItem, DtmfKey,
        LiveError, Number, Reported, ReportedUsage, SessionResource, SessionUsage,
    },
    wire::{Audio, Id, TextDelta},
};

live_server_events! {
    /// The session is open.
    pub struct SessionStarted {
        /// The session.
        req session: Reported<SessionResource>,
    }

    /// The session's configuration has changed: the answer to `session.update`.
    pub struct SessionUpdated {
        /// The session, as it is now.
        req session: Reported<SessionResource>,
    }

    /// The session has ended: the last event. Only it confirms that the session was finished in order.
    pub struct SessionClosed {
        /// Why.
        req reason: CloseReason,
        /// The session, as it was last.
        req session: Reported<SessionResource>,
        /// Usage of the voice.
        req usage: Reported<SessionUsage>,
    }

    /// Inference is paused because nobody spoke for long. On sidebands and data channels only.
    pub struct SessionPaused {}

    /// Speech has ended a pause of inference. On sidebands and data channels only.
    pub struct SessionResumed {}

    /// The input is muted.
    pub struct SessionInputAudioMuted {}

    /// The input is not muted any more.
    pub struct SessionInputAudioUnmuted {}

    /// A clip was accepted and begins.
    pub struct SessionOutputAudioFixturePlaying {}

    /// A clip has left the server's mixer. It is not said when it was heard.
    pub struct SessionOutputAudioFixturePlayed {}

    /// An instruction has its place on the timeline. It is neither spoken nor obeyed yet.
    pub struct SessionInstructionsAppended {
        /// Start on the session's timeline, in milliseconds.
        req start_ms: Number,
        /// End on the session's timeline, in milliseconds.
        req end_ms: Number,
    }

    /// Knowledge has its place on the timeline.
    pub struct SessionThinkingAppended {
        /// Start on the session's timeline, in milliseconds.
        req start_ms: Number,
        /// End on the session's timeline, in milliseconds.
        req end_ms: Number,
    }

    /// Something to say has its place on the timeline. It is not spoken yet.
    pub struct SessionCommentaryAppended {
        /// Start on the session's timeline, in milliseconds.
        req start_ms: Number,
        /// End on the session's timeline, in milliseconds.
        req end_ms: Number,
    }

    /// The voice has handed work over. What it is must be taken from the transcript.
    pub struct SessionDelegationCreated {
        /// The task.
        req delegation: Reported<DelegationItem>,
        /// When, on the session's timeline, in milliseconds.
        req offset_ms: Number,
    }

    /// An event of the Responses backend.
    pub struct ResponseEvent {
        /// The event.
        req event: BackendEvent,
        /// The task that it belongs to; none if the application asked for the response.
        loose delegation_id: Id,
    }

    /// The decision model has answered.
    pub struct DecisionEvent {
        /// The answers.
        req event: Reported<DecisionResult>,
        /// The task, if the voice asked.
        loose delegation_id: Id,
        /// The trigger, if a transcript did.
        loose trigger_id: Id,
        /// The type of the transcript event.
        loose source_event_type: String,
        /// The transcript event.
        loose source_event_id: Id,
    }

    /// An item was added for future decisions.
    pub struct DecisionItemCreated {
        /// The item.
        req item: StoredItem,
    }

    /// An item was removed from future decisions.
    pub struct DecisionItemDeleted {
        /// The item.
        req item_id: Id,
    }

    /// Usage so far.
    pub struct SessionUsageUpdated {
        /// Usage of the voice.
        req usage: Reported<ReportedUsage>,
        /// Utilization of its context.
        loose context_window: Reported<ContextWindow>,
    }

    /// Something went wrong: with what the client sent, or on the server. By itself it does not end the session.
    pub struct ErrorEvent {
        /// The error.
        req error: Reported<LiveError>,
    }

    /// A notice.
    pub struct Info {
        /// Which notice it is: `data_channel_permissions`, ..
        req code: String,
        /// The notice in words.
        loose message: String,
    }

    /// The called party's telephone rings.
    pub struct TransportRinging {
        /// The session.
        req session_id: Id,
    }

    /// The called party has answered.
    pub struct TransportAnswered {
        /// The session.
        req session_id: Id,
    }

    /// The call could not be set up.
    pub struct TransportFailed {
        /// The session.
        req session_id: Id,
        /// Why.
        req error: Reported<CallError>,
    }

    /// The caller pressed a key.
    pub struct TransportDtmfReceived {
        /// The key.
        req event: DtmfKey,
    }

    /// A key was sent.
    pub struct TransportDtmfSent {
        /// The key.
        req event: DtmfKey,
    }

    /// A key was sent: the older name of `transport.dtmf.sent`, which saved events still have.
    pub struct TransportDtmfSendNotice {
        /// The key.
        req event: DtmfKey,
    }
}

wire! {
    /// A fragment of what the user says. Join fragments as they come, spaces included; no event ends a turn.
    pub struct SessionInputTranscriptDelta {
        /// The id that the server gave the event. It cannot be missing.
        #[serde(deserialize_with = "crate::live::types::required_id")]
        req event_id: Option<Id>,
        /// The client's event that it answers: none.
        loose client_event_id: Id,
        /// The text to be added.
        req_text delta: TextDelta,
        /// Start on the session's timeline, in milliseconds.
        req start_ms: Number,
        /// End on the session's timeline, in milliseconds.
        req end_ms: Number,
    }

    /// A fragment of what the model says. Join fragments as they come, spaces included; no event ends a turn.
    pub struct SessionOutputTranscriptDelta {
        /// The id that the server gave the event. It cannot be missing.
        #[serde(deserialize_with = "crate::live::types::required_id")]
        req event_id: Option<Id>,
        /// The client's event that it answers: none.
        loose client_event_id: Id,
        /// The text to be added.
        req_text delta: TextDelta,
        /// Start on the session's timeline, in milliseconds.
        req start_ms: Number,
        /// End on the session's timeline, in milliseconds.
        req end_ms: Number,
    }

    /// A piece of output audio, in the session's format; silence too. It comes at the pace of speech, without an end.
    pub struct SessionOutputAudioDelta {
        /// The service gives these events no id.
        loose event_id: Id,
        /// The audio.
        #[serde(deserialize_with = "crate::live::types::read_audio")]
        req delta: Audio,
        /// Start on the session's timeline, in milliseconds. On sidebands only.
        loose start_ms: Number,
        /// End on the session's timeline, in milliseconds. On sidebands only.
        loose end_ms: Number,
    }
}

/// An item for future decisions, with the id that the server gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItem {
    id: Id,
    item: DecisionItem,
}

impl StoredItem {
    /// Id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The item.
    pub fn item(&self) -> &DecisionItem {
        &self.item
    }
}

impl TryFrom<DecisionItem> for StoredItem {
    type Error = DecisionItem;

    /// Fails if the item has no id.
    fn try_from(item: DecisionItem) -> Result<Self, DecisionItem> {
        match item.id() {
            Some(id) => Ok(Self { id, item }),
            None => Err(item),
        }
    }
}

impl serde::Serialize for StoredItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.item.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for StoredItem {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = DecisionItem::deserialize(deserializer)?;
        Self::try_from(item).map_err(|_| serde::de::Error::custom("an item without an id"))
    }
}

events! {
    /// A server event.
    pub enum ServerEvent, else Unknown, first fast::read;
    // The most frequent first, for a type is looked up from the top.
    "session.output_audio.delta" => SessionOutputAudioDelta,
    "session.input_audio.append" => SessionInputAudioAppend,
    "session.input_transcript.delta" => SessionInputTranscriptDelta,
    "session.output_transcript.delta" => SessionOutputTranscriptDelta,
    "response.event" => ResponseEvent,
    "session.paused" => SessionPaused,
    "session.resumed" => SessionResumed,
    "session.input_audio.muted" => SessionInputAudioMuted,
    "session.input_audio.unmuted" => SessionInputAudioUnmuted,
    "session.output_audio.fixture.playing" => SessionOutputAudioFixturePlaying,
    "session.output_audio.fixture.played" => SessionOutputAudioFixturePlayed,
    "session.instructions.appended" => SessionInstructionsAppended,
    "session.thinking.appended" => SessionThinkingAppended,
    "session.commentary.appended" => SessionCommentaryAppended,
    "decision.item.deleted" => DecisionItemDeleted,
    "info" => Info,
    "transport.ringing" => TransportRinging,
    "transport.answered" => TransportAnswered,
    "transport.dtmf.received" => TransportDtmfReceived,
    "transport.dtmf.sent" => TransportDtmfSent,
    "transport.dtmf.send" => TransportDtmfSend(TransportDtmfSendNotice),
    boxed {
        "session.usage.updated" => SessionUsageUpdated,
        "session.delegation.created" => SessionDelegationCreated,
        "decision.event" => DecisionEvent,
        "decision.item.created" => DecisionItemCreated,
        "session.started" => SessionStarted,
        "session.updated" => SessionUpdated,
        "session.closed" => SessionClosed,
        "transport.failed" => TransportFailed,
        "error" => Error(ErrorEvent),
    }
}

all_or_nothing!(StoredItem);
