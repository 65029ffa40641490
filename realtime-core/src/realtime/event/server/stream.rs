//! The streamed content of a response. Each `delta` is to be appended; each `done` has the whole.

use crate::{
    protocol::event::Event,
    realtime::event::{ServerEvent, fast},
    wire::{Audio, Id, TextDelta},
};

server_events! {
    /// Part of a text written by the model.
    pub struct ResponseOutputTextDelta {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// Text to append.
        req_text delta: TextDelta,
    }

    /// The complete text of a part, or what there was when it was cut short.
    pub struct ResponseOutputTextDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// The text.
        req_text text: String,
    }

    /// Part of the audio spoken by the model, in the session's output format. It arrives faster than it is played.
    pub struct ResponseOutputAudioDelta {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// Audio to append.
        req delta: Audio,
    }

    /// The audio of a part is complete, or was cut short.
    pub struct ResponseOutputAudioDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
    }

    /// Part of the transcript of the model's audio.
    pub struct ResponseOutputAudioTranscriptDelta {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// Text to append.
        req_text delta: TextDelta,
    }

    /// The complete transcript of the model's audio, or what there was when it was cut short.
    pub struct ResponseOutputAudioTranscriptDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the message. Empty if the server omits it and it cannot be inferred.
        soft item_id: Id,
        /// Index of the message in the output of the response.
        req_int output_index: u32,
        /// Index of the part in the content of the message.
        req_int content_index: u32,
        /// The transcript.
        req_text transcript: String,
    }

    /// Part of the arguments of a function call.
    pub struct ResponseFunctionCallArgumentsDelta {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the call's item. Empty if the server identifies the call by `call_id` only.
        soft item_id: Id,
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// Id of the call, which its output refers to.
        soft call_id: Id,
        /// JSON text to append.
        req_text delta: String,
    }

    /// The complete arguments of a function call, which can now be run.
    pub struct ResponseFunctionCallArgumentsDone {
        /// Id of the response.
        soft response_id: Id,
        /// Id of the call's item. Empty if the server identifies the call by `call_id` only.
        soft item_id: Id,
        /// Index of the call in the output of the response.
        req_int output_index: u32,
        /// Id of the call, which its output refers to.
        soft call_id: Id,
        /// Name of the function. Older servers omit it here; the item has it.
        opt name: String,
        /// The arguments: JSON as written by the model, which may be invalid.
        req_json arguments: String,
    }
}

impl ResponseOutputAudioDelta {
    /// Decodes an event and appends its audio to `buffer`; `delta` stays empty. Does not allocate if the buffer has
    /// enough capacity. Returns `None` and leaves the buffer unchanged if the message is another event.
    ///
    /// Intended for applications that read messages themselves and keep samples in their own buffer.
    pub fn decode_into(raw: &[u8], buffer: &mut Vec<u8>) -> Option<Self> {
        if let Some(delta) = fast::read_audio_into(raw, buffer) {
            return Some(delta);
        }
        let ServerEvent::ResponseOutputAudioDelta(mut event) = ServerEvent::decode(raw) else { return None };
        buffer.extend_from_slice(&event.delta);
        event.delta = Audio::default();
        Some(event)
    }
}
