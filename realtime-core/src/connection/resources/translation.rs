use super::super::{Ack, Connection, SendError};
use crate::{
    event::translation::{SessionUpdate, SessionUpdated},
    protocol::Translation,
    types::TranslationSessionConfig,
};

impl Connection<Translation> {
    /// The session's configuration. It is ended by [`finish`](Connection::finish).
    pub fn session(&self) -> TranslationSessionResource<'_> {
        TranslationSessionResource(self)
    }

    /// What the user says.
    pub fn input_audio_buffer(&self) -> TranslationInputResource<'_> {
        TranslationInputResource(self)
    }
}

/// `session`, where it translates.
#[derive(Clone, Copy, Debug)]
pub struct TranslationSessionResource<'a>(&'a Connection<Translation>);

impl TranslationSessionResource<'_> {
    /// Changes what the configuration names, and nothing else: `session.update`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::send`](crate::Sender::send) does.
    pub fn update(
        &self,
        config: TranslationSessionConfig,
    ) -> Result<Ack<Translation, SessionUpdated>, SendError<Translation>> {
        self.0.request(SessionUpdate::new(config))
    }
}

/// `session.input_audio_buffer`, where the session translates.
#[derive(Clone, Copy, Debug)]
pub struct TranslationInputResource<'a>(&'a Connection<Translation>);

impl TranslationInputResource<'_> {
    /// Adds audio to be translated, silence included, 16-bit PCM at 24,000 Hz: `session.input_audio_buffer.append`.
    ///
    /// # Errors
    /// Gives the event back, as [`Sender::append`](crate::Sender::append) does.
    pub fn append(&self, audio: &[u8]) -> Result<(), SendError<Translation>> {
        self.0.append(audio)
    }
}
