use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::wire::{Id, Json};

/// An object as the server wrote it, with what this crate reads of it.
///
/// Members that this crate does not know, or that have an unexpected type, are missing from the typed value and present
/// in [`json`](Self::json). Two are equal when their JSON is.
#[derive(Clone)]
pub struct Reported<T> {
    json: Json,
    value: T,
}

impl<T> Reported<T> {
    /// The whole object.
    pub fn json(&self) -> &Json {
        &self.json
    }
}

impl<T> Deref for Reported<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> PartialEq for Reported<T> {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl<T: fmt::Debug> fmt::Debug for Reported<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// For servers and tests, which make such objects themselves.
impl<T: Serialize> From<T> for Reported<T> {
    fn from(value: T) -> Self {
        // The structs of the wire always have a JSON form.
        let json = Json::new(&value).unwrap_or_else(|_| serde_json::Value::Null.into());
        Self { json, value }
    }
}

impl<T> Serialize for Reported<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de, T: de::DeserializeOwned> Deserialize<'de> for Reported<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        // A struct would be read from a list too.
        if !json.as_str().starts_with('{') {
            return Err(de::Error::custom("expected an object"));
        }
        let value = json.read().map_err(|error| de::Error::custom(crate::event::reason(&error)))?;
        Ok(Self { json, value })
    }
}

/// Reads an id that must be there, into a member that other events may lack.
pub(crate) fn required_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Id::deserialize(deserializer).map(Some)
}
