use crate::{translation::types::TranslationSessionConfig, wire::Audio};

client_events! {
    /// Changes the session's configuration. Members that are not set keep their value.
    ///
    /// The server answers with `session.updated` or with an `error`.
    pub struct SessionUpdate {
        /// The changes.
        req session: TranslationSessionConfig,
    }

    /// Appends audio to be translated, silence included: 16-bit PCM at 24,000 Hz. There is no answer.
    ///
    /// The server works in steps of 200 ms, so that is the best length. Shorter audio is buffered until a step is
    /// complete.
    pub struct SessionInputAudioBufferAppend {
        /// The audio.
        req audio: Audio,
    }

    /// Ends the session. The server translates the remaining audio, sends it, and answers with `session.closed`.
    pub struct SessionClose {}
}
