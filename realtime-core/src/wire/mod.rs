//! The leaf types of the protocol, and the macros that its structs, enums and event tables are made with.
//!
//! They carry three rules. *Lenient in*: an optional field may be absent or null, an integer may arrive as `12.0`, a
//! string enum is open, a half of a surrogate pair is no reason to lose a frame. *Strict out*: exactly the fields that
//! were set are written. *Owned*: nothing here keeps a received frame alive.

#[macro_use]
mod fields;
#[macro_use]
mod open_enum;
#[macro_use]
mod union;

mod audio;
pub(crate) mod base64;
mod id;
pub(crate) mod int;
mod json;
mod object;
mod patch;
mod piece;
mod secret;
pub(crate) mod text;

pub use audio::Audio;
pub use id::Id;
pub use json::Json;
pub(crate) use json::loose;
pub(crate) use object::{Object, read_object};
pub(crate) use patch::Leaf;
pub use patch::Patch;
pub use piece::Piece;
pub use secret::Secret;
pub(crate) use union::{Union, read_union, write_tagged};
