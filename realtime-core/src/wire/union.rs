//! Unions: members told apart by their shape, or by the `type` of an object, without serde's `tag` and `untagged`.
//!
//! serde's own forms buffer the whole value before they know what it is. Here reading goes on into the right struct as
//! soon as the tag is met; only what stood before it (an id, usually) is held back. A shape that fits nothing is no
//! error: it is kept as [`Json`].

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, value::MapAccessDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Value, value::RawValue};

use super::{Json, text::Borrowed};

/// How each shape of a union is read. A shape without a reading of its own goes to `other`.
pub(crate) trait Union: Sized {
    /// A value that nothing else takes.
    fn other(json: Json) -> Self;

    fn text(text: &str) -> Self {
        Self::other(Value::from(text).into())
    }

    fn number(number: serde_json::Number) -> Self {
        Self::other(Value::from(number).into())
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        raw_list(list).map(Self::other)
    }

    fn object<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Self::tagged(Object::new(map)?)
    }

    fn tagged<'de, A: MapAccess<'de>>(object: Object<'de, A>) -> Result<Self, A::Error> {
        object.json().map(Self::other)
    }
}

pub(crate) fn read_union<'de, D: Deserializer<'de>, T: Union>(deserializer: D) -> Result<T, D::Error> {
    struct Visitor<T>(PhantomData<T>);

    impl<'de, T: Union> de::Visitor<'de> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_bool<E>(self, value: bool) -> Result<T, E> {
            Ok(T::other(Value::from(value).into()))
        }

        fn visit_i64<E>(self, number: i64) -> Result<T, E> {
            Ok(T::number(number.into()))
        }

        fn visit_u64<E>(self, number: u64) -> Result<T, E> {
            Ok(T::number(number.into()))
        }

        fn visit_f64<E>(self, number: f64) -> Result<T, E> {
            Ok(serde_json::Number::from_f64(number).map_or_else(|| T::other(Value::Null.into()), T::number))
        }

        fn visit_str<E>(self, text: &str) -> Result<T, E> {
            Ok(T::text(text))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
            T::list(list)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::object(map)
        }
    }

    deserializer.deserialize_any(Visitor(PhantomData))
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

/// Reads an object without a tag into its struct.
pub(crate) fn read_object<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map))
}

