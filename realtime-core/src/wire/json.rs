use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{Lenient, Notes};

/// Any JSON, kept as text: a schema, free-form metadata, an unknown form.
///
/// Equality compares values, ignoring white space and the order of members.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes JSON text as is.
    ///
    /// # Errors
    /// The text is not a single JSON value.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.into()).map(Self)
    }

    /// Serializes a value.
    ///
    /// # Errors
    /// The value cannot be represented as JSON.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Deserializes the JSON into another type.
    ///
    /// # Errors
    /// The JSON does not match the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// Deserializes leniently.
    pub(crate) fn read_leniently<T: Lenient>(&self) -> Option<T> {
        T::read(&self.0, &mut Notes::new(self.as_str().len()))
    }

    /// The value. Null if the text is nested deeper than serde_json supports (128 levels).
    pub fn to_value(&self) -> Value {
        self.read().unwrap_or_default()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
            || matches!((self.read::<Value>(), other.read::<Value>()), (Ok(a), Ok(b)) if a == b)
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        // The `Display` output of a value is JSON, so `parse` never fails.
        Self::parse(value.to_string()).unwrap_or_else(|_| Self(RawValue::NULL.to_owned()))
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        value.clone().into()
    }
}

/// Shows the length only: unknown forms may contain secrets.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.as_str().len())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// Reads an optional member. A value that does not fit counts as absent.
pub(crate) fn loose<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Json>::deserialize(deserializer)?.and_then(|json| json.read().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_value_and_keeps_the_text() {
        let json = Json::parse(r#"{ "a": 1, "b": [1e400] }"#);
        assert_eq!(json.as_ref().map(Json::as_str).ok(), Some(r#"{ "a": 1, "b": [1e400] }"#));
        let parse = |text: &str| Json::parse(text).unwrap();
        assert_eq!(parse(r#"{"a":1,"b":2}"#), parse(r#"{ "b": 2, "a": 1 }"#));
        assert_ne!(parse("1"), parse("2"));
        assert!(Json::parse("{").is_err());
        assert_eq!(Json::from(serde_json::json!({"x": null})).as_str(), r#"{"x":null}"#);
    }
}
