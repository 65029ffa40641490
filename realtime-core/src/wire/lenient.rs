//! Reading what does not fit, member by member: the way that is taken only where the strict one has failed.
//!
//! serde gives up a whole event for one member of another type. Here each member is read on its own: it is coerced where
//! the meaning is plain (`"12"` is 12, 7 is the id `"7"`), else left out and noted with its path. An object is read in
//! one pass that keeps only the members its struct knows, as views of the frame. So the time is linear in the frame
//! (times the depth of the protocol's own types), and what is built is held to a multiple of it.

use std::{borrow::Cow, collections::BTreeMap, fmt, mem};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess},
};
use serde_json::{Number, value::RawValue};

use super::{Audio, Id, Json, Patch, Secret, TextDelta, text::FromText};

/// A member of an event that could not be read as what it should be. The event goes on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Omission {
    /// Where it stood: `response.output[3].content`.
    pub path: Box<str>,
    /// Why it could not be read. The text of the frame is not repeated here, for it may hold anything.
    pub reason: Box<str>,
}

/// The most omissions of one event that are told one by one. How many more there were is told with the last.
const MOST: usize = 16;

/// How many bytes the elements of lists may take, for each byte of the frame. The protocol's own lists need a fraction.
const GROWTH: usize = 6;

/// What a frame of any size may have besides.
const ALLOWANCE: usize = 64 << 10;

/// What an element takes beside its own size, about: an allocation of its own.
const EACH: usize = 32;

/// What has been left out so far, and where the reader is.
pub(crate) struct Notes {
    path: Vec<Step>,
    left_out: Vec<Omission>,
    more: usize,
    /// The first member that is missing and cannot be done without.
    missing: Option<&'static str>,
    /// How many bytes the elements of lists may still take.
    room: usize,
    taken: usize,
}

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    At(usize),
}

impl Notes {
    pub(crate) fn new(frame: usize) -> Self {
        let room = frame.saturating_mul(GROWTH).saturating_add(ALLOWANCE);
        Self { path: Vec::new(), left_out: Vec::new(), more: 0, missing: None, room, taken: 0 }
    }

    /// What was left out.
    pub(crate) fn finish(mut self) -> Vec<Omission> {
        if let Some(last) = self.left_out.last_mut().filter(|_| self.more > 0) {
            last.reason = format!("{}; and {} more", last.reason, self.more).into();
        }
        self.left_out
    }

    /// Bytes that the elements of lists have taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.left_out.is_empty() && self.missing.is_none()
    }

    /// The value at this place is left out.
    fn leave_out(&mut self, reason: impl fmt::Display) {
        if self.left_out.len() == MOST {
            self.more += 1;
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) if path.is_empty() => path.push_str(name),
                Step::Member(name) => path.extend([".", name]),
                Step::At(index) => path.push_str(&format!("[{index}]")),
            }
        }
        self.left_out.push(Omission { path: path.into(), reason: reason.to_string().into() });
    }

    fn leave_out_value<T: Lenient>(&mut self, value: &RawValue) {
        self.leave_out(format_args!("{} where {} was expected", sort(value), T::EXPECTED));
    }

    fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    /// Reads a value at a place below this one. If nothing can be made of it, that is noted.
    fn read_at<T: Lenient>(&mut self, step: Step, value: &RawValue) -> Option<T> {
        self.within(step, |notes| {
            let (noted, missing) = (notes.left_out.len() + notes.more, notes.missing);
            let read = T::read(value, notes);
            if read.is_none() {
                // What is missing within something that can be left out is no reason to lose the event.
                let missing = mem::replace(&mut notes.missing, missing).filter(|_| missing.is_none());
                if let Some(name) = missing {
                    notes.leave_out(format_args!("missing field `{name}`"));
                } else if noted == notes.left_out.len() + notes.more {
                    notes.leave_out_value::<T>(value);
                }
            }
            read
        })
    }

    /// Takes room for an element of a list.
    fn take_room<T>(&mut self) -> bool {
        let size = size_of::<T>() + EACH;
        let fits = self.taken.saturating_add(size) <= self.room;
        if fits {
            self.taken += size;
        }
        fits
    }
}

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

impl Lenient for String {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        // A code or a name may be a number.
        text(value).or_else(|| is_number(value).then(|| value.get().into()))
    }

    fn unsaid() -> Option<Self> {
        Some(Self::new())
    }
}

impl Lenient for TextDelta {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        <String as Lenient>::read(value, notes).map(Into::into)
    }

    fn unsaid() -> Option<Self> {
        Some(Self::default())
    }
}

impl Lenient for Secret {
    const EXPECTED: &'static str = "a text";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        <String as Lenient>::read(value, notes).map(Into::into)
    }
}