/// The members of an object: its tag, those that came before it, those still unread.
pub(crate) struct Object<'de, A> {
    tag: Option<Cow<'de, str>>,
    held: std::vec::IntoIter<(Cow<'de, str>, Held<'de>)>,
    value: Option<Held<'de>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> Object<'de, A> {
    /// Reads up to the tag: to the end, if there is none.
    pub(crate) fn new(mut map: A) -> Result<Self, A::Error> {
        let mut held = Vec::new();
        let mut tag = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key == "type" {
                tag = map.next_value::<Option<Borrowed<'de>>>()?.map(|tag| tag.0);
                break;
            }
            held.push((key, map.next_value()?));
        }
        Ok(Self { tag, held: held.into_iter(), value: None, rest: map })
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// A text that stood before the tag, or anywhere in an object without one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.held.as_slice().iter().find_map(|(key, value)| match value {
            Held::Text(text) if key == name => Some(&*text.0),
            _ => None,
        })
    }

    /// Reads all members but the tag into the struct that the tag announces.
    pub(crate) fn fields<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        read_object(self)
    }

    /// Keeps the whole object as it is, because nobody knows its tag.
    pub(crate) fn json(mut self) -> Result<Json, A::Error> {
        let mut members = Members::default();
        if let Some(tag) = &self.tag {
            members.add("type", &quoted(tag));
        }
        for (key, value) in self.held {
            members.add(&key, &value.into_text());
        }
        members.add_rest(&mut self.rest)?;
        members.into_json()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Object<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.held.next() {
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
            // Read as a stream, for nothing may be borrowed from a text that ends with this call.
            Some(Held::Json(json)) => seed
                .deserialize(&mut serde_json::Deserializer::from_reader(json.as_str().as_bytes()))
                .map_err(de::Error::custom),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// A value that is held back: a text costs nothing, the insides of a list or an object are not looked at.
enum Held<'de> {
    Text(Text<'de>),
    /// Null, true, false, a number.
    Plain(Value),
    Json(Json),
}

impl Held<'_> {
    fn into_text(self) -> Cow<'static, str> {
        match self {
            Self::Text(text) => quoted(&text.0).into(),
            Self::Plain(value) => value.to_string().into(),
            Self::Json(json) => json.as_str().to_owned().into(),
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

/// A text to be read from, borrowed where the input could lend it.
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

    /// serde_json's raw text is such a struct, and its own values know how to become one.
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

/// The text of an object that is put together again.
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

fn raw_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Json, A::Error> {
    let mut values: Vec<Box<RawValue>> = Vec::new();
    while let Some(value) = list.next_element()? {
        values.push(value);
    }
    Json::new(&values).map_err(de::Error::custom)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A union of words (bare strings) and objects; what fits neither is kept in `Other`.
///
/// | section | member |
/// |---|---|
/// | `words { "a" => A }` | the string `"a"` |
/// | `text { D }` | any string |
/// | `objects { "b" => B(Struct) }` | an object whose `type` is `"b"`, the tag written by the enum |
/// | `untagged => B` | an object without `type` is read as `B` too |
/// | `any { C(Struct) }` | every other object, none of them with a tag |
///
/// `Other` holds a [`Json`], or what `else` names in its place.
macro_rules! union {
    (
        $(#[$meta:meta])* pub enum $name:ident $(else $other:ident)? {
            $(words { $($(#[$wmeta:meta])* $text:literal => $word:ident),* $(,)? })?
            $(text { $(#[$tmeta:meta])* $plain:ident })?
            $(objects { $($(#[$vmeta:meta])* $tag:literal => $variant:ident($inner:ident)),* $(,)? })?
            $(any { $(#[$ameta:meta])* $any:ident($any_inner:ident) })?
        }
        $(untagged => $default:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($($(#[$wmeta])* #[doc = concat!("\n\n`\"", $text, "\"` on the wire.")] $word,)*)?
            $($(#[$tmeta])* $plain(String),)?
            $($($(#[$vmeta])* #[doc = concat!("\n\n`\"type\": \"", $tag, "\"` on the wire.")] $variant($inner),)*)?
            $($(#[$ameta])* $any($any_inner),)?
            /// A shape that this crate does not know, kept whole.
            Other(union!(@other $($other)?)),
        }

        $(
            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self::$plain(text.into())
                }
            }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    Self::$plain(text)
                }
            }
        )?
        $($(union!(@from $name $variant $inner);)*)?
        $(union!(@from $name $any $any_inner);)?

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(Self::$word => serializer.serialize_str($text),)*)?
                    $(Self::$plain(text) => serializer.serialize_str(text),)?
                    $($(Self::$variant(inner) => $crate::wire::write_tagged(serializer, $tag, inner),)*)?
                    $(Self::$any(inner) => inner.serialize(serializer),)?
                    Self::Other(other) => other.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::read_union(deserializer)
            }
        }

        impl $crate::wire::Union for $name {
            fn other(json: $crate::wire::Json) -> Self {
                Self::Other(json.into())
            }

            $(fn text(text: &str) -> Self {
                match text {
                    $($text => Self::$word,)*
                    _ => Self::other(serde_json::Value::from(text).into()),
                }
            })?

            $(fn text(text: &str) -> Self {
                Self::$plain(text.into())
            })?

            union!(@object [$($($tag => $variant,)*)?] [$($default)?] [$($any)?]);
        }
    };

    (@other) => { $crate::wire::Json };
    (@other $other:ident) => { $other };

    (@from $name:ident $variant:ident $inner:ident) => {
        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self::$variant(inner)
            }
        }

        impl From<$inner> for $crate::wire::Patch<$name> {
            fn from(inner: $inner) -> Self {
                Self::Set(inner.into())
            }
        }
    };

    (@object [] [] [$any:ident]) => {
        fn object<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
            $crate::wire::read_object(map).map(Self::$any)
        }
    };
    (@object [$($tag:literal => $variant:ident,)*] [$($default:ident)?] []) => {
        fn tagged<'de, A: serde::de::MapAccess<'de>>(
            object: $crate::wire::Object<'de, A>,
        ) -> Result<Self, A::Error> {
            match object.tag() {
                $(Some($tag) => object.fields().map(Self::$variant),)*
                $(None => object.fields().map(Self::$default),)?
                _ => object.json().map(Self::other),
            }
        }
    };
}
