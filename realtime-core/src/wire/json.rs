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

/// Longest text in bytes that is mended.
const MOST_MENDED: usize = 1 << 20;

/// Makes JSON of a text that differs from it only as some encoders write it: `NaN` and the infinities become null, and control
/// characters within strings are escaped. `None` if it has neither, or is too long.
pub(crate) fn mended(text: &str) -> Option<String> {
    const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

    if text.len() > MOST_MENDED {
        return None;
    }
    let (mut json, mut at, mut copied, mut quoted) = (String::new(), 0, 0, false);
    // Sliced only where an ASCII character begins or ends.
    while let Some(byte) = text.as_bytes().get(at) {
        let number = || NO_NUMBERS.into_iter().find(|number| text[at..].starts_with(number));
        let instead = match byte {
            0..0x20 if quoted => Some((1, format!("\\u{byte:04x}"))),
            b'N' | b'I' | b'-' if !quoted => number().map(|number| (number.len(), "null".into())),
            b'"' => {
                quoted = !quoted;
                None
            }
            _ => None,
        };
        let Some((length, instead)) = instead else {
            at += if quoted && *byte == b'\\' { 2 } else { 1 };
            continue;
        };
        json.push_str(&text[copied..at]);
        json.push_str(&instead);
        at += length;
        copied = at;
    }
    (copied > 0).then(|| {
        json.push_str(&text[copied..]);
        json
    })
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

    #[test]
    fn what_is_nearly_json_is_mended_and_nothing_else() {
        for (text, json) in [
            (r#"{"a":NaN,"b":[-Infinity,Infinity]}"#, Some(r#"{"a":null,"b":[null,null]}"#)),
            ("{\"a\":\"x\ny\t\"}", Some(r#"{"a":"x\u000ay\u0009"}"#)),
            // Within strings they are words, and an escaped quotation mark ends none.
            (r#"{"a":"NaN \" Infinity"}"#, None),
            ("{\n\t\"a\": 1\n}", None),
            ("", None),
            ("\\", None),
            ("\"\\", None),
        ] {
            assert_eq!(mended(text).as_deref(), json, "{text}");
        }
        assert_eq!(mended("\"\\é\n\":NaN").as_deref(), Some("\"\\é\\u000a\":null"), "an escape is no escape");
        assert_eq!(mended(&"NaN".repeat(MOST_MENDED)), None);
    }
}
