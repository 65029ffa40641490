//! Which events travel on a connection.

use std::fmt;

use crate::{
    dialect::{Dialect, DialectError},
    error::said,
    event::{
        ClientEvent, ConversationItemAdded, ErrorEvent, Event, InputAudioBufferAppend, ServerEvent,
        translation::{self, SessionClose, SessionInputAudioBufferAppend},
    },
    session::{RealtimeSession, State, TranslationSession, realtime::is_out_of_band},
    transport::Text,
    types::{AudioFormat, Item, SessionConfig},
    wire::{Id, base64},
};

/// A family of events, its opening and its ending: all that the connection knows of it.
///
/// The same type string can mean different shapes on different sockets (`session.created` does), so every protocol
/// has tables and a state of its own. [`Realtime`] and [`Translation`] come with the crate; another family is another
/// implementation, and the connection stays as it is.
pub trait Protocol: fmt::Debug + Send + Sync + Sized + 'static {
    /// What the client sends.
    type ClientEvent: Event;
    /// What the server sends.
    type ServerEvent: Event;
    /// What is known of the session.
    type State: State<Self>;
    /// What is said of a connection of this protocol before it is made: see [`Connect::settings`](crate::Connect::settings).
    type Settings: Clone + fmt::Debug + Default + Send + Sync + 'static;

    /// What must be sent before the server opens the session, for these settings and what is known of the session
    /// before, if another link led to one.
    fn opening(settings: &Self::Settings, before: &Self::State) -> Option<Self::ClientEvent> {
        let _ = (settings, before);
        None
    }

    /// Whether the session is under way already, and outlives the connection: then the upgrade opens it, whatever
    /// arrives, and after a drop it is joined again.
    fn joins() -> bool {
        false
    }

    /// Whether this event opens the session.
    fn opened(event: &Self::ServerEvent) -> bool;

    /// Whether this event says only that the server lives. Those of the WebSocket protocol are no events.
    fn is_keepalive(event: &Self::ServerEvent) -> bool {
        matches!(event.kind(), "ping" | "pong" | "keepalive" | "keep_alive" | "heartbeat")
    }

    /// The event that an acknowledgement is given as, where it has another name than the event that came.
    fn acknowledgement(event: &Self::ServerEvent) -> Self::ServerEvent {
        event.clone()
    }

    /// What is sent to end the session in order; [`closed`](Self::closed) is then waited for.
    fn closing() -> Option<Self::ClientEvent> {
        None
    }

    /// Whether this event ends the session.
    fn closed(event: &Self::ServerEvent) -> bool {
        let _ = event;
        false
    }

    /// Whether a session that was to be [closed](Self::closing) has ended in order only if the server said so. Else the
    /// end of the link is enough.
    fn confirms_end() -> bool {
        false
    }

    /// The server's complaint, if the event is one, in the words of Realtime.
    fn error(event: &Self::ServerEvent) -> Option<ErrorEvent>;

    /// Writes an event in the words of the server.
    ///
    /// # Errors
    /// The event has something that the dialect cannot say.
    fn encode(event: &Self::ClientEvent, dialect: Dialect) -> Result<Text, DialectError> {
        let _ = dialect;
        Ok(event.encode())
    }

    /// What the server complains of in a message that is no [`error`](Self::error), if it is to be had: asked of what
    /// comes in place of the event that opens the session.
    fn refusal(message: &[u8]) -> Option<ErrorEvent> {
        let _ = message;
        None
    }

    /// Completes an event that is about to be queued, with ids that `fresh` makes of a prefix.
    fn prepare(event: &mut Self::ClientEvent, fresh: &dyn Fn(&str) -> Id) {
        let _ = (event, fresh);
    }

    /// The audio that the event appends to the input buffer.
    fn audio(event: &Self::ClientEvent) -> Option<&[u8]>;

    /// Whether the event uses up the audio appended before it, as a commit does.
    fn is_audio_barrier(event: &Self::ClientEvent) -> bool {
        let _ = event;
        false
    }

    /// Whether the event asks for a response of the conversation, of which there is one at a time.
    fn is_scheduled(event: &Self::ClientEvent) -> bool {
        let _ = event;
        false
    }

    /// How many bytes one sample of input audio has after this event, where it says so.
    fn sample_bytes(event: &Self::ClientEvent) -> Option<usize> {
        let _ = event;
        None
    }

    /// Writes the event that appends this audio, in one allocation.
    fn append(audio: &[u8]) -> Text;

    /// The event that appends this audio: what is given back where it is not taken.
    fn appended(audio: &[u8]) -> Self::ClientEvent {
        Self::ClientEvent::decode(Self::append(audio).as_bytes())
    }
}

