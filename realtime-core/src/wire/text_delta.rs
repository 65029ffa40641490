use std::{borrow::Cow, fmt, ops::Deref};

use serde::Serialize;

use super::Id;

/// A piece of text as it streams: a word or so.
///
/// It reads as a `str`. Up to 30 bytes are kept in place and need no allocation, which is nearly every piece.
// It is kept as an id is. Only its meaning differs.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct TextDelta(Id);

impl TextDelta {
    /// The piece as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
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
