use crate::{
    protocol::types::{DetectedLanguage, Failure, Logprob},
    realtime::types::TranscriptionUsage,
    wire::Id,
};

server_events! {
    /// Part of the transcript of the user's speech.
    ///
    /// Transcription runs concurrently with responses. It may arrive before or after them, and even before the item
    /// that it belongs to.
    pub struct ConversationItemInputAudioTranscriptionDelta {
        /// Id of the user's message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the content part with the audio. The first one if unset.
        opt_int content_index: u32,
        /// Text to append.
        opt_text delta: String,
        /// Log probabilities of the tokens, if the session includes them.
        list logprobs: Logprob,
    }

    /// The complete transcript of the user's speech.
    pub struct ConversationItemInputAudioTranscriptionCompleted {
        /// Id of the user's message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the content part with the audio.
        req_int content_index: u32,
        /// The transcript.
        req_text transcript: String,
        /// Detected languages, from models that report them. Empty if none could be determined.
        list languages: DetectedLanguage,
        /// Log probabilities of the tokens, if the session includes them.
        list logprobs: Logprob,
        /// Usage. Older servers omit it.
        opt usage: TranscriptionUsage,
    }

    /// A segment of uninterrupted speech by one speaker, from models that distinguish speakers.
    pub struct ConversationItemInputAudioTranscriptionSegment {
        /// Id of the user's message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the content part with the audio.
        req_int content_index: u32,
        /// The text.
        req_text text: String,
        /// Id of the segment.
        soft id: Id,
        /// Label of the speaker.
        req speaker: String,
        /// Start in the audio, in seconds.
        opt start: f64,
        /// End in the audio, in seconds.
        opt end: f64,
    }

    /// Transcribing the user's speech failed.
    pub struct ConversationItemInputAudioTranscriptionFailed {
        /// Id of the user's message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the content part with the audio.
        req_int content_index: u32,
        /// The reason.
        soft error: Failure,
    }
}
