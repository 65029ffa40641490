//! Reading what does not fit, member by member: the way that is taken only where the strict one has failed.
//!
//! serde gives up a whole event for one member of another type. Here each member is read on its own: it is coerced where
//! the meaning is plain (`"12"` is 12, 7 is the id `"7"`), else left out and noted with its path. An object is read in
//! one pass that keeps only the members its struct knows, as views of the frame. So the time is linear in the frame
//! (times the depth of the protocol's own types), and what is built is held to a multiple of it.

mod members;
mod notes;
mod values;

use serde_json::{Number, value::RawValue};

use super::text::FromText;

pub(crate) use members::{Members, Tag, tag};
pub(crate) use notes::Notes;
pub use notes::Omission;

/// How a type is read from a value that may be of another type.
pub(crate) trait Lenient: Sized {
    /// What a reason calls it.
    const EXPECTED: &'static str;

    /// Reads a value that is not null. None if nothing can be made of it.
    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self>;

    /// Whether the value says in words of its own that there is nothing.
    fn is_none(value: &RawValue) -> bool {
        is_null(value)
    }

    /// What stands where the server says nothing. None: it cannot be done without.
    fn unsaid() -> Option<Self> {
        None
    }

    /// What keeps the place of an element that cannot be read. None: the others move up.
    fn placeholder() -> Option<Self> {
        None
    }

    /// What stands in place of a list of these.
    fn in_place_of_list(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        let _ = (value, notes);
        None
    }
}

/// Types that are read as a whole or not at all.
macro_rules! all_or_nothing {
    ($($name:ident $(<$of:ident>)?),+ $(,)?) => {$(
        impl $(<$of: serde::de::DeserializeOwned>)? $crate::wire::Lenient for $name $(<$of>)? {
            const EXPECTED: &'static str = "a shape that is known";

            fn read(value: &serde_json::value::RawValue, _: &mut $crate::wire::Notes) -> Option<Self> {
                serde_json::from_str(value.get()).ok()
            }
        }
    )+};
}

/// What sort of JSON it is, in words.
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

/// The text, if it is one, though a character was cut in half.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    if !value.get().starts_with('"') {
        return None;
    }
    <String as FromText>::read(&mut serde_json::Deserializer::from_str(value.get())).ok()
}

/// A number, or a text that is wholly one.
fn number(value: &RawValue) -> Option<Number> {
    match text(value) {
        Some(text) => serde_json::from_str(&text).ok(),
        None if is_number(value) => serde_json::from_str(value.get()).ok(),
        None => None,
    }
}

fn whole(value: &RawValue) -> Option<i128> {
    let number = number(value)?;
    // Of a fraction the whole part. A cast saturates.
    number.as_i128().or_else(|| number.as_f64().map(|number| number.trunc() as i128))
}

/// Whether a frame may hold far more values than a message of its size has: then it is read with the account of
/// [`Notes`], and not at once.
pub(crate) fn is_crowded(frame: &[u8]) -> bool {
    // What an object becomes, and half of what a text becomes, in bytes, beside the text itself.
    const OBJECT: usize = 320;
    const QUOTE: usize = 20;
    const SMALL: usize = 512;
    const MOST: usize = 8;

    if frame.len() <= SMALL {
        return false;
    }
    let count = |sought: u8| frame.iter().filter(|byte| **byte == sought).count();
    count(b'{') * OBJECT + count(b'"') * QUOTE > frame.len() * MOST + SMALL
}
