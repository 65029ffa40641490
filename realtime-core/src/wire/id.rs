use std::{borrow::Borrow, fmt, hash, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Maximum length in bytes of an [`Id`] that is stored inline.
pub(crate) const INLINE: usize = 30;

/// Number of bytes that are looked at to find an id in a text.
pub(crate) const WINDOW: usize = 32;

/// What is kept of a window, and after it what is cut off.
const KEEP: [u8; INLINE + WINDOW] = {
    let mut keep = [0; INLINE + WINDOW];
    let mut at = 0;
    while at < INLINE {
        keep[at] = u8::MAX;
        at += 1;
    }
    keep
};

/// An identifier of an event, item, response, session or call.
///
/// Dereferences to `str`. Ids of the service have 26 or 27 bytes; up to 30 bytes are stored inline without an
/// allocation, longer ones on the heap.
#[derive(Clone)]
pub struct Id(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<str>),
}

impl Id {
    /// Maximum length in bytes of a received id. The service allows clients 512 characters. Longer ids are rejected,
    /// because ids are stored.
    pub(crate) const MOST: usize = 2048;

    /// The id of nothing.
    pub(crate) const EMPTY: Self = Self(Repr::Inline { len: 0, bytes: [0; INLINE] });

    /// Creates an id from any text.
    pub fn new(text: &str) -> Self {
        Self::inline(text.as_bytes()).unwrap_or_else(|| Self(Repr::Heap(text.into())))
    }

    /// Creates an id from the first bytes of a window, which are ASCII: as many as are stored inline, at most.
    ///
    /// What follows them is cut off at once for the whole window, which is faster than copying so many bytes.
    #[inline]
    pub(crate) fn from_ascii(window: &[u8; WINDOW], len: usize) -> Self {
        let len = len.min(INLINE);
        // As long as a window, whatever the length: compilers turn that into two instructions.
        let keep: &[u8; WINDOW] = KEEP[INLINE - len..].first_chunk().unwrap_or(&[0; WINDOW]);
        let kept: [u8; WINDOW] = std::array::from_fn(|at| window[at] & keep[at]);
        let mut bytes = [0; INLINE];
        bytes.copy_from_slice(&kept[..INLINE]);
        // `len` is at most INLINE here.
        Self(Repr::Inline { len: len as u8, bytes })
    }

    /// Stores text inline, if it fits.
    fn inline(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        // `text.len()` is at most INLINE here.
        Some(Self(Repr::Inline { len: text.len() as u8, bytes }))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes were a `str` when they were stored, so validation never fails.
            Repr::Inline { len, bytes } => std::str::from_utf8(&bytes[..usize::from(*len)]).unwrap_or_default(),
            Repr::Heap(text) => text,
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the id is the empty text, which names nothing.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The bytes of the text, without validation.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Heap(text) => text.as_bytes(),
        }
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new("")
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Id {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // What follows an inline text is always zero, and arrays are compared faster than slices.
            (Repr::Inline { len, bytes }, Repr::Inline { len: other_len, bytes: other_bytes }) => {
                len == other_len && bytes == other_bytes
            }
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

/// Equal to the hash of the text, as required by [`Borrow<str>`].
impl hash::Hash for Id {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        if text.len() > INLINE { Self(Repr::Heap(text.into())) } else { Self::new(&text) }
    }
}

impl From<&Self> for Id {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.as_str().into()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                if text.len() > Id::MOST {
                    return Err(E::custom("an id is too long"));
                }
                Ok(Id::new(text))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keeps_ids_of_the_service_in_place() {
        assert_eq!(size_of::<Id>(), 32);
        assert_eq!(size_of::<Option<Id>>(), 32);
        for length in [0, 1, 27, 30, 31, 512] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let id = Id::new(&text);
            assert_eq!(matches!(id.0, Repr::Inline { .. }), length <= INLINE);
            assert_eq!((&*id, &*Id::from(text.clone())), (&*text, &*text));
        }
    }

    #[test]
    fn ids_are_equal_if_their_texts_are_wherever_they_are_stored() {
        let texts: Vec<String> = (0..40).flat_map(|length| ["x".repeat(length), "x".repeat(length) + "y"]).collect();
        for one in &texts {
            for other in &texts {
                let ids = [one, other].map(|text| Id::new(text));
                assert_eq!(ids[0] == ids[1], one == other, "{one} {other}");
                if one.len() <= INLINE {
                    let window = format!("{one}01234567890123456789012345678901");
                    let cut = Id::from_ascii(window.as_bytes().first_chunk().unwrap(), one.len());
                    assert_eq!(cut == ids[1], one == other, "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn is_found_in_a_map_by_its_text() {
        let map = HashMap::from([(Id::new("item_1"), 1), (Id::new(&"x".repeat(99)), 2)]);
        assert_eq!((map["item_1"], map[&*"x".repeat(99)]), (1, 2));
    }
}
