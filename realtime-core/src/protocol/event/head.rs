//! Finds the type of an event without parsing the event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess},
};
use serde_json::value::RawValue;

use super::once;
use crate::wire::{Id, text::Borrowed};

/// The type, if it is the first member and contains no escapes, as is nearly always the case.
pub(crate) fn leading_kind(raw: &[u8]) -> Option<&str> {
    let rest = raw.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\'))?;
    (rest[end] == b'"').then(|| std::str::from_utf8(&rest[..end]).ok()).flatten()
}

/// Decodes an event. Its text is validated as a whole, which is faster than string by string, and its types need to be
/// compiled for texts alone.
pub(crate) fn read<T: DeserializeOwned>(raw: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_str(text(raw).map_err(de::Error::custom)?)
}

/// Decodes an event and fails if its `type` appears twice.
pub(crate) fn read_once<T: DeserializeOwned>(raw: &[u8]) -> Result<T, serde_json::Error> {
    once::read(text(raw).map_err(de::Error::custom)?)
}

fn text(raw: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(raw).map_err(|error| format!("not UTF-8: {error}"))
}

/// Removes a byte order mark.
pub(crate) fn without_mark(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw)
}

/// The members that any event has.
pub(crate) struct Head<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) event_id: Option<Id>,
}

impl<'a> Head<'a> {
    /// Scans a whole message for these members, in any position. The error says why the message is not an event.
    pub(crate) fn scan(raw: &'a [u8]) -> Result<Self, String> {
        let members: Members<'a> = serde_json::from_str(text(raw)?).map_err(|error| reason(&error))?;
        let kind = members.kind.ok_or("no member named `type`")?;
        Ok(Self { kind, event_id: members.event_id })
    }
}

struct Members<'a> {
    kind: Option<Cow<'a, str>>,
    event_id: Option<Id>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members { kind: None, event_id: None };
                while let Some(Borrowed(key)) = map.next_key()? {
                    match &*key {
                        "type" => members.kind = Some(map.next_value::<Borrowed<'de>>()?.0),
                        // An `event_id` that is not a string is ignored.
                        "event_id" => {
                            members.event_id = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok()
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// serde's message for a value that does not fit, without the value itself, which may be a secret.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some((start, found)) = text.split_once("string \"") else { return text };
    match found.rsplit_once("\", expected ") {
        Some((_, expected)) => format!("{start}a string, expected {expected}"),
        None => format!("a string that does not fit at line {} column {}", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_type_wherever_it_stands() {
        assert_eq!(leading_kind(br#"{"type":"error","x":1}"#), Some("error"));
        assert_eq!(leading_kind(br#"{"x":1,"type":"error"}"#), None);
        assert_eq!(leading_kind(br#"{"type":"err\u006fr"}"#), None);
        assert_eq!(leading_kind(br#"{"type":"err"#), None);
        for raw in
            [r#"{"x":{"type":1},"type":"err\u006fr","event_id":"e"}"#, r#" { "event_id" : "e", "type" : "error" } "#]
        {
            let head = Head::scan(raw.as_bytes()).unwrap();
            assert_eq!((&*head.kind, head.event_id.as_deref()), ("error", Some("e")));
        }
    }

    #[test]
    fn says_why_a_message_is_no_event() {
        for (raw, why) in [
            (&b"[]"[..], "expected a JSON object"),
            (b"{}", "no member named `type`"),
            (br#"{"type":1}"#, "expected a string"),
            (br#"{"type":"a"} x"#, "trailing characters"),
            (b"{\"type\":\"\xff\"}", "not UTF-8"),
            (b"", "EOF"),
        ] {
            let reason = Head::scan(raw).err().unwrap();
            assert!(reason.contains(why), "{reason}");
        }
    }

    #[test]
    fn deep_nesting_is_only_skipped() {
        let raw = format!(r#"{{"x":{}{},"type":"a"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Head::scan(raw.as_bytes()).ok().map(|head| head.kind.into_owned()).as_deref(), Some("a"));
    }
}
