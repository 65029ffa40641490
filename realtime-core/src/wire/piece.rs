use std::{borrow::Cow, fmt, ops::Deref};

use serde::Serialize;

use super::Id;

/// A piece of text as it streams: a word or so.
///
/// It reads as a `str`. Up to 30 bytes are kept in place and need no allocation, which is nearly every piece.
// It is kept as an id is. Only its meaning differs.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Piece(Id);

impl Piece {
    /// The piece as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Piece {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Piece {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for Piece {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Cow<'_, str>> for Piece {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Piece> for String {
    fn from(piece: Piece) -> Self {
        piece.0.into()
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
