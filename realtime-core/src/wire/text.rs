//! Text that a server may have split within a character.
//!
//! A service that splits text into deltas can split an emoji and send half of a surrogate pair (`"\ud83d"`), which is
//! valid JSON but not valid Unicode. Such a half becomes U+FFFD; the `done` event contains the whole text.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

use super::{Patch, TextDelta};

/// Maximum length in bytes of an identifier-like string: a status, a kind, a reason. Longer ones are rejected.
pub(crate) const MOST_WORD: usize = 256;

/// The text, if it is UTF-8.
///
/// Every message passes through here once, or is decoded by hand. On the service's messages this takes less than half the
/// time of the standard library.
pub(crate) fn utf8(raw: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(raw).ok()
}

/// Reads a string, or an optional one that may be null or absent.
pub(crate) fn read<'de, D: Deserializer<'de>, T: FromText>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

pub(crate) trait FromText: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl FromText for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lossy::deserialize(deserializer).map(|lossy| lossy.0)
    }
}

impl FromText for TextDelta {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lossy::deserialize(deserializer).map(|lossy| lossy.0)
    }
}

impl FromText for Option<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Lossy<String>>::deserialize(deserializer)?.map(|lossy| lossy.0))
    }
}

impl FromText for Patch<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(<Option<String> as FromText>::read(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

struct Lossy<T>(T);

impl<'de, T: for<'a> From<Cow<'a, str>>> Deserialize<'de> for Lossy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<T: for<'a> From<Cow<'a, str>>> de::Visitor<'_> for Visitor<T> {
            type Value = Lossy<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Lossy<T>, E> {
                Ok(Lossy(Cow::Borrowed(text).into()))
            }

            fn visit_string<E>(self, text: String) -> Result<Lossy<T>, E> {
                Ok(Lossy(Cow::<str>::Owned(text).into()))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy<T>, E> {
                // Nearly always valid, and validating is faster than a lossy conversion.
                let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
                Ok(Lossy(text.into()))
            }
        }

        // Asked for bytes, serde_json accepts incomplete surrogate pairs.
        deserializer.deserialize_bytes(Visitor(PhantomData))
    }
}

/// A string that is only inspected: borrowed from the input if it has no escapes.
pub(crate) struct Borrowed<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Borrowed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Borrowed<'de>, E> {
                Ok(Borrowed(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Borrowed<'de>, E> {
                Ok(Borrowed(Cow::Owned(text.into())))
            }

            fn visit_string<E>(self, text: String) -> Result<Borrowed<'de>, E> {
                Ok(Borrowed(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_character_does_not_lose_the_rest() {
        let text = |json: &str| String::read(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!(text(r#""plain""#).as_deref(), Some("plain"));
        assert_eq!(text(r#""\ud83d\udc4b é \n""#).as_deref(), Some("👋 é \n"));
        let half = text(r#""hi \ud83d""#).unwrap();
        assert!(half.starts_with("hi \u{fffd}"));
        assert_eq!(text("1"), None);
        assert_eq!(text("null"), None);
        let value = serde_json::json!("from a value");
        assert_eq!(String::read(value).ok().as_deref(), Some("from a value"));
    }
}
