//! Which events travel on a connection.

pub mod dialect;
#[macro_use]
pub(crate) mod event;
pub(crate) mod state;
pub(crate) mod types;

use std::fmt;

use self::{
    dialect::{Dialect, DialectError},
    event::{ErrorEvent, Event},
    state::State,
    types::AudioFormat,
};
// Until the connection names the families by their own paths.
pub(crate) use crate::{realtime::Realtime, translation::Translation};

use crate::{
    endpoint::Target,
    error::said,
    transport::Text,
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

    /// Where another link leads after one was lost, for these settings and what is known of the session that was on it.
    /// None: where the first one led.
    fn target_after_loss(settings: &Self::Settings, before: &Self::State) -> Option<Target> {
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

/// How many bytes one sample has. One for a format that is not known, so that nothing is refused.
pub(crate) fn sample_bytes(format: &AudioFormat) -> usize {
    format.bytes_per_sample().map_or(1, |bytes| bytes as usize)
}

/// The words of a complaint in the shapes that refusals by HTTP have.
pub(crate) fn refusal(message: &[u8]) -> Option<ErrorEvent> {
    said(message, &[]).filter(|error| !error.error.message.is_empty())
}

pub(crate) fn append(head: &str, audio: &[u8]) -> Text {
    Text::declared(base64::encode_between(head, audio, "\"}").into())
}
