//! Types that the events of a conversation or transcription session carry.
//!
//! Structs that are sent serialize exactly the members that were set: start with `Default` (or with `new`, if there are
//! required members) and call the setters. Structs that describe a session as the server reports it are separate.

mod content;
mod generation;
mod item;
mod prompt;
mod rate_limit;
mod response;
mod session;
pub(crate) mod session_info;
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
    /// Kind of an API object.
    pub enum ObjectKind {
        /// A conversation item.
        Item = "realtime.item",
        /// A response.
        Response = "realtime.response",
        /// A conversation.
        Conversation = "realtime.conversation",
        /// A conversation session.
        Session = "realtime.session",
        /// A transcription session.
        TranscriptionSession = "realtime.transcription_session",
    }
}
