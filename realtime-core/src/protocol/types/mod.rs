//! Types that the events of several protocols carry.

mod audio;
mod enums;
mod error;
mod mcp;
mod transcription;
mod voice;

pub use audio::*;
pub use enums::*;
pub use error::*;
pub use mcp::*;
pub use transcription::*;
pub use voice::*;
