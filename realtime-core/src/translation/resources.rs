//! What can be sent in a translation session, named like the protocol's events.

use super::{
    Translation,
    event::{SessionUpdate, SessionUpdated},
    types::TranslationSessionConfig,
};
use crate::connection::{Ack, Connection, SendError};

impl Connection<Translation> {
    /// The session's configuration. To end the session, use [`finish`](Connection::finish).
    pub fn session(&self) -> TranslationSessionResource<'_> {
        TranslationSessionResource(self)
    }

    /// The user's input audio.
    pub fn input_audio_buffer(&self) -> TranslationInputResource<'_> {
        TranslationInputResource(self)
    }
}

/// `session` of a translation session.
#[derive(Clone, Copy, Debug)]
pub struct TranslationSessionResource<'a>(&'a Connection<Translation>);

impl TranslationSessionResource<'_> {
    /// Changes the session's configuration: `session.update`. Members that are not set keep their value.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::send`](crate::Sender::send).
    pub fn update(
        &self,
        config: TranslationSessionConfig,
    ) -> Result<Ack<Translation, SessionUpdated>, SendError<Translation>> {
        self.0.request(SessionUpdate::new(config))
    }
}

/// `session.input_audio_buffer` of a translation session.
#[derive(Clone, Copy, Debug)]
pub struct TranslationInputResource<'a>(&'a Connection<Translation>);

impl TranslationInputResource<'_> {
    /// Appends audio to be translated, silence included, 16-bit PCM at 24,000 Hz: `session.input_audio_buffer.append`.
    ///
    /// # Errors
    /// Returns the event. See [`Sender::append`](crate::Sender::append).
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<Translation>> {
        self.0.append(audio)
    }
}