/// Conversation and transcription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime;

/// Translation: the user speaks, the server speaks the same in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation;

impl Protocol for Realtime {
    type ClientEvent = ClientEvent;
    type ServerEvent = ServerEvent;
    type State = RealtimeSession;
    type Settings = ();

    /// By its type alone, so that a member that does not fit keeps no session from being opened. Some servers open it by
    /// `conversation.created`, and those that send neither say at least what became of an update.
    fn opened(event: &ServerEvent) -> bool {
        matches!(event.kind(), "session.created" | "conversation.created" | "session.updated")
    }

    /// Items that are announced by an older name, or by being complete, were added all the same.
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

    fn error(event: &ServerEvent) -> Option<ErrorEvent> {
        match event {
            ServerEvent::Error(error) => Some((**error).clone()),
            _ => None,
        }
    }

    fn encode(event: &ClientEvent, dialect: Dialect) -> Result<Text, DialectError> {
        dialect.encode(event)
    }

    fn refusal(message: &[u8]) -> Option<ErrorEvent> {
        refusal(message)
    }

    /// An item without an id gets one, so that the server's answer is told from other items. What was said in an item
    /// that came from the server goes back in writing.
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

impl Protocol for Translation {
    type ClientEvent = translation::ClientEvent;
    type ServerEvent = translation::ServerEvent;
    type State = TranslationSession;
    type Settings = ();

    fn opened(event: &translation::ServerEvent) -> bool {
        matches!(event.kind(), "session.created" | "session.updated")
    }

    fn closing() -> Option<translation::ClientEvent> {
        Some(SessionClose::default().into())
    }

    fn closed(event: &translation::ServerEvent) -> bool {
        matches!(event, translation::ServerEvent::SessionClosed(_))
    }

    fn error(event: &translation::ServerEvent) -> Option<ErrorEvent> {
        match event {
            translation::ServerEvent::Error(error) => Some((**error).clone()),
            _ => None,
        }
    }

    fn refusal(message: &[u8]) -> Option<ErrorEvent> {
        refusal(message)
    }

    fn audio(event: &translation::ClientEvent) -> Option<&[u8]> {
        match event {
            translation::ClientEvent::SessionInputAudioBufferAppend(append) => Some(&append.audio),
            _ => None,
        }
    }

    fn append(audio: &[u8]) -> Text {
        append(r#"{"type":"session.input_audio_buffer.append","audio":""#, audio)
    }

    fn appended(audio: &[u8]) -> translation::ClientEvent {
        SessionInputAudioBufferAppend::new(audio.to_vec()).into()
    }
}

/// How many bytes one sample has. One for a format that is not known, so that nothing is refused.
pub(crate) fn sample_bytes(format: &AudioFormat) -> usize {
    format.bytes_per_sample().map_or(1, |bytes| bytes as usize)
}

/// The words of a complaint in the shapes that refusals by HTTP have.
fn refusal(message: &[u8]) -> Option<ErrorEvent> {
    said(message, &[]).filter(|error| !error.error.message.is_empty())
}

pub(crate) fn append(head: &str, audio: &[u8]) -> Text {
    Text::declared(base64::encode_between(head, audio, "\"}").into())
}
