use crate::wire::Id;

server_events! {
    /// The buffered audio was committed as a user message, by the client or by turn detection.
    pub struct InputAudioBufferCommitted {
        /// Id of the preceding item. Null if the item is the first. Unset if the server does not say.
        patch previous_item_id: Id,
        /// Id of the message that is about to be added to the conversation.
        soft item_id: Id,
    }

    /// The input buffer was cleared. Answers `input_audio_buffer.clear`.
    pub struct InputAudioBufferCleared {}

    /// The user has started to speak. If the model's audio is playing, this is a barge-in.
    pub struct InputAudioBufferSpeechStarted {
        /// Start of the speech, in milliseconds of all audio sent in the session. Includes the audio kept before the
        /// speech (`prefix_padding_ms`). Other servers may omit it.
        opt_int audio_start_ms: u64,
        /// Id of the message that the speech will become. The message does not exist yet.
        soft item_id: Id,
    }

    /// The user has stopped speaking.
    pub struct InputAudioBufferSpeechStopped {
        /// End of the speech, in milliseconds of all audio sent in the session. Includes the silence that ended the
        /// turn (`silence_duration_ms`). Other servers may omit it.
        opt_int audio_end_ms: u64,
        /// Id of the message that the speech will become.
        soft item_id: Id,
    }

    /// There was no speech for `idle_timeout_ms`. The silence is committed, and the model responds.
    pub struct InputAudioBufferTimeoutTriggered {
        /// Start of the silence, in milliseconds of all audio sent in the session.
        opt_int audio_start_ms: u64,
        /// End of the silence, in milliseconds of all audio sent in the session.
        opt_int audio_end_ms: u64,
        /// Id of the message that the silence becomes.
        soft item_id: Id,
    }

    /// The caller pressed a key of the telephone. Over SIP only.
    pub struct InputAudioBufferDtmfEventReceived {
        /// The key: `0` to `9`, `*`, `#`, `A` to `D`.
        req event | "digit": String,
        /// Time of the key press, in seconds since the Unix epoch.
        opt_int received_at: u64,
    }
}
