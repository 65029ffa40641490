//! Client events.

mod conversation;
mod input_audio_buffer;
mod output_audio_buffer;
mod response;
mod session;

pub use conversation::*;
pub use input_audio_buffer::*;
pub use output_audio_buffer::*;
pub use response::*;
pub use session::*;

use crate::protocol::event::Custom;

events! {
    /// A client event of a conversation or transcription session.
    pub enum ClientEvent, else Custom;
    "input_audio_buffer.append" => InputAudioBufferAppend,
    "input_audio_buffer.commit" => InputAudioBufferCommit,
    "input_audio_buffer.clear" => InputAudioBufferClear,
    "output_audio_buffer.clear" => OutputAudioBufferClear,
    "conversation.item.delete" => ConversationItemDelete,
    "conversation.item.retrieve" => ConversationItemRetrieve,
    "conversation.item.truncate" => ConversationItemTruncate,
    "response.cancel" => ResponseCancel,
    boxed {
        "session.update" => SessionUpdate,
        "conversation.item.create" => ConversationItemCreate,
        "response.create" => ResponseCreate,
    }
}
