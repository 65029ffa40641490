//! The plain form of values other than the objects of the protocol.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{FromPlain, Plain, short_id};
use crate::wire::{Audio, Id, Json, Patch, Secret, TextDelta, Union};

decoded_by_serde!(Json, Secret, f64);

impl<T: DeserializeOwned> FromPlain for BTreeMap<String, T> {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        text.by_serde()
    }
}

impl FromPlain for String {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        text.string().map(Self::from).or_else(|| text.by_serde())
    }
}

/// Padded base64 of the standard alphabet. What else is audio depends on the event.
impl FromPlain for Audio {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        Self::from_base64(text.string()?.as_bytes())
    }
}

impl FromPlain for TextDelta {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        text.string().map(Self::from)
    }
}

impl FromPlain for Id {
    #[inline]
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        if text.peek()? == b'"'
            && let Some((window, len)) = short_id(&text.rest()[1..])
        {
            text.at += len + 2;
            return Some(Self::from_ascii(window, len));
        }
        text.string().filter(|id| id.len() <= Self::MOST).map(Self::new)
    }
}

impl FromPlain for bool {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        text.peek()?;
        if text.word("true") { Some(true) } else { text.word("false").then_some(false) }
    }
}

impl Plain<'_> {
    /// An integer of up to eighteen digits, which is less than 2^60.
    #[inline]
    fn integer(&mut self) -> Option<u64> {
        self.peek()?;
        let rest = self.rest();
        let (mut number, mut length) = (0, 0);
        while let Some(digit @ b'0'..=b'9') = rest.get(length)
            && length < 18
        {
            number = 10 * number + u64::from(digit - b'0');
            length += 1;
        }
        let is_whole = length == 1 || (length > 1 && rest[0] != b'0');
        (is_whole && matches!(rest.get(length)?, b',' | b'}' | b']')).then(|| {
            self.at += length;
            number
        })
    }
}

macro_rules! integers {
    ($($int:ty),+) => {$(
        impl FromPlain for $int {
            fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
                Self::try_from(text.integer()?).ok()
            }
        }
    )+};
}

integers!(u8, u32, u64, i64);

impl<T: FromPlain> FromPlain for Box<T> {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        T::from_plain(text).map(Self::new)
    }
}

impl<T: FromPlain> FromPlain for Option<T> {
    #[inline]
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        if text.null()? { Some(None) } else { T::from_plain(text).map(Some) }
    }
}

impl<T: FromPlain> FromPlain for Patch<T> {
    #[inline]
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        if text.null()? { Some(Self::Clear) } else { T::from_plain(text).map(Self::Set) }
    }
}

impl<T: FromPlain> FromPlain for Vec<T> {
    fn from_plain(text: &mut Plain<'_>) -> Option<Self> {
        let (mut list, mut more) = (Self::new(), text.begin(b'[', b']')?);
        while more {
            list.push(T::from_plain(text)?);
            more = text.more(b']')?;
        }
        Some(list)
    }
}

/// Decodes a union whose objects are decoded by serde.
pub(crate) fn plain_union<T: Union>(text: &mut Plain<'_>) -> Option<T> {
    if !T::ONLY_OBJECTS
        && let Some(text) = text.string()
    {
        return Some(T::text(text));
    }
    text.by_serde()
}