impl Lenient for Id {
    const EXPECTED: &'static str = "an id";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        let text = match text(value) {
            Some(text) => text,
            None => match whole(value) {
                // Its decimal text, also where it is written as `7.0`.
                Some(number) if number.to_string() == value.get().trim_end_matches(".0") => number.to_string(),
                _ if is_number(value) => value.get().into(),
                _ => return None,
            },
        };
        (text.len() <= Self::MOST).then(|| text.into())
    }
}

impl Lenient for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        match value.get() {
            "true" | r#""true""# => Some(true),
            "false" | r#""false""# => Some(false),
            _ => None,
        }
    }

    fn unsaid() -> Option<Self> {
        Some(false)
    }
}

impl Lenient for f64 {
    const EXPECTED: &'static str = "a number";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        number(value)?.as_f64()
    }
}

macro_rules! lenient_int {
    ($($int:ty),*) => {$(
        impl Lenient for $int {
            const EXPECTED: &'static str = "a whole number";

            /// A fraction loses its fraction. What is less than can be is as little as can be.
            fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
                Self::try_from(whole(value)?.max(i128::from(Self::MIN))).ok()
            }

            fn unsaid() -> Option<Self> {
                Some(0)
            }
        }
    )*};
}

lenient_int!(u8, u32, u64, i64);

impl Lenient for Json {
    const EXPECTED: &'static str = "a value";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        Some(value.to_owned().into())
    }

    fn unsaid() -> Option<Self> {
        Some(RawValue::NULL.to_owned().into())
    }
}

impl Lenient for Audio {
    const EXPECTED: &'static str = "audio in base64";

    fn read(value: &RawValue, _: &mut Notes) -> Option<Self> {
        Self::deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()
    }

    fn unsaid() -> Option<Self> {
        Some(Self::default())
    }
}

impl<T: Lenient> Lenient for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        T::read(value, notes).map(Self::new)
    }

    fn unsaid() -> Option<Self> {
        T::unsaid().map(Self::new)
    }
}

/// A member that is always written, and may be null.
impl<T: Lenient> Lenient for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        T::read(value, notes).map(Some)
    }

    fn unsaid() -> Option<Self> {
        Some(None)
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    const EXPECTED: &'static str = "a list";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        if !value.get().starts_with('[') {
            return T::in_place_of_list(value, notes).map(|one| vec![one]);
        }
        let mut list = Self::new();
        let mut crowded = 0;
        elements(value, |at, value| {
            if !notes.take_room::<T>() {
                crowded += 1;
            } else if T::is_none(value) {
                list.extend(T::placeholder());
            } else if let Some(element) = notes.read_at(Step::At(at), value).or_else(T::placeholder) {
                list.push(element);
            }
        })?;
        if crowded > 0 {
            notes.leave_out(format_args!("the last {crowded} of its elements, for there are too many in one message"));
        }
        Some(list)
    }

    fn unsaid() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Lenient> Lenient for BTreeMap<String, T> {
    const EXPECTED: &'static str = "an object";

    fn read(value: &RawValue, notes: &mut Notes) -> Option<Self> {
        let mut map = Self::new();
        let mut at = 0;
        members(value, |key, value| {
            // A name is the server's own text and has no place in a path.
            let step = Step::At(at);
            at += 1;
            if !is_null(value)
                && notes.take_room::<(String, T, [usize; 8])>()
                && let Some(value) = notes.read_at(step, value)
            {
                map.insert(key.into(), value);
            }
        })?;
        Some(map)
    }
}

/// Gives each member of an object to a function, in order. None if it is no object.
fn members<'a>(value: &'a RawValue, mut each: impl FnMut(&str, &'a RawValue)) -> Option<()> {
    struct Visitor<F>(F);

    impl<'de, F: FnMut(&str, &'de RawValue)> de::Visitor<'de> for Visitor<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Key<'de>>()? {
                self.0(&key.0, map.next_value()?);
            }
            Ok(())
        }
    }

    serde_json::Deserializer::from_str(value.get()).deserialize_map(Visitor(&mut each)).ok()
}

/// Gives each element of a list to a function, in order. None if it is no list.
fn elements<'a>(value: &'a RawValue, mut each: impl FnMut(usize, &'a RawValue)) -> Option<()> {
    struct Visitor<F>(F);

    impl<'de, F: FnMut(usize, &'de RawValue)> de::Visitor<'de> for Visitor<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            let mut at = 0;
            while let Some(element) = list.next_element()? {
                self.0(at, element);
                at += 1;
            }
            Ok(())
        }
    }

    serde_json::Deserializer::from_str(value.get()).deserialize_seq(Visitor(&mut each)).ok()
}

