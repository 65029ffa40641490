use crate::wire::Audio;

client_events! {
    /// Adds audio to the input buffer. There is no answer.
    ///
    /// With turn detection the server listens in the buffer and takes each turn out of it; without, the client commits
    /// it.
    pub struct InputAudioBufferAppend {
        /// The audio in the session's input format: at most 15 MiB.
        req audio: Audio,
    }

    /// Makes the buffered audio a message of the user. It does not ask for a response.
    ///
    /// The server answers with `input_audio_buffer.committed`, or with an `error` if the buffer is empty.
    pub struct InputAudioBufferCommit {}

    /// Throws the buffered audio away.
    ///
    /// The server answers with `input_audio_buffer.cleared`.
    pub struct InputAudioBufferClear {}
}
