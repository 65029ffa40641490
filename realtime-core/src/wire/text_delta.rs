use std::{borrow::Cow, fmt, ops::Deref};

use serde::Serialize;

use super::{Id, WINDOW};

/// The text of a delta: typically one word.
///
/// Dereferences to `str`. Up to 30 bytes, and so nearly every delta, are stored inline without an allocation.
// Stored like an id; only the meaning differs.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct TextDelta(Id);

impl TextDelta {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Creates a text from the first bytes of a window, which are ASCII.
    #[inline]
    pub(crate) fn from_ascii(window: &[u8; WINDOW], len: usize) -> Self {
        Self(Id::from_ascii(window, len))
    }

    /// The bytes of the text, without validation.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Deref for TextDelta {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for TextDelta {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for TextDelta {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for TextDelta {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl From<&str> for TextDelta {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for TextDelta {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Cow<'_, str>> for TextDelta {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<TextDelta> for String {
    fn from(piece: TextDelta) -> Self {
        piece.0.into()
    }
}

impl fmt::Debug for TextDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for TextDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
