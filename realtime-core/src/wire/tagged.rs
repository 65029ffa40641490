//! Unions told apart by their `type` member, without serde's `tag`.
//!
//! serde's internally tagged enums buffer the whole object before they know what it is. Here reading goes on into the
//! right struct as soon as the tag is met; only what stood before it (an id, usually) is held back.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::{Json, text::Borrowed};

pub(crate) trait Tagged: Sized {
    /// What a wrong shape is told to be, after "expected".
    const EXPECTED: &'static str;

    fn read<'de, A: MapAccess<'de>>(tag: Option<&str>, entries: Entries<'de, A>) -> Result<Self, A::Error>;
}

pub(crate) fn read_tagged<'de, D: Deserializer<'de>, T: Tagged>(deserializer: D) -> Result<T, D::Error> {
    struct Visitor<T>(PhantomData<T>);

    impl<'de, T: Tagged> de::Visitor<'de> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            let (tag, entries) = Entries::new(map)?;
            T::read(tag.as_deref(), entries)
        }
    }

    deserializer.deserialize_map(Visitor(PhantomData))
}

/// Writes the tag, then the fields of the struct that it announces.
pub(crate) fn write_tagged<S: Serializer, T: Serialize>(
    serializer: S,
    tag: &str,
    fields: &T,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithTag<'a, T> {
        r#type: &'a str,
        #[serde(flatten)]
        fields: &'a T,
    }

    WithTag { r#type: tag, fields }.serialize(serializer)
}

/// The members of an object: those that came before its tag, then those still unread.
pub(crate) struct Entries<'de, A> {
    tag: Option<Cow<'de, str>>,
    held: std::vec::IntoIter<(Cow<'de, str>, Box<RawValue>)>,
    value: Option<Box<RawValue>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> Entries<'de, A> {
    /// Reads up to the tag. Other forms of a union (a bare string) are for the caller's visitor.
    pub(crate) fn new(mut map: A) -> Result<(Option<Cow<'de, str>>, Self), A::Error> {
        let mut held = Vec::new();
        let mut tag = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key == "type" {
                tag = Some(map.next_value::<Borrowed<'de>>()?.0);
                break;
            }
            held.push((key, map.next_value()?));
        }
        Ok((tag.clone(), Self { tag, held: held.into_iter(), value: None, rest: map }))
    }

    /// Reads all members but the tag into the struct that the tag announces.
    pub(crate) fn fields<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(self))
    }

    /// Keeps the whole object as it is, because nobody knows its tag.
    pub(crate) fn json(mut self) -> Result<Json, A::Error> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut members: Vec<_> = self.tag.iter().map(|tag| format!("\"type\":{}", quoted(tag))).collect();
        while let Some(Borrowed(key)) = self.next_key()? {
            let value: Box<RawValue> = self.next_value()?;
            members.push(format!("{}:{}", quoted(&key), value.get()));
        }
        Json::parse(format!("{{{}}}", members.join(","))).map_err(de::Error::custom)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.held.next() {
            Some((key, value)) => {
                self.value = Some(value);
                match key {
                    Cow::Borrowed(key) => seed.deserialize(de::value::BorrowedStrDeserializer::new(key)),
                    Cow::Owned(key) => seed.deserialize(de::value::StringDeserializer::new(key)),
                }
                .map(Some)
            }
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            // Read as a stream, for nothing may be borrowed from a text that ends with this call.
            Some(value) => seed
                .deserialize(&mut serde_json::Deserializer::from_reader(value.get().as_bytes()))
                .map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// A union whose members are told apart by `type`; one that is not known is kept in `Other`.
///
/// `"a" => Variant(Struct)` names a member; `else` in front of one makes it the reading of an object without a tag.
macro_rules! tagged {
    (
        $(#[$meta:meta])* pub enum $name:ident: $expected:literal {
            $($(#[$vmeta:meta])* $tag:literal => $variant:ident($inner:ty)),* $(,)?
        }
        $(untagged => $default:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* #[doc = concat!("\n\n`\"type\": \"", $tag, "\"`")] $variant($inner),)*
            /// One that this crate does not know, kept whole.
            Other($crate::wire::Json),
        }

        $(impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self::$variant(inner)
            }
        })*

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(inner) => $crate::wire::write_tagged(serializer, $tag, inner),)*
                    Self::Other(json) => json.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::read_tagged(deserializer)
            }
        }

        impl $crate::wire::Tagged for $name {
            const EXPECTED: &'static str = $expected;

            fn read<'de, A: serde::de::MapAccess<'de>>(
                tag: Option<&str>,
                entries: $crate::wire::Entries<'de, A>,
            ) -> Result<Self, A::Error> {
                match tag {
                    $(Some($tag) => entries.fields().map(Self::$variant),)*
                    $(None => entries.fields().map(Self::$default),)?
                    #[allow(unreachable_patterns)] // the untagged reading, where there is one, takes `None`
                    _ => entries.json().map(Self::Other),
                }
            }
        }
    };
}
