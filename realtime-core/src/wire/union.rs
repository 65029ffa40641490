//! Unions whose members are distinguished by shape or by the `type` of an object, without serde's `tag` and `untagged`.
//!
//! serde's own representations buffer the whole value first. Here, decoding continues directly into the right struct
//! once the tag is found; only members before it (usually an id) are buffered. An unknown form is not an error: it is
//! kept as [`Json`].

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess},
};
use serde_json::{Value, value::RawValue};

use super::{
    Json,
    object::{Object, raw_list},
};

/// Message for a value that should have been an object.
const OBJECT: &str = "an object was expected";

/// Decoding of each form of a union. Forms without an implementation go to `other`.
pub(crate) trait Union: de::DeserializeOwned {
    /// Whether only objects are valid, so that other values are not preserved.
    const ONLY_OBJECTS: bool = false;

    /// Creates a value of unknown form.
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
        match Object::new(map)? {
            Ok(object) => Self::tagged(object),
            Err(reordered) => serde_json::from_str(reordered.as_str()).map_err(de::Error::custom),
        }
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

        fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
            loose(|| T::other(Value::from(value).into()))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            loose(|| T::number(number.into()))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            loose(|| T::number(number.into()))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
            loose(|| serde_json::Number::from_f64(number).map_or_else(|| T::other(Value::Null.into()), T::number))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            loose(|| T::text(text))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
            if T::ONLY_OBJECTS { Err(de::Error::custom(OBJECT)) } else { T::list(list) }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::object(map)
        }
    }

    /// Reads a value that is not an object.
    fn loose<T: Union, E: de::Error>(read: impl FnOnce() -> T) -> Result<T, E> {
        if T::ONLY_OBJECTS { Err(E::custom(OBJECT)) } else { Ok(read()) }
    }

    deserializer.deserialize_any(Visitor(PhantomData))
}

/// Reads a value that does not fit strictly, which for a union means only that it is not an object.
pub(crate) fn read_loosely<T: Union>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// Writes the tag, then the fields of its struct.
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

/// Serde of a [`Union`](crate::wire::Union) that writes its variants itself: `union_serde!(Voice, |voice, to| match voice { .. })`.
macro_rules! union_serde {
    ($name:ident, |$value:ident, $to:ident| $write:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, $to: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                $write
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::read_union(deserializer)
            }
        }
    };
}

