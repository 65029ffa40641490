//! Lenient decoding, member by member. Used only after strict decoding has failed.
//!
//! serde rejects a whole event because of one member of an unexpected type. Here each member is read individually: it
//! is converted if its meaning is clear (`"12"` is 12, 7 is the id `"7"`), otherwise left out and recorded with its
//! path. An object is scanned once, keeping only the members that its struct knows, as slices of the frame. So the time
//! is linear in the size of the frame (times the nesting depth of the protocol's types), and memory is limited to a
//! multiple of it.

mod members;
mod notes;
mod values;

use serde_json::{Number, value::RawValue};

use super::text::FromText;

pub(crate) use members::{Members, Tag, tag};
pub(crate) use notes::Notes;
pub use notes::Omission;

/// Lenient decoding of a type.
pub(crate) trait Lenient: Sized {
    /// Description of the expected value in messages.
    const EXPECTED: &'static str;

    /// Reads a value that is not null. `None` if it cannot be read.
    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self>;

    /// Whether the value means "none" in some other form than null.
    fn is_none(value: &RawValue) -> bool {
        is_null(value)
    }

    /// Value of a missing member. `None` if the member is required.
    fn unsaid() -> Option<Self> {
        None
    }

    /// Replaces an unreadable list element. `None` removes it.
    fn placeholder() -> Option<Self> {
        None
    }

    /// Reads a value found in place of a list.
    fn in_place_of_list(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        let _ = (value, notes);
        None
    }
}

/// Types that are read strictly even here, and by serde alone.
macro_rules! all_or_nothing {
    ($($name:ident $(<$of:ident>)?),+ $(,)?) => {$(
        impl $(<$of: serde::de::DeserializeOwned>)? $crate::wire::Lenient for $name $(<$of>)? {
            const EXPECTED: &'static str = "a shape that is known";

            fn read(value: &serde_json::value::RawValue, _: &mut $crate::wire::Notes) -> Option<Self> {
                serde_json::from_str(value.get()).ok()
            }
        }

        decoded_by_serde!($name $(<$of>)?);
    )+};
}

/// Kind of a JSON value, for messages.
fn sort(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

fn is_number(value: &RawValue) -> bool {
    value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// The text of a string, even with an incomplete surrogate pair.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    if !value.get().starts_with('"') {
        return None;
    }
    <String as FromText>::read(&mut serde_json::Deserializer::from_str(value.get())).ok()
}

/// A number, or a string that is one.
fn number(value: &RawValue) -> Option<Number> {
    match text(value) {
        Some(text) => serde_json::from_str(&text).ok(),
        None if is_number(value) => serde_json::from_str(value.get()).ok(),
        None => None,
    }
}

fn whole(value: &RawValue) -> Option<i128> {
    let number = number(value)?;
    // Truncates a fraction. Casts saturate.
    number.as_i128().or_else(|| number.as_f64().map(|number| number.trunc() as i128))
}

/// Largest frame in bytes that is read strictly however many values it may contain: it takes less than 2 MiB.
const SMALL: usize = 16 << 10;

/// How crowded a frame is with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// As is usual for its size.
    Usual,
    /// It is small, and may take this many bytes more.
    Small(usize),
    /// It may take many times its size. It is read with the memory limit of [`Notes`] instead of strictly.
    Large,
}

impl Crowd {
    /// Estimates the memory of a frame's values.
    pub(crate) fn of(frame: &[u8]) -> Self {
        // Size in bytes of an object, and half that of a string, in addition to its text.
        const OBJECT: usize = 320;
        const QUOTE: usize = 20;
        const ALLOWANCE: usize = 512;
        const MOST: usize = 8;

        if frame.len() <= ALLOWANCE {
            return Self::Usual;
        }
        let count = |sought: u8| memchr::memchr_iter(sought, frame).count();
        let size = count(b'{') * OBJECT + count(b'"') * QUOTE;
        match size > frame.len() * MOST + ALLOWANCE {
            false => Self::Usual,
            true if frame.len() <= SMALL => Self::Small(size.saturating_sub(frame.len())),
            true => Self::Large,
        }
    }
}
