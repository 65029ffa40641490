//! The members of an object whose tag may be in any position.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, value::MapAccessDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Value, value::RawValue};

use super::{Json, text::Borrowed};

/// Reads an object without a tag into its struct.
pub(crate) fn read_object<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map))
}

/// The members of an object: its tag, those before it, and those not read yet.
pub(crate) struct Object<'de, A> {
    tag: Option<Cow<'de, str>>,
    /// A single member before the tag, the id, is common and needs no allocation.
    first: Option<(Cow<'de, str>, Held<'de>)>,
    held: std::vec::IntoIter<(Cow<'de, str>, Held<'de>)>,
    value: Option<Held<'de>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> Object<'de, A> {
    /// Reads up to the tag, or to the end if there is none.
    pub(crate) fn new(mut map: A) -> Result<Self, A::Error> {
        let (mut first, mut held) = (None, Vec::new());
        let mut tag = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key == "type" {
                tag = map.next_value::<Option<Borrowed<'de>>>()?.map(|tag| tag.0);
                break;
            }
            let member = (key, map.next_value()?);
            match first {
                None => first = Some(member),
                Some(_) => held.push(member),
            }
        }
        Ok(Self { tag, first, held: held.into_iter(), value: None, rest: map })
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Reads all members except the tag into the struct for this tag.
    pub(crate) fn fields<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        read_object(self)
    }

    /// Keeps the whole object as JSON, because its tag is unknown.
    pub(crate) fn json(mut self) -> Result<Json, A::Error> {
        let mut members = Members::default();
        if let Some(tag) = &self.tag {
            members.add("type", &quoted(tag));
        }
        for (key, value) in self.first.into_iter().chain(self.held) {
            members.add(&key, &value.to_json());
        }
        members.add_rest(&mut self.rest)?;
        members.into_json()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Object<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take().or_else(|| self.held.next()) {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(Text(key)).map(Some).map_err(de::Error::custom)
            }
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(Held::Text(text)) => seed.deserialize(text).map_err(de::Error::custom),
            Some(Held::Plain(value)) => seed.deserialize(value.into_deserializer()).map_err(de::Error::custom),
            // Read as a stream, because nothing can be borrowed from a temporary text.
            Some(Held::Json(json)) => seed
                .deserialize(&mut serde_json::Deserializer::from_reader(json.as_str().as_bytes()))
                .map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// A buffered value. Strings are borrowed; lists and objects are not parsed.
enum Held<'de> {
    Text(Text<'de>),
    /// Null, a boolean or a number.
    Plain(Value),
    Json(Json),
}

impl Held<'_> {
    /// The value as JSON text.
    fn to_json(&self) -> String {
        match self {
            Self::Text(text) => quoted(&text.0),
            Self::Plain(value) => value.to_string(),
            Self::Json(json) => json.as_str().into(),
        }
    }
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
                Ok(Held::Plain(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Held<'de>, E> {
                Ok(Held::Plain(value.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Held<'de>, E> {
                Ok(Held::Plain(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Held<'de>, E> {
                Ok(Held::Plain(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Held<'de>, E> {
                Ok(Held::Plain(number.into()))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Held<'de>, E> {
                Ok(Held::Text(Text(text.into())))
            }

            fn visit_str<E>(self, text: &str) -> Result<Held<'de>, E> {
                Ok(Held::Text(Text(text.to_owned().into())))
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

/// A text to deserialize from, borrowed if the input allows it.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    /// serde_json's raw value is such a struct, and its own values can be converted to one.
    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        Value::from(self.0).deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The text of a reassembled object.
#[derive(Default)]
struct Members(String);

impl Members {
    fn add(&mut self, key: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(key));
        self.0.push(':');
        self.0.push_str(value);
    }

    fn add_rest<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(Borrowed(key)) = map.next_key()? {
            let value: Box<RawValue> = map.next_value()?;
            self.add(&key, value.get());
        }
        Ok(())
    }

    fn into_json<E: de::Error>(mut self) -> Result<Json, E> {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        Json::parse(self.0).map_err(E::custom)
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

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
