use crate::{translation::types::TranslationSessionInfo, wire::Audio};

server_events! {
    /// The session is open. The server's first event.
    pub struct SessionCreated {
        /// The session with its default configuration.
        soft session: TranslationSessionInfo,
    }

    /// The session's configuration has changed. Answers `session.update`.
    pub struct SessionUpdated {
        /// The session with its new configuration.
        soft session: TranslationSessionInfo,
    }

    /// The session has ended. The last event, after all output.
    pub struct SessionClosed {}

    /// Part of the transcript of the user's speech, if the session transcribes it.
    pub struct SessionInputTranscriptDelta {
        /// Text to append, including its spaces.
        req_text delta: String,
        /// Position in the stream in milliseconds, in steps of 200. Several deltas may share one.
        opt_int elapsed_ms: u64,
    }

    /// Part of the translation as text.
    pub struct SessionOutputTranscriptDelta {
        /// Text to append, including its spaces.
        req_text delta: String,
        /// Position in the stream in milliseconds, in steps of 200. Several deltas may share one.
        opt_int elapsed_ms: u64,
    }

    /// Part of the translation as speech. Its length varies.
    pub struct SessionOutputAudioDelta {
        /// Audio to append.
        req delta: Audio,
        /// Sample rate in Hz: 24,000.
        opt_int sample_rate: u32,
        /// Number of channels: 1.
        opt_int channels: u32,
        /// Audio encoding.
        opt format: TranslationAudioFormat,
        /// Position in the stream in milliseconds. Several deltas may share one.
        opt_int elapsed_ms: u64,
    }
}

open_enum! {
    /// Encoding of the translation's audio.
    pub enum TranslationAudioFormat {
        /// Little-endian 16-bit samples.
        Pcm16 = "pcm16",
    }
}