/// A member's name. Half a character in it is no reason to lose the object.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_bytes<E>(self, name: &'de [u8]) -> Result<Key<'de>, E> {
                Ok(Key(String::from_utf8_lossy(name)))
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Key<'de>, E> {
                Ok(Key(String::from_utf8_lossy(name).into_owned().into()))
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(name.into()))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(name.to_owned().into()))
            }
        }

        deserializer.deserialize_bytes(Visitor)
    }
}

/// The members of an object that its struct knows. Of one that comes twice the last counts.
pub(crate) struct Members<'a> {
    names: &'static [&'static str],
    values: Vec<Option<&'a RawValue>>,
}

impl<'a> Members<'a> {
    /// Finds the members of these names.
    ///
    /// `short` is the member that a bare text stands for; `within` an object whose members count where the outer one has
    /// none of that name.
    pub(crate) fn find(
        value: &'a RawValue,
        names: &'static [&'static str],
        short: Option<&'static str>,
        within: Option<&'static str>,
    ) -> Option<Self> {
        let mut values = vec![None; names.len()];
        let place = |key: &str| names.iter().position(|name| *name == key);
        if let Some(at) = short.and_then(place).filter(|_| value.get().starts_with('"')) {
            values[at] = Some(value);
            return Some(Self { names, values });
        }
        let mut inner = None;
        members(value, |key, value| {
            if let Some(at) = place(key) {
                values[at] = Some(value);
            } else if within == Some(key) {
                inner = Some(value);
            }
        })?;
        if let Some(inner) = inner {
            let mut more = vec![None; names.len()];
            members(inner, |key, value| {
                if let Some(at) = place(key) {
                    more[at] = Some(value);
                }
            });
            values.iter_mut().zip(more).for_each(|(value, more)| *value = value.or(more));
        }
        Some(Self { names, values })
    }

    /// Whether one of them is there, and not null.
    pub(crate) fn has_any(&self) -> bool {
        self.values.iter().flatten().any(|value| !is_null(value))
    }

    /// The value by its name, null included.
    pub(crate) fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.values[self.names.iter().position(|known| *known == name)?]
    }

    /// The value by its name, else by an older one. Null is no value, but where nothing else stands it is given.
    fn get(&self, name: &'static str, older: &[&str]) -> Option<&'a RawValue> {
        let by_name = self.value(name);
        let said = |value: &Option<&RawValue>| value.is_some_and(|value| !is_null(value));
        Some(by_name).filter(said).or_else(|| older.iter().map(|name| self.value(name)).find(said)).unwrap_or(by_name)
    }

    fn said(&self, name: &'static str, older: &[&str]) -> Option<&'a RawValue> {
        self.get(name, older).filter(|value| !is_null(value))
    }

    /// A member that may be missing.
    pub(crate) fn optional<T: Lenient>(
        &self,
        name: &'static str,
        older: &[&str],
        notes: &mut Notes,
    ) -> Option<Option<T>> {
        let value = self.said(name, older).filter(|value| !T::is_none(value));
        Some(value.and_then(|value| notes.read_at(Step::Member(name), value)))
    }

    /// A member without which there is no object, unless something can stand for it.
    pub(crate) fn required<T: Lenient>(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<T> {
        let read = self.optional(name, older, notes)?.or_else(T::unsaid);
        if read.is_none() {
            notes.missing.get_or_insert(name);
        }
        read
    }

    /// A member that is what its type is by default where it is missing.
    pub(crate) fn soft<T: Lenient + Default>(
        &self,
        name: &'static str,
        older: &[&str],
        notes: &mut Notes,
    ) -> Option<T> {
        Some(self.optional(name, older, notes)?.unwrap_or_default())
    }

    /// A member whose null means something.
    pub(crate) fn patch<T: Lenient>(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<Patch<T>> {
        Some(match self.get(name, older) {
            Some(value) if T::is_none(value) => Patch::Clear,
            Some(value) => notes.read_at(Step::Member(name), value).map_or(Patch::Keep, Patch::Set),
            None => Patch::Keep,
        })
    }

    /// A text that is JSON for somebody else: an object or a list is as good as its text.
    pub(crate) fn source(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<String> {
        match self.said(name, older) {
            Some(value) if value.get().starts_with(['{', '[']) => Some(value.get().into()),
            _ => self.required(name, older, notes),
        }
    }
}

/// The `type` of an object; the last one, if there are several. None within if it has none; none if it is no object.
pub(crate) fn tag(value: &RawValue) -> Option<Tag> {
    let mut tag = Tag::Absent;
    members(value, |key, value| {
        if key == "type" {
            tag = if is_null(value) { Tag::Null } else { text(value).map_or(Tag::Odd, Tag::Text) };
        }
    })?;
    Some(tag)
}

pub(crate) enum Tag {
    Absent,
    Null,
    Text(String),
    /// It is no text.
    Odd,
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
