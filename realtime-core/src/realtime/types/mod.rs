//! What events carry: sessions and their configuration, items, responses, tools, usage.
//!
//! The structs that are sent hold exactly what is to be written: start from `Default` (or from `new`, where something
//! is required) and name what you want to set. What the server reports about a session has structs of its own.

mod content;
mod generation;
mod item;
mod prompt;
mod rate_limit;
mod response;
mod session;
mod session_info;
mod tool;
mod tool_choice;
mod tracing;
mod truncation;
mod turn_detection;
mod usage;

pub use crate::protocol::types::*;

pub(crate) use content::write_streamed;
pub use content::*;
pub use generation::*;
pub use item::*;
pub use prompt::*;
pub use rate_limit::*;
pub use response::*;
pub use session::*;
pub use session_info::*;
pub use tool::*;
pub use tool_choice::*;
pub use tracing::*;
pub use truncation::*;
pub use turn_detection::*;
pub use usage::*;

open_enum! {
    /// What sort of thing an object of the API is.
    pub enum ObjectKind {
        /// An item of a conversation.
        Item = "realtime.item",
        /// A response.
        Response = "realtime.response",
        /// A conversation.
        Conversation = "realtime.conversation",
        /// A session that converses.
        Session = "realtime.session",
        /// A session that only transcribes.
        TranscriptionSession = "realtime.transcription_session",
    }
}
