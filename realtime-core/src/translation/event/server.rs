use crate::{translation::types::TranslationSessionInfo, wire::Audio};

server_events! {
    /// The session is open: the server's first event.
    pub struct SessionCreated {
        /// The session, as it is by default.
        soft session: TranslationSessionInfo,
    }

    /// The session's configuration has changed: the answer to `session.update`.
    pub struct SessionUpdated {
        /// The session, as it is now.
        soft session: TranslationSessionInfo,
    }

    /// The session has ended: the last event, after all output.
    pub struct SessionClosed {}

    /// A piece of what was said, in its own language, if the session transcribes it.
    pub struct SessionInputTranscriptDelta {
        /// The text to be added, as it is: it brings its own spaces.
        req_text delta: String,
        /// Where in the stream it belongs, in milliseconds: in steps of 200, and several pieces may have the same.
        opt_int elapsed_ms: u64,
    }

    /// A piece of the translation, in writing.
    pub struct SessionOutputTranscriptDelta {
        /// The text to be added, as it is: it brings its own spaces.
        req_text delta: String,
        /// Where in the stream it belongs, in milliseconds: in steps of 200, and several pieces may have the same.
        opt_int elapsed_ms: u64,
    }

    /// A piece of the translation, spoken. Its length varies.
    pub struct SessionOutputAudioDelta {
        /// The audio to be added.
        req delta: Audio,
        /// Samples a second, in Hz: 24,000.
        opt_int sample_rate: u32,
        /// How many channels: 1.
        opt_int channels: u32,
        /// How the audio is written.
        opt format: TranslationAudioFormat,
        /// Where in the stream it belongs, in milliseconds. Several pieces may have the same.
        opt_int elapsed_ms: u64,
    }
}

open_enum! {
    /// How the translation's audio is written.
    pub enum TranslationAudioFormat {
        /// Little-endian 16-bit samples.
        Pcm16 = "pcm16",
    }
}
