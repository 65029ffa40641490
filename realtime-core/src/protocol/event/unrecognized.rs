//! Messages that are not known events. Their `Debug` output omits the text, which may contain anything.

use std::fmt;

use bytes::Bytes;

use super::{
    Event,
    head::{Head, reason},
};
use crate::{
    transport::Text,
    wire::{Id, Json},
};

/// An event of an unknown type: newer than this crate, or specific to a gateway.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// Type string.
    pub kind: Box<str>,
    /// Id assigned by the sender.
    pub event_id: Option<Id>,
    /// The whole message.
    pub raw: Box<str>,
}

/// An event of a known type whose members do not fit: a required one is missing or has an unexpected type.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// Type string, by its current name.
    pub kind: &'static str,
    /// Id assigned by the sender.
    pub event_id: Option<Id>,
    /// The whole message.
    pub raw: Box<str>,
    /// Which member does not fit, and why.
    pub reason: Box<str>,
}

/// A message that is not an event: not a JSON object, no `type`, not UTF-8, or a binary message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The whole message.
    pub raw: Bytes,
    /// Why it is not an event.
    pub reason: Box<str>,
}

impl Unknown {
    pub(crate) fn new(head: Head<'_>, raw: &str) -> Self {
        Self { kind: head.kind.into(), event_id: head.event_id, raw: raw.into() }
    }

    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn event_id(&self) -> Option<&Id> {
        self.event_id.as_ref()
    }

    pub(crate) fn raw_text(&self) -> Text {
        String::from(&*self.raw).into()
    }
}

impl Malformed {
    pub(crate) fn new(kind: &'static str, head: Head<'_>, raw: &str, error: &serde_json::Error) -> Self {
        Self { kind, event_id: head.event_id, raw: raw.into(), reason: reason(error).into() }
    }

    /// An event that was read, and that nothing places: neither this member nor what else could stand for it is there.
    /// Its text is what was read of it, written again.
    pub(crate) fn unplaced<E: Event>(event: &E, missing: &str) -> Self {
        let kind = E::KINDS.iter().find(|kind| **kind == event.kind()).copied().unwrap_or_default();
        let reason = format!("missing field `{missing}`").into();
        Self {
            kind,
            event_id: event.event_id().cloned(),
            raw: String::from_utf8_lossy(event.encode().as_bytes()).into(),
            reason,
        }
    }
}

impl Invalid {
    pub(crate) fn new(raw: &[u8], reason: String) -> Self {
        Self { raw: Bytes::copy_from_slice(raw), reason: reason.into() }
    }

    /// Creates the event for a text that is not UTF-8.
    #[cold]
    pub(crate) fn not_utf8(raw: &[u8]) -> Self {
        let reason = std::str::from_utf8(raw).map_or_else(|error| format!("not UTF-8: {error}"), |_| String::new());
        Self::new(raw, reason)
    }

    /// Creates the event for a binary message. The bytes are copied, because they may be a slice of a larger buffer.
    pub(crate) fn binary(raw: Bytes) -> Self {
        Self::new(&raw, "a binary message".into())
    }
}

/// A custom client event, sent as is: of a type newer than this crate, or specific to a gateway.
#[derive(Clone, PartialEq)]
pub struct Custom {
    kind: Box<str>,
    event_id: Option<Id>,
    json: Json,
}

impl Custom {
    /// Creates an event from its complete JSON.
    ///
    /// # Errors
    /// The JSON is not an object with a string member `type`.
    pub fn new(json: Json) -> Result<Self, Invalid> {
        match Head::scan(json.as_str()) {
            Ok(head) => Ok(Self { kind: head.kind.into(), event_id: head.event_id, json }),
            Err(reason) => Err(Invalid::new(json.as_str().as_bytes(), reason)),
        }
    }

    /// The type string.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The event's id, if any.
    pub fn event_id(&self) -> Option<&Id> {
        self.event_id.as_ref()
    }

    pub(crate) fn raw_text(&self) -> Text {
        String::from(self.json.as_str()).into()
    }

    /// The complete JSON.
    pub fn json(&self) -> &Json {
        &self.json
    }
}

impl From<Unknown> for Custom {
    fn from(unknown: Unknown) -> Self {
        // The text was parsed as an object before, so it is valid JSON.
        let json = Json::parse(unknown.raw).unwrap_or_else(|_| serde_json::Value::Null.into());
        Self { kind: unknown.kind, event_id: unknown.event_id, json }
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown({:?}, {} bytes)", self.kind, self.raw.len())
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Malformed({:?}, {} bytes, {})", self.kind, self.raw.len(), self.reason)
    }
}

impl fmt::Debug for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid({} bytes, {})", self.raw.len(), self.reason)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({:?}, {} bytes)", self.kind, self.json.as_str().len())
    }
}
