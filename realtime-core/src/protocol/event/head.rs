//! Finds the type of an event without parsing the event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess},
};
use serde_json::value::RawValue;

use crate::wire::{Id, text::Borrowed};

/// The type, if it is the first member and contains no escapes, as is nearly always the case.
pub(crate) fn leading_kind(raw: &str) -> Option<&str> {
    let rest = raw.strip_prefix(r#"{"type":""#)?;
    let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (kind, rest) = rest.split_at_checked(end)?;
    rest.starts_with('"').then_some(kind)
}

/// The byte order mark that some servers begin with.
const MARK: &str = "\u{feff}";

/// Removes a byte order mark.
pub(crate) fn without_mark(raw: &str) -> &str {
    raw.strip_prefix(MARK).unwrap_or(raw)
}

/// Whether a binary message may be the text of an event.
pub(crate) fn may_be_text(raw: &[u8]) -> bool {
    raw.strip_prefix(MARK.as_bytes()).unwrap_or(raw).trim_ascii_start().starts_with(b"{")
}

/// The members that any event has.
pub(crate) struct Head<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) event_id: Option<Id>,
}

impl<'a> Head<'a> {
    /// Scans a whole message for these members, in any position. The error says why the message is not an event.
    pub(crate) fn scan(raw: &'a str) -> Result<Self, String> {
        let members: Members<'a> = serde_json::from_str(raw).map_err(|error| reason(&error))?;
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
        assert_eq!(leading_kind(r#"{"type":"error","x":1}"#), Some("error"));
        assert_eq!(leading_kind(r#"{"x":1,"type":"error"}"#), None);
        assert_eq!(leading_kind(r#"{"type":"err\u006fr"}"#), None);
        assert_eq!(leading_kind(r#"{"type":"err"#), None);
        for raw in
            [r#"{"x":{"type":1},"type":"err\u006fr","event_id":"e"}"#, r#" { "event_id" : "e", "type" : "error" } "#]
        {
            let head = Head::scan(raw).unwrap();
            assert_eq!((&*head.kind, head.event_id.as_deref()), ("error", Some("e")));
        }
    }

    #[test]
    fn says_why_a_message_is_no_event() {
        for (raw, why) in [
            ("[]", "expected a JSON object"),
            ("{}", "no member named `type`"),
            (r#"{"type":1}"#, "expected a string"),
            (r#"{"type":"a"} x"#, "trailing characters"),
            ("", "EOF"),
        ] {
            let reason = Head::scan(raw).err().unwrap();
            assert!(reason.contains(why), "{reason}");
        }
    }

    #[test]
    fn deep_nesting_is_only_skipped() {
        let raw = format!(r#"{{"x":{}{},"type":"a"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Head::scan(&raw).ok().map(|head| head.kind.into_owned()).as_deref(), Some("a"));
    }
}
