use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Id, Json};

/// A field for which absence and null have different meanings.
///
/// For example `turn_detection`: if absent, the session keeps its turn detection; null turns it off. In server events,
/// `Keep` means that the field was absent.
///
/// # Examples
/// ```
/// use realtime_core::{Patch, types::RealtimeSessionConfig};
///
/// let off = RealtimeSessionConfig::default().turn_detection(Patch::Clear);
/// assert_eq!(serde_json::to_string(&off)?, r#"{"audio":{"input":{"turn_detection":null}}}"#);
/// assert_eq!(serde_json::to_string(&RealtimeSessionConfig::default())?, "{}");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not written: the current value is kept.
    #[default]
    Keep,
    /// Written as null: turned off or removed.
    Clear,
    /// Written as this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field is not written.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value, if any.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Extracts the value, if any.
    pub fn into_set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The result of applying the patch to `current`.
    pub fn apply(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

/// Converts `None` to [`Clear`](Patch::Clear), so that `turn_detection(None)` turns it off. To keep a member, do not
/// call its setter.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

/// An optional member.
pub(crate) trait Leaf {
    /// Replaces the previous value, unless unset.
    fn lay_over(self, before: &mut Self);
}

impl<T> Leaf for Option<T> {
    fn lay_over(self, before: &mut Self) {
        if self.is_some() {
            *before = self;
        }
    }
}

impl<T> Leaf for Patch<T> {
    fn lay_over(self, before: &mut Self) {
        if !self.is_keep() {
            *before = self;
        }
    }
}

/// Everything that converts to a value also converts to a patch of it.
macro_rules! from {
    ($($source:ty => $value:ty),*) => {$(
        impl From<$source> for Patch<$value> {
            fn from(value: $source) -> Self {
                Self::Set(value.into())
            }
        }
    )*};
}

from!(&str => String, &str => Id, &Id => Id, String => Id, Value => Json);

/// The struct that contains the field skips `Keep`; on its own, it is written as null.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_set().serialize(serializer)
    }
}

/// Null is `Clear`. The struct's default, `Keep`, applies if the field is absent.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}
