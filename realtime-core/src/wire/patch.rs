use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Id, Json};

/// A field whose absence and whose null mean different things to the service.
///
/// `turn_detection` is one: left out, the session keeps its turn detection; null turns it off. In what the server sends,
/// `Keep` says that the field was not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not written: what the service has stays.
    #[default]
    Keep,
    /// Written as null: turned off, or taken away.
    Clear,
    /// Written as this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field is left out.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value, if there is one.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The value, if there is one.
    pub fn into_set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// What stands afterwards where `current` stood before.
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

/// None is [`Clear`](Patch::Clear), so that `turn_detection(None)` turns it off. To leave a member as it is, do not call
/// its setter.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

/// A member that may say nothing.
pub(crate) trait Leaf {
    /// Replaces what was said before, if it says something.
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

/// What becomes a value also becomes a patch of it.
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

/// `Keep` is left out by the struct that holds the field; on its own it is null.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_set().serialize(serializer)
    }
}

/// Null is `Clear`; `Keep` is what the struct's default gives where the field is absent.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}
