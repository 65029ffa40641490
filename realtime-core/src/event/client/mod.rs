use crate::{
    event::Custom,
    wire::{Audio, Id},
};

wire! {
    /// append
    pub struct InputAudioBufferAppend {
        /// id
        opt event_id: Id,
        /// audio
        req audio: Audio,
    }
}

events! {
    /// What the client sends.
    pub enum ClientEvent, else Custom;
    "input_audio_buffer.append" => InputAudioBufferAppend,
    boxed {}
}
