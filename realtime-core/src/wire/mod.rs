//! Basic types of the wire format, and the macros that define structs, enums and event tables.
//!
//! They follow three rules. *Lenient in*: an optional field may be absent or null, an integer may be written as `12.0`,
//! a string enum is open, and an incomplete surrogate pair does not invalidate a frame. What still does not fit is read
//! a second time, member by member ([`lenient`]); what cannot be read is left out and reported. *Strict out*: exactly
//! the fields that were set are written. *Owned*: no value keeps a received frame alive.

#[macro_use]
mod fields;
#[macro_use]
mod lenient;
#[macro_use]
mod open_enum;
#[macro_use]
mod plain;
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
pub(crate) use id::{INLINE, WINDOW};
pub use json::Json;
pub(crate) use json::{loose, mended};
pub use lenient::Omission;
pub(crate) use lenient::{Crowd, Lenient, Members, Notes, Tag, is_null, tag, text as lenient_text};
pub(crate) use object::{Object, read_object};
pub(crate) use patch::Leaf;
pub use patch::Patch;
pub(crate) use plain::{FromPlain, Plain, plain_union, read as read_plain, short_id, stop};
pub use secret::Secret;
pub use text_delta::TextDelta;
pub(crate) use union::{Union, read_loosely, read_union, write_tagged};
