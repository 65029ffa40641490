use crate::wire::Id;

server_events! {
    /// The buffered audio is a message of the user now: the client said so, or turn detection.
    pub struct InputAudioBufferCommitted {
        /// The item before it. Null: there is none. Left out: the server does not say.
        patch previous_item_id: Id,
        /// The message, which is about to be added to the conversation.
        soft item_id: Id,
    }

    /// The buffered audio is gone: the answer to `input_audio_buffer.clear`.
    pub struct InputAudioBufferCleared {}

    /// The user has begun to speak: a moment to stop the playback.
    pub struct InputAudioBufferSpeechStarted {
        /// Where the speech begins, in milliseconds of all audio that the session was sent: what was kept from before
        /// it (`prefix_padding_ms`) belongs to it. Other servers may leave it out.
        opt_int audio_start_ms: u64,
        /// The message that the speech will become. It does not exist yet.
        soft item_id: Id,
    }

    /// The user has stopped speaking.
    pub struct InputAudioBufferSpeechStopped {
        /// Where the speech ends, in milliseconds of all audio that the session was sent: the silence that ended it
        /// (`silence_duration_ms`) belongs to it. Other servers may leave it out.
        opt_int audio_end_ms: u64,
        /// The message that the speech will become.
        soft item_id: Id,
    }

    /// Nobody has spoken for as long as `idle_timeout_ms` says: the silence is committed, and the model speaks.
    pub struct InputAudioBufferTimeoutTriggered {
        /// Where the silence begins, in milliseconds of all audio that the session was sent.
        opt_int audio_start_ms: u64,
        /// Where it ends.
        opt_int audio_end_ms: u64,
        /// The message that the silence becomes.
        soft item_id: Id,
    }

    /// The caller has pressed a key of the telephone. Over SIP only.
    pub struct InputAudioBufferDtmfEventReceived {
        /// The key: `0` to `9`, `*`, `#`, `A` to `D`.
        req event | "digit": String,
        /// When, in seconds since 1970.
        opt_int received_at: u64,
    }
}
