//! The leaf types of the protocol, and the macros that its structs, enums and event tables are made with.
//!
//! They carry three rules. *Lenient in*: an optional field may be absent or null, an integer may arrive as `12.0`, a
//! string enum is open, a half of a surrogate pair is no reason to lose a frame. What does not fit all the same is read
//! once more, member by member ([`lenient`]), and what cannot be read is left out and told. *Strict out*: exactly the fields that
//! were set are written. *Owned*: nothing here keeps a received frame alive.

#[macro_use]
mod fields;
#[macro_use]
mod lenient;
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
mod secret;
pub(crate) mod text;
mod text_delta;

pub use audio::Audio;
pub use id::Id;
pub use json::Json;
pub(crate) use json::loose;
pub use lenient::Omission;
pub(crate) use lenient::{Lenient, Members, Notes, Tag, is_crowded, is_null, tag, text as lenient_text};
pub(crate) use object::{Object, read_object};
pub(crate) use patch::Leaf;
pub use patch::Patch;
pub use secret::Secret;
pub use text_delta::TextDelta;
pub(crate) use union::{Union, read_loosely, read_union, write_tagged};
