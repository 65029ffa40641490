//! Events of a translation session, in which the server continuously translates the user's speech.
//!
//! This is a separate protocol: some events share a name with one of Realtime but have different members.

mod client;
mod server;

pub use client::*;
pub use server::*;

use crate::protocol::event::{Custom, ErrorEvent, Unknown, untyped_error};

events! {
    /// A client event of a translation session.
    pub enum ClientEvent, else Custom;
    "session.input_audio_buffer.append" => SessionInputAudioBufferAppend,
    "session.close" => SessionClose,
    boxed {
        "session.update" => SessionUpdate,
    }
}

events! {
    /// A server event of a translation session.
    pub enum ServerEvent, else Unknown, lenient yes, untyped untyped_error;
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
