use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use super::{
    AudioConfig, Delegation, DelegationUpdate, ForkAudio, HistoryItem, MediaAudio, Number, Question,
    ResponsesDelegationUpdate,
};
use crate::wire::{Json, Union, read_union};

/// Session settings that all ways of beginning share.
macro_rules! configs {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name {
                /// The model: `gpt-live-1`, `gpt-live-1.1`.
                req model: String,
                /// The voice's instructions, at most 16,384 tokens.
                patch instructions: String,
                /// The worker for tasks that the voice hands over. Default: the application.
                patch delegation: Delegation,
                /// The conversation so far: at most 128 messages and 8,192 tokens.
                list input: HistoryItem,
                /// Triggers of decisions, at most one for each kind of transcript.
                list triggers: Trigger,
                /// Whether the recording and the history are kept for 30 days, for download and for forks.
                opt store: bool,
                /// A stable id of the end user.
                patch safety_identifier: String,
                $($body)*
            }
        )+}
    };
}

configs! {
    /// A session over WebSocket, as `session.start` asks for it.
    pub struct SessionConfig {
        /// Encoding and voice.
        opt audio: AudioConfig,
        /// Permissions of a browser's data channel. No effect on WebSockets.
        opt client: ClientRights,
    }

    /// A session over WebRTC, as `POST /live/sessions` asks for it.
    pub struct MediaSessionConfig {
        /// The voice.
        opt audio: MediaAudio,
        /// Permissions of the browser's data channel. All if unset.
        opt client: ClientRights,
        /// After how many whole seconds without speech inference pauses; never if left out.
        opt_int idle_timeout_s: u32,
        /// Events that end the pause.
        opt wake_policy: WakePolicy,
    }

    /// A session of an incoming telephone call, as `POST /live/sessions/{id}/accept` asks for it.
    pub struct AcceptConfig {
        /// The voice.
        opt audio: MediaAudio,
    }
}

wire! {
    /// Changes to the stored session by a fork over WebSocket. Members that are not set are inherited.
    pub struct ForkConfig {
        /// Encoding.
        opt audio: ForkAudio,
        /// Delegation, if the stored session delegated to a Responses model.
        opt delegation: ForkDelegation,
        /// Whether the recording and the history are kept.
        opt store: bool,
    }

    /// Changes to the stored session by a fork over WebRTC. Members that are not set are inherited.
    pub struct MediaForkConfig {
        /// Delegation, if the stored session delegated to a Responses model.
        opt delegation: ForkDelegation,
        /// Whether the recording and the history are kept.
        opt store: bool,
        /// Permissions of the browser's data channel.
        opt client: ClientRights,
    }

    /// Changes by `session.update`. Everything else is fixed from the start.
    pub struct UpdateConfig {
        /// Delegation settings, of the session's own kind.
        patch delegation: DelegationUpdate,
        /// Triggers of decisions. Kept if unset; an empty list turns them off.
        list triggers: Trigger,
    }

    /// A trigger of decisions.
    pub struct DecisionTrigger {
        /// The transcript that does: `session.input_transcript.delta` or `session.output_transcript.delta`.
        req event_type: String,
        /// The questions.
        req decisions: TriggerQuestions,
    }

    /// The questions of a trigger.
    pub struct TriggerQuestions {
        /// The questions.
        req questions: Vec<Question>,
    }

    /// Permissions of a browser in the session.
    pub struct ClientRights {
        /// The browser's data channel.
        req data_channel: DataChannel,
    }

    /// Which events may travel on a data channel: all if left out, none if the list is empty.
    pub struct DataChannel {
        /// Those that the browser may send.
        opt allowed_client_events: Allowed<String>,
        /// Those that the browser receives.
        opt allowed_server_events: Allowed<EventSelector>,
    }

    /// An event that a data channel receives.
    pub struct EventSelector {
        /// The event's type.
        req kind as "type": String,
        /// Type of the nested event, for `response.event`.
        opt response_event: String,
    }

    /// Speech ends a pause of inference.
    pub struct WakeOnSpeech {
        /// Confidence threshold from 0 to 1. 0.5 by default.
        opt vad_threshold: Number,
    }
}

union! {
    /// A trigger of decisions.
    pub enum Trigger {
        objects {
            /// A transcript.
            "decisions" => Decisions(DecisionTrigger),
        }
    }
}

union! {
    /// Changes to the delegation by a fork.
    pub enum ForkDelegation {
        objects {
            /// Delegation to a Responses model.
            "responses" => Responses(Box<ResponsesDelegationUpdate>),
        }
    }
}

impl From<ResponsesDelegationUpdate> for ForkDelegation {
    fn from(delegation: ResponsesDelegationUpdate) -> Self {
        Box::new(delegation).into()
    }
}

union! {
    /// Events that end a pause of inference.
    pub enum WakePolicy {
        objects {
            /// Speech.
            "speech" => Speech(WakeOnSpeech),
        }
    }
}

/// All of something, or only some.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Allowed<T> {
    /// All.
    All,
    /// Only these.
    Only(Vec<T>),
    /// A shape that this crate does not know, kept whole.
    Other(Json),
}

impl<T> Allowed<T> {
    /// Only these.
    pub fn only(allowed: impl IntoIterator<Item = impl Into<T>>) -> Self {
        Self::Only(allowed.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for EventSelector {
    fn from(kind: &str) -> Self {
        Self::new(kind)
    }
}

impl<T: Serialize> Serialize for Allowed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(allowed) => allowed.serialize(serializer),
            Self::Other(json) => json.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Allowed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_union(deserializer)
    }
}

impl<T: DeserializeOwned> Union for Allowed<T> {
    /// A list whose members are of another shape is kept whole too.
    fn other(json: Json) -> Self {
        match json.read() {
            Ok(allowed) => Self::Only(allowed),
            Err(_) => Self::Other(json),
        }
    }

    fn text(text: &str) -> Self {
        match text {
            "all" => Self::All,
            _ => Self::Other(Value::from(text).into()),
        }
    }
}

union! {
    /// The session of an incoming telephone call, as `POST /live/sessions/{id}/accept` carries it.
    pub enum AcceptSession {
        objects {
            /// A Live session.
            "live" => Live(Box<AcceptConfig>),
        }
    }
}

impl From<AcceptConfig> for AcceptSession {
    fn from(config: AcceptConfig) -> Self {
        Box::new(config).into()
    }
}
