use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that must not be shown: a key, a token, the value of a header for a tool's server.
///
/// `Debug` prints `***`, and there is no `Display`.
///
/// # Examples
/// ```
/// use realtime_core::Secret;
///
/// let key = Secret::from("sk-1");
/// assert_eq!(format!("{key:?}"), "***");
/// assert_eq!(key.expose(), "sk-1");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the code that sends it. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}
