use crate::{translation::types::TranslationSessionConfig, wire::Audio};

client_events! {
    /// Changes the session's configuration: what it names, nothing else.
    ///
    /// The server answers with `session.updated`, or with an `error`.
    pub struct SessionUpdate {
        /// What is to change.
        req session: TranslationSessionConfig,
    }

    /// Adds audio to be translated, silence included: 16-bit PCM at 24,000 Hz. There is no answer.
    ///
    /// The server works in steps of 200 ms, so that is the best length; what is shorter waits for more.
    pub struct SessionInputAudioBufferAppend {
        /// The audio.
        req audio: Audio,
    }

    /// Ends the session: the server translates what it still has, sends it, and answers with `session.closed`.
    pub struct SessionClose {}
}