/// Defines a union of strings and objects. Values of unknown form are kept in `Other`.
///
/// | section | member |
/// |---|---|
/// | `words { "a" => A }` | the string `"a"` |
/// | `text { D }` | any string |
/// | `objects { "b" => B(Struct) }` | an object whose `type` is `"b"`, the tag written by the enum |
/// | `untagged => B` | an object without `type` is read as `B` too |
/// | `any { C(Struct) }` | every other object, none of them with a tag |
/// | `only objects` | a value that is not an object does not fit |
///
/// `Other` holds a [`Json`], or the type named after `else`.
macro_rules! union {
    (
        $(#[$meta:meta])* pub enum $name:ident $(else $other:ident)? {
            $(words { $($(#[$wmeta:meta])* $text:literal => $word:ident),* $(,)? })?
            $(text { $(#[$tmeta:meta])* $plain:ident })?
            $(objects { $($(#[$vmeta:meta])* $tag:literal => $variant:ident($inner:ty)),* $(,)? })?
            $(any { $(#[$ameta:meta])* $any:ident($any_inner:ident) })?
        }
        $(untagged => $default:ident)?
        $(only $only:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($($(#[$wmeta])* #[doc = concat!("\n\n`\"", $text, "\"` on the wire.")] $word,)*)?
            $($(#[$tmeta])* $plain(String),)?
            $($($(#[$vmeta])* #[doc = concat!("\n\n`\"type\": \"", $tag, "\"` on the wire.")] $variant($inner),)*)?
            $($(#[$ameta])* $any($any_inner),)?
            /// An unknown form, preserved.
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

        impl $crate::wire::FromPlain for $name {
            fn from_plain(text: &mut $crate::wire::Plain<'_>) -> Option<Self> {
                union!(@plain text [$($($tag => $variant,)*)?] [$($any)?])
            }
        }

        impl $crate::wire::Lenient for $name {
            const EXPECTED: &'static str = "a shape that is known";

            fn read(value: &serde_json::value::RawValue, notes: &mut $crate::wire::Notes) -> Option<Self> {
                union!(@lenient value notes [$($($tag => $variant $inner,)*)?] [$($default)?] [$($any)?])
            }

            union!(@is_none $($default)?);
        }

        impl $crate::wire::Union for $name {
            $(const ONLY_OBJECTS: bool = stringify!($only).len() > 0;)?

            fn other(json: $crate::wire::Json) -> Self {
                union!(@unknown json $($other)?)
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

    (@plain $text:ident [] [$any:ident]) => {
        match $text.peek()? {
            b'{' => $crate::wire::FromPlain::from_plain($text).map(Self::$any),
            _ => $crate::wire::plain_union($text),
        }
    };
    (@plain $text:ident [$($tag:literal => $variant:ident,)*] []) => {
        match $text.tag() {
            $(Some($tag) => $crate::wire::FromPlain::from_plain($text).map(Self::$variant),)*
            _ => $crate::wire::plain_union($text),
        }
    };

    (@lenient $value:ident $notes:ident [] [] [$any:ident]) => {
        if $value.get().starts_with('{') {
            $crate::wire::Lenient::read($value, $notes).map(Self::$any)
        } else {
            $crate::wire::read_loosely($value)
        }
    };
    (@lenient $value:ident $notes:ident [$($tag:literal => $variant:ident $inner:ty,)*] [$($default:ident)?] []) => {{
        use $crate::wire::{Lenient, Tag};

        match $crate::wire::tag($value) {
            // Not an object. A plain string may be a tag.
            None => union!(@bare $value $notes [$($tag => $variant $inner,)*] [$($default)?]),
            Some(Tag::Text(tag)) => match &*tag {
                $($tag => <$inner as Lenient>::read($value, $notes).map(Self::$variant),)*
                _ => $crate::wire::read_loosely($value),
            },
            $(
                Some(Tag::Absent) => Lenient::read($value, $notes).map(Self::$default),
                Some(Tag::Null) => None,
            )?
            // The type is unknown, but an id may still be needed.
            Some(Tag::Odd) => Some($crate::wire::Union::other($value.to_owned().into())),
            #[allow(unreachable_patterns)] // where an object without a tag is something
            Some(Tag::Absent | Tag::Null) => $crate::wire::read_loosely($value),
        }
    }};

    // If an object without a tag is valid, a plain tag is too.
    (@bare $value:ident $notes:ident $objects:tt []) => { $crate::wire::read_loosely($value) };
    (@bare $value:ident $notes:ident [$($tag:literal => $variant:ident $inner:ty,)*] [$default:ident]) => {
        match $crate::wire::lenient_text($value).as_deref() {
            $(Some($tag) => {
                let empty = serde_json::value::RawValue::from_string("{}".into()).ok()?;
                <$inner as $crate::wire::Lenient>::read(&empty, $notes).map(Self::$variant)
            })*
            _ => $crate::wire::read_loosely($value),
        }
    };

    (@is_none) => {};
    (@is_none $default:ident) => {
        /// Null, and an object with a null tag, count as none.
        fn is_none(value: &serde_json::value::RawValue) -> bool {
            use $crate::wire::Tag;

            $crate::wire::is_null(value) || matches!($crate::wire::tag(value), Some(Tag::Null))
        }
    };

    (@unknown $json:ident) => { Self::Other($json) };
    (@unknown $json:ident $other:ident) => { $other::or_known($json) };

    (@other) => { $crate::wire::Json };
    (@other $other:ident) => { $other };

    (@from $name:ident $variant:ident $inner:ty) => {
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

#[cfg(test)]
#[allow(missing_docs, unnameable_types)] // made by macros for the public, and of use to nobody
mod tests {
    use super::*;

    wire! {
        pub struct Point {
            opt id: crate::wire::Id,
            opt_int x: u32,
            opt_text text: String,
            list list: u32,
            opt json: Json,
            patch cleared: bool,
        }

        pub struct Setting {
            opt level: f64,
        }
    }

    union! {
        pub enum Shape {
            words {
                "none" => None,
            }
            objects {
                "point" => Point(Point),
                "other_point" => OtherPoint(Setting),
            }
        }
        untagged => Point
    }

    union! {
        pub enum Tagged {
            words {}
            objects {
                "setting" => Setting(Setting),
            }
        }
    }

    union! {
        pub enum Loose {
            words {
                "auto" => Auto,
            }
            any {
                Setting(Setting)
            }
        }
    }

    fn read<T: de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn reads_each_shape() {
        let point = Point::default().id("p").x(3);
        for text in [
            r#"{"type":"point","id":"p","x":3.0}"#,
            r#"{"id":"p","x":3,"type":"point"}"#,
            r#"{"id":"\u0070","unknown":[{"type":"a"}],"type":"point","x":3}"#,
            r#"{"x":3.0,"id":"p"}"#,
            r#"{"unknown":[1],"x":3.0,"id":"p"}"#,
            r#"{"x":3,"type":null,"id":"p"}"#,
        ] {
            assert_eq!(read::<Shape>(text), Shape::Point(point.clone()), "{text}");
            assert_eq!(serde_json::from_reader::<_, Shape>(text.as_bytes()).unwrap(), Shape::Point(point.clone()));
            let value: Value = read(text);
            assert_eq!(serde_json::from_value::<Shape>(value).unwrap(), Shape::Point(point.clone()));
        }
        assert_eq!(read::<Shape>(r#""none""#), Shape::None);
        assert_eq!(read::<Loose>(r#""auto""#), Loose::Auto);
        assert_eq!(read::<Loose>(r#"{"level":1}"#), Setting::default().level(1).into());
        assert!(serde_json::from_str::<Shape>("null").is_err());
        assert_eq!(read::<Option<Shape>>("null"), None);
    }

    #[test]
    fn what_stands_before_the_tag_is_not_lost() {
        let json = r#"{"json":{"a":[1e400,"\ud83d"]},"list":[1,2],"cleared":null,"x":7,"type":"point","id":"p"}"#;
        let Shape::Point(point) = read(json) else { panic!() };
        assert_eq!(point.json.as_ref().map(Json::as_str), Some(r#"{"a":[1e400,"\ud83d"]}"#));
        assert_eq!((point.list.as_deref(), point.x, point.cleared.is_keep()), (Some(&[1, 2][..]), Some(7), false));
        let Shape::Point(point) = read(r#"{"json":"text","type":"point"}"#) else { panic!() };
        assert_eq!(point.json.as_ref().map(Json::as_str), Some(r#""text""#));
    }

    #[test]
    fn keeps_what_it_does_not_know() {
        for (text, kept) in [
            (r#"{"type":"new","a":1e400}"#, None),
            (
                r#"{ "a": "x\n", "b": [1e400], "c": {"d":"\ud83d"}, "e": 1.5, "f": null, "type": "new", "g": {} }"#,
                Some(r#"{"type":"new","a":"x\n","b":[1e400],"c":{"d":"\ud83d"},"e":1.5,"f":null,"g":{}}"#),
            ),
            (r#""word""#, None),
            ("7", None),
            ("-7", None),
            ("1.5", None),
            ("true", None),
            (r#"[1e400,"\ud83d"]"#, None),
        ] {
            let Shape::Other(json) = read(text) else { panic!("{text}") };
            assert_eq!(json.as_str(), kept.unwrap_or(text));
            assert_eq!(serde_json::to_string(&Shape::Other(json)).unwrap(), kept.unwrap_or(text));
        }
    }

    #[test]
    fn an_object_whose_tag_is_null_is_the_same_when_it_is_read_again() {
        for (text, kept) in [
            (r#"{"type":null,"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1,"type":null,"type":null}"#, r#"{"type":null,"a":1,"type":null}"#),
            (r#"{"a":1,"type":null,"type":"setting"}"#, r#"{"type":null,"a":1,"type":"setting"}"#),
            (r#"{"a":{},"type":null}"#, r#"{"a":{}}"#),
            (r#"{"a":{},"type":null,"type":null}"#, r#"{"type":null,"a":{},"type":null}"#),
            (r#"{"a":{},"type":null,"type":"setting"}"#, r#"{"type":null,"a":{},"type":"setting"}"#),
            (r#"{"type":null}"#, "{}"),
            ("{}", "{}"),
        ] {
            for text in [text, kept] {
                let Tagged::Other(json) = read(text) else { panic!("{text}") };
                assert_eq!(json.as_str(), kept, "{text}");
            }
        }
    }

    #[test]
    fn deep_nesting_is_only_skipped() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let Shape::Point(point) = read(&format!(r#"{{"deep":{deep},"type":"point","id":"p","deeper":{deep}}}"#)) else {
            panic!()
        };
        assert_eq!(point, Point::default().id("p"));
        assert!(matches!(read(&format!(r#"{{"deep":{deep},"type":"new"}}"#)), Shape::Other(_)));
    }
}
