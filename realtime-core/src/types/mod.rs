//! What events carry.

mod audio;
mod tool;

pub use audio::*;
pub use tool::*;
