#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod collect;
mod layout;
mod segment;
mod sides;
mod write;

pub use collect::{Caption, Captions, MOST_TEXT};
pub use layout::Layout;
pub use segment::Segment;
pub use sides::Side;
pub use write::{json_lines, srt, vtt};
