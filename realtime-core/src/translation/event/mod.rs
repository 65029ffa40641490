//! The events of a session that translates: the user speaks, the server speaks and writes the same in another language,
//! all the time.
//!
//! It is a protocol of its own: some names are those of the other one, with other members.

mod client;
mod server;

pub use client::*;
pub use server::*;

use crate::protocol::event::{Custom, ErrorEvent, Unknown};

events! {
    /// What the client sends, in a session that translates.
    pub enum ClientEvent, else Custom;
    "session.input_audio_buffer.append" => SessionInputAudioBufferAppend,
    "session.close" => SessionClose,
    boxed {
        "session.update" => SessionUpdate,
    }
}

events! {
    /// What the server sends, in a session that translates.
    pub enum ServerEvent, else Unknown, lenient yes;
    "session.output_audio.delta" => SessionOutputAudioDelta,
    "session.output_transcript.delta" => SessionOutputTranscriptDelta,
    "session.input_transcript.delta" => SessionInputTranscriptDelta,
    "session.closed" => SessionClosed,
    boxed {
        "session.created" => SessionCreated,
        "session.updated" => SessionUpdated,
        "error" => Error(ErrorEvent),
    }
}
