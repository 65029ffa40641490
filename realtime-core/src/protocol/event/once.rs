//! Decodes an object and rejects members of certain names, such as a second `type`.
//!
//! Of duplicate members, the last one counts. serde rejects duplicates of a struct's own members, but ignores `type`,
//! which is not one of them. Therefore the names of the outermost object are compared on their way to the struct, and
//! none below it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    forward_to_deserialize_any,
};

/// Reads a whole text.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Once(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// An object on its way to its struct: what reads it, what visits it, and its members.
struct Once<T>(T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Once<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Once(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Once(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Once<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Checked::new(map, second_type()))
    }
}

/// Rejects every `type` but the first.
pub(crate) fn second_type() -> impl FnMut(&[u8]) -> Result<(), &'static str> {
    let mut typed = false;
    move |name| match name == b"type" && std::mem::replace(&mut typed, true) {
        true => Err("duplicate field `type`"),
        false => Ok(()),
    }
}

/// The members of an object whose names are checked.
pub(crate) struct Checked<A, F> {
    map: A,
    check: F,
}

impl<A, F: FnMut(&[u8]) -> Result<(), &'static str>> Checked<A, F> {
    /// Checks the name of each member, which may be the reason why the object is rejected.
    pub(crate) fn new(map: A, check: F) -> Self {
        Self { map, check }
    }
}

impl<'de, A: MapAccess<'de>, F: FnMut(&[u8]) -> Result<(), &'static str>> MapAccess<'de> for Checked<A, F> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.map.next_key_seed(Name { of: seed, check: &mut self.check })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// A member's name on its way to the struct.
struct Name<'a, T, F> {
    of: T,
    check: &'a mut F,
}

impl<T, F: FnMut(&[u8]) -> Result<(), &'static str>> Name<'_, T, F> {
    fn check<E: Error>(&mut self, name: &[u8]) -> Result<(), E> {
        (self.check)(name).map_err(E::custom)
    }
}

impl<'de, K: DeserializeSeed<'de>, F: FnMut(&[u8]) -> Result<(), &'static str>> DeserializeSeed<'de>
    for Name<'_, K, F>
{
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        self.of.deserialize(Name { of: deserializer, check: self.check })
    }
}

impl<'de, D: Deserializer<'de>, F: FnMut(&[u8]) -> Result<(), &'static str>> Deserializer<'de> for Name<'_, D, F> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.of.deserialize_identifier(Name { of: visitor, check: self.check })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>, F: FnMut(&[u8]) -> Result<(), &'static str>> Visitor<'de> for Name<'_, V, F> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.expecting(f)
    }

    fn visit_borrowed_str<E: Error>(mut self, name: &'de str) -> Result<V::Value, E> {
        self.check(name.as_bytes())?;
        self.of.visit_borrowed_str(name)
    }

    fn visit_str<E: Error>(mut self, name: &str) -> Result<V::Value, E> {
        self.check(name.as_bytes())?;
        self.of.visit_str(name)
    }

    fn visit_bytes<E: Error>(mut self, name: &[u8]) -> Result<V::Value, E> {
        self.check(name)?;
        self.of.visit_bytes(name)
    }
}
