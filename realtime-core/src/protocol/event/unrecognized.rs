//! Messages that are no event of the table. Their `Debug` leaves the text out, for it may hold anything.

use std::fmt;

use bytes::Bytes;

use super::head::{Head, reason};
use crate::{
    transport::Text,
    wire::{Id, Json},
};

/// An event whose type is not in the table: newer than this crate, or a gateway's own.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// Its type string.
    pub kind: Box<str>,
    /// The id that its sender gave it.
    pub event_id: Option<Id>,
    /// The whole message.
    pub raw: Box<str>,
}

/// An event of the table whose members do not fit: one is missing that must be there, or has another type.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// Its type string, by its current name.
    pub kind: &'static str,
    /// The id that its sender gave it.
    pub event_id: Option<Id>,
    /// The whole message.
    pub raw: Box<str>,
    /// What does not fit, and where.
    pub reason: Box<str>,
}

/// A message that is no event at all: no JSON object, no `type`, no UTF-8, or a binary message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The whole message.
    pub raw: Bytes,
    /// Why it is no event.
    pub reason: Box<str>,
}

impl Unknown {
    pub(crate) fn new(head: Head<'_>, raw: &[u8]) -> Self {
        Self { kind: head.kind.into(), event_id: head.event_id, raw: own(raw) }
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
    pub(crate) fn new(kind: &'static str, head: Head<'_>, raw: &[u8], error: &serde_json::Error) -> Self {
        Self { kind, event_id: head.event_id, raw: own(raw), reason: reason(error).into() }
    }
}

/// The text of a message whose head was read, so that it is UTF-8.
fn own(raw: &[u8]) -> Box<str> {
    String::from_utf8_lossy(raw).into()
}

impl Invalid {
    pub(crate) fn new(raw: &[u8], reason: String) -> Self {
        Self { raw: Bytes::copy_from_slice(raw), reason: reason.into() }
    }

    /// A message that was binary. The bytes are copied, for they may be a view of a larger buffer.
    pub(crate) fn binary(raw: Bytes) -> Self {
        Self::new(&raw, "a binary message".into())
    }
}

/// An event of your own making, sent as it stands: a type newer than this crate, or a gateway's own.
#[derive(Clone, PartialEq)]
pub struct Custom {
    kind: Box<str>,
    event_id: Option<Id>,
    json: Json,
}

impl Custom {
    /// Takes the JSON of a whole event.
    ///
    /// # Errors
    /// It is no object with a string `type`.
    pub fn new(json: Json) -> Result<Self, Invalid> {
        match Head::scan(json.as_str().as_bytes()) {
            Ok(head) => Ok(Self { kind: head.kind.into(), event_id: head.event_id, json }),
            Err(reason) => Err(Invalid::new(json.as_str().as_bytes(), reason)),
        }
    }

    /// The type string.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The event's id, if it has one.
    pub fn event_id(&self) -> Option<&Id> {
        self.event_id.as_ref()
    }

    pub(crate) fn raw_text(&self) -> Text {
        String::from(self.json.as_str()).into()
    }

    /// The whole event.
    pub fn json(&self) -> &Json {
        &self.json
    }
}

impl From<Unknown> for Custom {
    fn from(unknown: Unknown) -> Self {
        // Its text was read as an object once, so it is JSON.
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
