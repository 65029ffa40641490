//! What a response consists of, as it comes: each delta is to be added, each `done` brings the whole.

use crate::{
    protocol::event::Event,
    realtime::event::{ServerEvent, fast},
    wire::{Audio, Id, TextDelta},
};

server_events! {
    /// A piece of text that the model writes.
    pub struct ResponseOutputTextDelta {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The text to be added.
        req_text delta: TextDelta,
    }

    /// All text of a part, or as much as there was when it was cut short.
    pub struct ResponseOutputTextDone {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The text.
        req_text text: String,
    }

    /// A piece of audio that the model speaks, in the session's output format. It comes faster than it is heard.
    pub struct ResponseOutputAudioDelta {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The audio to be added.
        req delta: Audio,
    }

    /// The audio of a part is complete, or was cut short.
    pub struct ResponseOutputAudioDone {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
    }

    /// A piece of the transcript of what the model speaks.
    pub struct ResponseOutputAudioTranscriptDelta {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The text to be added.
        req_text delta: TextDelta,
    }

    /// The whole transcript of what the model speaks, or as much as there was when it was cut short.
    pub struct ResponseOutputAudioTranscriptDone {
        /// The response.
        soft response_id: Id,
        /// The message.
        req item_id: Id,
        /// The message's place in the response.
        req_int output_index: u32,
        /// The part's place in the message.
        req_int content_index: u32,
        /// The text.
        req_text transcript: String,
    }

    /// A piece of the arguments of a function call.
    pub struct ResponseFunctionCallArgumentsDelta {
        /// The response.
        soft response_id: Id,
        /// The function call. Empty if the server names it by its call's id alone.
        soft item_id: Id,
        /// The call's place in the response.
        req_int output_index: u32,
        /// The call's id, which the answer names.
        soft call_id: Id,
        /// The JSON text to be added.
        req_text delta: String,
    }

    /// All arguments of a function call: the application may run it.
    pub struct ResponseFunctionCallArgumentsDone {
        /// The response.
        soft response_id: Id,
        /// The function call. Empty if the server names it by its call's id alone.
        soft item_id: Id,
        /// The call's place in the response.
        req_int output_index: u32,
        /// The call's id, which the answer names.
        soft call_id: Id,
        /// The function's name. Older servers leave it out; the item has it.
        opt name: String,
        /// The arguments: JSON as the model has written it, so perhaps not JSON at all.
        req_json arguments: String,
    }
}

impl ResponseOutputAudioDelta {
    /// Reads one from its message, and appends its audio to a buffer: with room there, nothing is allocated. `delta`
    /// stays empty. None, and the buffer as it was, if the message is another event.
    ///
    /// For those who read messages themselves and keep their samples in a buffer of their own.
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
