use crate::{
    protocol::types::{DetectedLanguage, Failure, Logprob},
    realtime::types::TranscriptionUsage,
    wire::Id,
};

server_events! {
    /// A piece of what the user said.
    ///
    /// Transcription runs beside the responses: it may come before or after them, and even before the item that it
    /// belongs to.
    pub struct ConversationItemInputAudioTranscriptionDelta {
        /// The user's message.
        req item_id: Id,
        /// Its part that holds the audio: the first one, if left out.
        opt_int content_index: u32,
        /// The text to be added.
        opt_text delta: String,
        /// How likely it is, if the session includes that.
        list logprobs: Logprob,
    }

    /// All that the user said.
    pub struct ConversationItemInputAudioTranscriptionCompleted {
        /// The user's message.
        req item_id: Id,
        /// Its part that holds the audio.
        req_int content_index: u32,
        /// The text.
        req_text transcript: String,
        /// The languages that were heard, from models that tell. None could be told, if the list is empty.
        list languages: DetectedLanguage,
        /// How likely it is, if the session includes that.
        list logprobs: Logprob,
        /// What it has used. Older servers leave it out.
        opt usage: TranscriptionUsage,
    }

    /// What one speaker said without a break, from models that tell speakers apart.
    pub struct ConversationItemInputAudioTranscriptionSegment {
        /// The user's message.
        req item_id: Id,
        /// Its part that holds the audio.
        req_int content_index: u32,
        /// The text.
        req_text text: String,
        /// The segment's id.
        soft id: Id,
        /// Who speaks, by a label.
        req speaker: String,
        /// Where it begins in the audio, in seconds.
        opt start: f64,
        /// Where it ends in the audio, in seconds.
        opt end: f64,
    }

    /// What the user said could not be transcribed.
    pub struct ConversationItemInputAudioTranscriptionFailed {
        /// The user's message.
        req item_id: Id,
        /// Its part that holds the audio.
        req_int content_index: u32,
        /// Why.
        soft error: Failure,
    }
}
