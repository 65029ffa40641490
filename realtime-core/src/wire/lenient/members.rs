//! Objects and lists, taken apart as views of the frame.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess},
};
use serde_json::value::RawValue;

use super::{Lenient, Notes, is_null, notes::Step, text};
use crate::wire::Patch;

/// Calls a function with each member of an object, in order. `None` if the value is not an object.
pub(super) fn members<'a>(value: &'a RawValue, mut each: impl FnMut(&str, &'a RawValue)) -> Option<()> {
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

/// Calls a function with each element of a list, in order. `None` if the value is not a list.
pub(super) fn elements<'a>(value: &'a RawValue, mut each: impl FnMut(usize, &'a RawValue)) -> Option<()> {
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

/// A member name. An incomplete surrogate pair in it does not invalidate the object.
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

/// The members of an object that its struct knows. Of duplicates, the last one counts.
pub(crate) struct Members<'a> {
    names: &'static [&'static str],
    values: Vec<Option<&'a RawValue>>,
}

impl<'a> Members<'a> {
    /// Finds members by name.
    ///
    /// `short` is the member represented by a plain string. `within` is a nested object whose members are used if the
    /// outer object lacks them.
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

    /// Whether any of them is present and not null.
    pub(crate) fn has_any(&self) -> bool {
        self.values.iter().flatten().any(|value| !is_null(value))
    }

    /// The value of a member, including null.
    pub(crate) fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.values[self.names.iter().position(|known| *known == name)?]
    }

    /// The value of a member by its name or else an older one. Null is returned only if there is nothing else.
    fn get(&self, name: &'static str, older: &[&str]) -> Option<&'a RawValue> {
        let by_name = self.value(name);
        let said = |value: &Option<&RawValue>| value.is_some_and(|value| !is_null(value));
        Some(by_name).filter(said).or_else(|| older.iter().map(|name| self.value(name)).find(said)).unwrap_or(by_name)
    }

    fn said(&self, name: &'static str, older: &[&str]) -> Option<&'a RawValue> {
        self.get(name, older).filter(|value| !is_null(value))
    }

    /// An optional member.
    pub(crate) fn optional<T: Lenient>(
        &self,
        name: &'static str,
        older: &[&str],
        notes: &mut Notes,
    ) -> Option<Option<T>> {
        Some(match self.said(name, older) {
            Some(value) if !T::is_none(value) => notes.read_at(Step::Member(name), value),
            _ => None,
        })
    }

    /// A required member, unless its type has a substitute.
    pub(crate) fn required<T: Lenient>(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<T> {
        let read = self.optional(name, older, notes)?.or_else(T::unsaid);
        if read.is_none() {
            notes.miss(name);
        }
        read
    }

    /// A member whose type provides a default if it is missing.
    pub(crate) fn soft<T: Lenient + Default>(
        &self,
        name: &'static str,
        older: &[&str],
        notes: &mut Notes,
    ) -> Option<T> {
        Some(self.optional(name, older, notes)?.unwrap_or_default())
    }

    /// A member for which null has a meaning.
    pub(crate) fn patch<T: Lenient>(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<Patch<T>> {
        Some(match self.get(name, older) {
            Some(value) if T::is_none(value) => Patch::Clear,
            Some(value) => notes.read_at(Step::Member(name), value).map_or(Patch::Keep, Patch::Set),
            None => Patch::Keep,
        })
    }

    /// A member that is JSON as text. An object or list is accepted as its text.
    pub(crate) fn source(&self, name: &'static str, older: &[&str], notes: &mut Notes) -> Option<String> {
        match self.said(name, older) {
            Some(value) if value.get().starts_with(['{', '[']) => Some(value.get().into()),
            _ => self.required(name, older, notes),
        }
    }
}

/// The `type` of an object; the last one if there are several. The outer `None` means that the value is not an object.
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
    /// Not a string.
    Odd,
}
