//! The Realtime protocol: conversation and transcription.

mod dialect;
pub(crate) mod event;
mod player;
pub(crate) mod resources;
mod response;
mod settings;
mod snapshot;
pub(crate) mod state;
pub mod tools;
pub(crate) mod types;

use event::{ClientEvent, ConversationItemAdded, InputAudioBufferAppend, ServerEvent};
use state::{RealtimeState, is_out_of_band};
use tools::ToolError;
use types::{Item, SessionConfig};

pub use player::Player;
pub use response::ResponseHandle;
pub use settings::{Overlap, Playback, RealtimeSettings, Retention};
pub use snapshot::Drained;

use crate::{
    dialect::{Dialect, DialectError},
    protocol::{
        Protocol, append,
        event::{ErrorEvent, Event},
        refusal, sample_bytes,
        types::{ErrorBody, ResponseStatus},
    },
    transport::Text,
    wire::Id,
};

/// The protocol of conversation and transcription sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime;

/// A notice of a conversation or transcription session, among the
/// [`updates`](crate::Connection::updates) of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RealtimeNotice {
    /// A function call failed.
    Tool(ToolError),
}

impl Protocol for Realtime {
    type ClientEvent = ClientEvent;
    type ServerEvent = ServerEvent;
    type State = RealtimeState;
    type Settings = RealtimeSettings;
    type Notice = RealtimeNotice;

    /// Decided by the type alone, so that a member that does not fit cannot prevent a session from opening. Some
    /// servers open it with `conversation.created`; those that send neither at least answer an update.
    #[inline]
    fn opened(event: &ServerEvent) -> bool {
        matches!(event.kind(), "session.created" | "conversation.created" | "session.updated")
    }

    /// An item announced under an older name, or only when complete, was added as well.
    fn acknowledgement(event: &ServerEvent) -> ServerEvent {
        let (event_id, previous_item_id, item) = match event {
            ServerEvent::ConversationItemCreated(created) => {
                (&created.event_id, &created.previous_item_id, &created.item)
            }
            ServerEvent::ConversationItemDone(done) => (&done.event_id, &done.previous_item_id, &done.item),
            other => return other.clone(),
        };
        let mut added = ConversationItemAdded::new(item.clone());
        added.event_id.clone_from(event_id);
        added.previous_item_id.clone_from(previous_item_id);
        added.into()
    }

    #[inline]
    fn error(event: &ServerEvent) -> Option<ErrorEvent> {
        match event {
            ServerEvent::Error(error) => Some((**error).clone()),
            _ => None,
        }
    }

    fn failure(event: &ServerEvent) -> Option<ErrorEvent> {
        let ServerEvent::ResponseDone(done) = event else { return Self::error(event) };
        if done.response.status != Some(ResponseStatus::Failed) {
            return None;
        }
        let failure = done.response.status_details.as_ref()?.error.as_ref()?;
        let mut error = ErrorBody::new(failure.message.clone().unwrap_or_default());
        (error.kind, error.code) = (failure.kind.clone(), failure.code.clone());
        Some(ErrorEvent::new(error))
    }

    fn encode(event: &ClientEvent, dialect: Dialect) -> Result<Text, DialectError> {
        dialect.encode(event)
    }

    fn refusal(message: &[u8]) -> Option<ErrorEvent> {
        refusal(message)
    }

    /// Assigns an id to an item without one, so that the server's answer can be matched. Converts audio content of an
    /// item that came from the server to its transcript.
    fn prepare(event: &mut ClientEvent, fresh: &dyn Fn(&str) -> Id) {
        let ClientEvent::ConversationItemCreate(create) = event else { return };
        if let Item::Message(message) = &mut create.item {
            message.make_creatable();
        }
        if create.item.id().is_none() && !matches!(create.item, Item::McpApprovalResponse(_)) {
            create.item.set_id(fresh("item"));
        }
    }

    fn audio(event: &ClientEvent) -> Option<&[u8]> {
        match event {
            ClientEvent::InputAudioBufferAppend(append) => Some(&append.audio),
            _ => None,
        }
    }

    fn is_audio_barrier(event: &ClientEvent) -> bool {
        matches!(event, ClientEvent::InputAudioBufferCommit(_) | ClientEvent::InputAudioBufferClear(_))
    }

    fn is_scheduled(event: &ClientEvent) -> bool {
        matches!(event, ClientEvent::ResponseCreate(create) if !is_out_of_band(create.response.as_ref()))
    }

    fn sample_bytes(event: &ClientEvent) -> Option<usize> {
        let ClientEvent::SessionUpdate(update) = event else { return None };
        let input = match &update.session {
            SessionConfig::Realtime(config) => config.audio.as_ref()?.input.as_ref()?,
            SessionConfig::Transcription(config) => config.audio.as_ref()?.input.as_ref()?,
            SessionConfig::Other(_) => return None,
        };
        input.format.as_ref().map(sample_bytes)
    }

    fn append(audio: &[u8]) -> Text {
        append(r#"{"type":"input_audio_buffer.append","audio":""#, audio)
    }

    fn appended(audio: &[u8]) -> ClientEvent {
        InputAudioBufferAppend::new(audio.to_vec()).into()
    }
}
