use crate::wire::Audio;

client_events! {
    /// Appends audio to the input buffer. There is no answer.
    ///
    /// With turn detection, the server commits each turn; otherwise, the client does.
    pub struct InputAudioBufferAppend {
        /// The audio, in the session's input format: at most 15 MiB.
        req audio: Audio,
    }

    /// Turns the buffered audio into a user message. Does not request a response.
    ///
    /// The server answers with `input_audio_buffer.committed`, or with an `error` if the buffer is empty.
    pub struct InputAudioBufferCommit {}

    /// Discards the buffered audio.
    ///
    /// The server answers with `input_audio_buffer.cleared`.
    pub struct InputAudioBufferClear {}
}
