//! The translation protocol.

pub(crate) mod event;
pub(crate) mod resources;
mod snapshot;
pub(crate) mod state;
pub(crate) mod types;

use std::convert::Infallible;

pub use snapshot::TranslationSnapshot;

use event::{SessionClose, SessionInputAudioBufferAppend};
use state::TranslationState;

use self::event as translation;
use crate::{
    protocol::{
        Protocol, append,
        event::{ErrorEvent, Event},
        refusal,
    },
    transport::Text,
};

/// The protocol of translation sessions: the server translates the user's speech into another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation;

impl Protocol for Translation {
    type ClientEvent = translation::ClientEvent;
    type ServerEvent = translation::ServerEvent;
    type State = TranslationState;
    type Settings = ();
    type Notice = Infallible;

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
