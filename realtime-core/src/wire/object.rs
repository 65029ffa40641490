//! The members of an object whose tag may be in any position.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, value::MapAccessDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Number, Value, value::RawValue};

use super::{Json, text::Borrowed};

/// Reads an object without a tag into its struct.
pub(crate) fn read_object<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map))
}

/// The members of an object: its tag, those before it, and those not read yet.
pub(crate) struct Object<'de, A> {
    tag: Option<Cow<'de, str>>,
    /// A single member before the tag, the id, is common and needs no allocation.
    first: Option<(Cow<'de, str>, Scalar<'de>)>,
    held: std::vec::IntoIter<(Cow<'de, str>, Scalar<'de>)>,
    value: Option<Scalar<'de>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> Object<'de, A> {
    /// Reads up to the tag, or to the end if there is none.
    ///
    /// If a list or an object precedes the tag, the whole is returned as text with the tag first, to be read again: with
    /// a deserializer of its own for such a member, every type that may be in it would be compiled once more.
    pub(crate) fn new(mut map: A) -> Result<Result<Self, Json>, A::Error> {
        let (mut first, mut held) = (None, Vec::new());
        let mut tag = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key == "type" {
                tag = map.next_value::<Option<Borrowed<'de>>>()?.map(|tag| tag.0);
                break;
            }
            match map.next_value()? {
                Held::Scalar(value) if first.is_none() => first = Some((key, value)),
                Held::Scalar(value) => held.push((key, value)),
                Held::Json(value) => {
                    let mut members = Members::of(first.into_iter().chain(held));
                    members.add(&key, value.as_str());
                    return members.with_tag_of(map).map(Err);
                }
            }
        }
        Ok(Ok(Self { tag, first, held: held.into_iter(), value: None, rest: map }))
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Reads all members except the tag into the struct for this tag.
    pub(crate) fn fields<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        read_object(self)
    }

    /// Keeps the whole object as JSON, because its tag is unknown. A tag that is null is left out, unless another follows,
    /// which would be the tag when the JSON is read again.
    pub(crate) fn json(mut self) -> Result<Json, A::Error> {
        let mut rest = Members::default();
        let has_other = rest.add_rest(&mut self.rest)?;
        let tag = self.tag.map(Scalar::Text).or(has_other.then_some(Scalar::Null));
        let tag = tag.map(|tag| ("type".into(), tag));
        let mut members = Members::of(tag.into_iter().chain(self.first).chain(self.held));
        members.extend(&rest);
        members.into_json()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Object<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take().or_else(|| self.held.next()) {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(Scalar::Text(key)).map(Some).map_err(de::Error::custom)
            }
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// A buffered value. Lists and objects are not parsed.
enum Held<'de> {
    Scalar(Scalar<'de>),
    Json(Json),
}

impl<'de> Deserialize<'de> for Held<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Held<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Bool(value)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Number(number.into())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Number(number.into())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Number::from_f64(number).map_or(Scalar::Null, Scalar::Number)))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Text(text.into())))
            }

            fn visit_str<E>(self, text: &str) -> Result<Held<'de>, E> {
                Ok(Held::Scalar(Scalar::Text(text.to_owned().into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Held<'de>, A::Error> {
                raw_list(list).map(Held::Json)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Held<'de>, A::Error> {
                let mut members = Members::default();
                members.add_rest(&mut map)?;
                members.into_json().map(Held::Json)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A value without parts to deserialize from. Text is borrowed if the input allows it.
enum Scalar<'de> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'de, str>),
}

impl From<Scalar<'_>> for Value {
    fn from(value: Scalar<'_>) -> Self {
        match value {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => value.into(),
            Scalar::Number(number) => number.into(),
            Scalar::Text(text) => text.into(),
        }
    }
}

impl<'de> Deserializer<'de> for Scalar<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => number.deserialize_any(visitor),
            Self::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Self::Text(Cow::Owned(text)) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    /// serde_json's raw value is such a struct, and its own values can be converted to one.
    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        Value::from(self).deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The members of a reassembled object, without its braces.
#[derive(Default)]
struct Members(String);

impl Members {
    fn of<'de>(members: impl Iterator<Item = (Cow<'de, str>, Scalar<'de>)>) -> Self {
        let mut text = Self::default();
        members.for_each(|(key, value)| text.add(&key, &Value::from(value).to_string()));
        text
    }

    fn add(&mut self, key: &str, value: &str) {
        self.separate();
        self.0.push_str(&Value::from(key).to_string());
        self.0.push(':');
        self.0.push_str(value);
    }

    fn extend(&mut self, members: &Self) {
        if !members.0.is_empty() {
            self.separate();
            self.0.push_str(&members.0);
        }
    }

    fn separate(&mut self) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
    }

    /// Adds all further members. Returns whether one of them is a tag.
    fn add_rest<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let mut has_tag = false;
        while let Some(Borrowed(key)) = map.next_key()? {
            has_tag |= key == "type";
            self.add(&key, map.next_value::<Box<RawValue>>()?.get());
        }
        Ok(has_tag)
    }

    /// Adds the rest of an object whose tag has not been read, and puts the tag first: null if there is none.
    fn with_tag_of<'de, A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        let mut tag = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key == "type" && tag.is_none() {
                tag = Some(map.next_value::<Option<Borrowed<'de>>>()?.map_or(Scalar::Null, |tag| Scalar::Text(tag.0)));
            } else {
                self.add(&key, map.next_value::<Box<RawValue>>()?.get());
            }
        }
        let mut whole = Self::of([("type".into(), tag.unwrap_or(Scalar::Null))].into_iter());
        whole.extend(&self);
        whole.into_json()
    }

    fn into_json<E: de::Error>(self) -> Result<Json, E> {
        Json::parse(format!("{{{}}}", self.0)).map_err(E::custom)
    }
}

/// Keeps a list as JSON.
pub(super) fn raw_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Json, A::Error> {
    let mut values: Vec<Box<RawValue>> = Vec::new();
    while let Some(value) = list.next_element()? {
        values.push(value);
    }
    Json::new(&values).map_err(de::Error::custom)
}
