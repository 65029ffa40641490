//! What the client sends.

use crate::{
    event::Custom,
    live::types::{DecisionItem, DtmfKey, ForkConfig, ResponseItem, SessionConfig, UpdateConfig},
    wire::{Audio, Id},
};

live_client_events! {
    /// Begins a session: the first event of the connection.
    ///
    /// The server answers with `session.started`, or with an `error` and no session.
    pub struct SessionStart {
        /// The session's configuration.
        req session: SessionConfig,
    }

    /// Begins a session that goes on from a stored one: the first event of a fork's connection.
    ///
    /// The server answers with `session.started`, or with an `error` and no session.
    pub struct ForkStart {
        /// Differences from the stored session. The empty configuration inherits everything.
        req session: ForkConfig,
    }

    /// Changes delegation settings or triggers. Anything else is fixed from the start.
    ///
    /// The server answers with `session.updated`, or with an `error`.
    pub struct SessionUpdate {
        /// The changes.
        req session: UpdateConfig,
    }

    /// Sends input audio. There is no answer.
    ///
    /// Audio must be sent all the time and at the pace of speech, silence included: without it the session's clock, its
    /// output and its acknowledgements stand still. The server sends the same event to sidebands, for input that it
    /// received.
    pub struct SessionInputAudioAppend {
        /// The audio, in the session's format.
        #[serde(deserialize_with = "crate::live::types::read_audio")]
        req audio: Audio,
    }

    /// Mutes the input.
    ///
    /// The server answers with `session.input_audio.muted`.
    pub struct SessionInputAudioMute {}

    /// Unmutes the input.
    ///
    /// The server answers with `session.input_audio.unmuted`.
    pub struct SessionInputAudioUnmute {}

    /// Plays a clip to the user: the model is interrupted, and the input is muted meanwhile.
    ///
    /// The server answers with `session.output_audio.fixture.playing`, later with
    /// `session.output_audio.fixture.played`; or with an `error`, as it does while another clip plays.
    pub struct SessionOutputAudioFixturePlay {
        /// The whole clip, 30 seconds at most: 16-bit PCM at 24,000 Hz, whatever the session's format.
        #[serde(deserialize_with = "crate::live::types::read_audio")]
        req audio: Audio,
    }

    /// Asks the decision model its configured questions.
    ///
    /// The server answers with `decision.event`.
    pub struct DecisionCreate {}

    /// Adds an item for future decisions.
    ///
    /// The server answers with `decision.item.created`, or with an `error`.
    pub struct DecisionItemCreate {
        /// The item.
        req item: DecisionItem,
    }

    /// Removes an item from future decisions.
    ///
    /// The server answers with `decision.item.deleted`, or with an `error`.
    pub struct DecisionItemDelete {
        /// The item.
        req item_id: Id,
    }

    /// Adds an item for the Responses backend: the output of a call, or a message. There is no answer but an `error`.
    pub struct ResponseItemCreate {
        /// The item.
        req item: ResponseItem,
    }

    /// Asks the Responses backend for a response, or to go on after all calls have their outputs.
    ///
    /// The server answers with `response.event`s.
    pub struct ResponseCreate {}

    /// Ends the session: the server finishes what it has, and answers with `session.closed`.
    pub struct SessionClose {}

    /// Presses a key of the telephone, on a sideband of a call.
    ///
    /// The server answers with `transport.dtmf.sent`, or with an `error`.
    pub struct TransportDtmfSend {
        /// The key.
        req event: DtmfKey,
    }
}

/// The three commands that add context; they have the same members.
macro_rules! contexts {
    ($($(#[$meta:meta])* pub struct $name:ident;)+) => {$(
        live_client_events! {
            $(#[$meta])*
            pub struct $name {
                /// The text, at most 500 tokens.
                req_text content: String,
                /// The task that it belongs to; none for the session as a whole, written as null.
                req delegation_id: Option<Id>,
            }
        }

        impl $name {
            /// For the session as a whole.
            pub fn session(content: impl Into<String>) -> Self {
                Self::new(content, None::<Id>)
            }

            /// For a task that was handed over to the application.
            pub fn delegation(id: impl Into<Id>, content: impl Into<String>) -> Self {
                Self::new(content, Some(id.into()))
            }
        }
    )+};
}

contexts! {
    /// Adds a standing instruction. It may interrupt the voice, and it is kept when the context is compacted.
    ///
    /// The server answers with `session.instructions.appended`, or with an `error`, as it does while a clip plays.
    pub struct SessionInstructionsAppend;

    /// Adds knowledge that the voice keeps to itself.
    ///
    /// The server answers with `session.thinking.appended`, or with an `error`, as it does while a clip plays.
    pub struct SessionThinkingAppend;

    /// Adds something that the voice says once, in its own words.
    ///
    /// The server answers with `session.commentary.appended`, or with an `error`, as it does while a clip plays.
    pub struct SessionCommentaryAppend;
}

/// The table of a kind of connection: the events that all kinds send, and its own.
macro_rules! table {
    ($(#[$meta:meta])* { $($own:tt)* } boxed { $($boxed:tt)* }) => {
        events! {
            $(#[$meta])*
            pub enum ClientEvent, else Custom;
            "session.input_audio.mute" => SessionInputAudioMute,
            "session.input_audio.unmute" => SessionInputAudioUnmute,
            "session.output_audio.fixture.play" => SessionOutputAudioFixturePlay,
            "session.instructions.append" => SessionInstructionsAppend,
            "session.thinking.append" => SessionThinkingAppend,
            "session.commentary.append" => SessionCommentaryAppend,
            "decision.create" => DecisionCreate,
            "decision.item.delete" => DecisionItemDelete,
            "response.create" => ResponseCreate,
            "session.close" => SessionClose,
            $($own)*
            boxed {
                "session.update" => SessionUpdate,
                "decision.item.create" => DecisionItemCreate,
                "response.item.create" => ResponseItemCreate,
                $($boxed)*
            }
        }
    };
}

table! {
    /// A client event of a session of its own.
    { "session.input_audio.append" => SessionInputAudioAppend, }
    boxed { "session.start" => SessionStart, }
}

/// Events sent on a fork.
///
/// # Examples
/// ```
/// use realtime_core::live::event::{SessionInputAudioMute, fork::ClientEvent};
///
/// let event: ClientEvent = SessionInputAudioMute::default().into();
/// assert_eq!(serde_json::to_value(&event)?["type"], "session.input_audio.mute");
/// # Ok::<_, serde_json::Error>(())
/// ```
pub mod fork {
    use super::*;

    table! {
        /// A client event of a session forked from a stored one.
        { "session.input_audio.append" => SessionInputAudioAppend, }
        boxed { "session.start" => SessionStart(ForkStart), }
    }
}

/// Events sent on a sideband.
///
/// # Examples
/// ```
/// use realtime_core::live::event::{SessionInputAudioMute, sideband::ClientEvent};
///
/// let event: ClientEvent = SessionInputAudioMute::default().into();
/// assert_eq!(serde_json::to_value(&event)?["type"], "session.input_audio.mute");
/// # Ok::<_, serde_json::Error>(())
/// ```
pub mod sideband {
    use super::*;

    table! {
        /// A client event of a sideband, for a session held by a browser or a telephone.
        { "transport.dtmf.send" => TransportDtmfSend, }
        boxed {}
    }
}
