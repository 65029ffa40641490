use crate::{
    event::Unknown,
    wire::{Audio, Id},
};

wire! {
    /// audio delta
    pub struct ResponseOutputAudioDelta {
        /// id
        opt event_id: Id,
        /// item
        req item_id: Id,
        /// index
        req_int content_index: u32,
        /// audio
        req delta: Audio,
    }
    /// created
    pub struct SessionCreated {
        /// id
        opt event_id: Id,
        /// tools
        opt tools: Vec<crate::types::Tool>,
    }
}

wire! {
    /// e
    pub struct ErrorEvent {
        /// id
        opt event_id: Id,
        /// e
        req error: String,
    }
}
events! {
    /// What the server sends.
    pub enum ServerEvent, else Unknown;
    "response.output_audio.delta" | "response.audio.delta" => ResponseOutputAudioDelta,
    "error" => ErrorEvent,
    boxed {
        "session.created" => SessionCreated,
    }
}
