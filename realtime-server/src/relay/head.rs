use std::cell::OnceCell;

use realtime_core::{
    event::Event,
    transport::{Message, Text},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event on its way, as little of it as is asked for: the type, ids, and the length. Nothing is decoded before.
///
/// There is no `Debug` of the text: payloads do not belong in logs.
pub struct Head<'a> {
    message: &'a Message,
    ids: OnceCell<Ids<'a>>,
}

/// The members that place an event.
#[derive(Default, Deserialize)]
struct Ids<'a> {
    #[serde(borrow, default)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call_id: Option<&'a RawValue>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(message: &'a Message) -> Self {
        Self { message, ids: OnceCell::new() }
    }

    /// The type. Empty if it has none, or if it contains escapes.
    ///
    /// Where it is the first member, as OpenAI sends it, the rest of the event is not looked at.
    pub fn kind(&self) -> &str {
        leading_kind(self.bytes()).or_else(|| plain(self.ids().r#type)).unwrap_or_default()
    }

    /// The id that its sender gave it. Like all ids here, `None` if it contains escapes, as none does.
    pub fn event_id(&self) -> Option<&str> {
        plain(self.ids().event_id)
    }

    /// The response that it belongs to.
    pub fn response_id(&self) -> Option<&str> {
        plain(self.ids().response_id)
    }

    /// The item that it belongs to.
    pub fn item_id(&self) -> Option<&str> {
        plain(self.ids().item_id)
    }

    /// The call that it belongs to.
    pub fn call_id(&self) -> Option<&str> {
        plain(self.ids().call_id)
    }

    /// The length of the message in bytes.
    pub fn len(&self) -> usize {
        self.message.len()
    }

    /// Whether the message is empty.
    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    /// The message as it came.
    pub fn bytes(&self) -> &'a [u8] {
        match self.message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            // A link delivers nothing else.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => &[],
        }
    }

    /// The text as it came, to keep. Shares its bytes. `None` for a binary message.
    pub fn text(&self) -> Option<&'a Text> {
        match self.message {
            Message::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Decodes the event: `head.decode::<ServerEvent>()`.
    pub fn decode<E: Event>(&self) -> E {
        match self.message {
            Message::Binary(bytes) => E::binary(bytes.clone()),
            _ => E::decode(self.bytes()),
        }
    }

    fn ids(&self) -> &Ids<'a> {
        self.ids.get_or_init(|| serde_json::from_slice(self.bytes()).unwrap_or_default())
    }
}

/// The type, if it is the first member and contains no escapes, as is nearly always the case.
fn leading_kind(raw: &[u8]) -> Option<&str> {
    let rest = raw.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().take(128).position(|&byte| matches!(byte, b'"' | b'\\'))?;
    let kind = rest.get(..end).filter(|_| rest.get(end) == Some(&b'"'))?;
    std::str::from_utf8(kind).ok()
}

/// A string without escapes.
fn plain(value: Option<&RawValue>) -> Option<&str> {
    let text = value?.get().strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_wherever_its_members_stand() {
        let head = |text: &str| {
            let message = Message::Text(text.into());
            let head = Head::new(&message);
            let owned = |text: Option<&str>| text.map(String::from);
            (head.kind().to_owned(), owned(head.event_id()), owned(head.response_id()), owned(head.item_id()))
        };
        let id = |id: &str| Some(String::from(id));
        let delta = r#"{"type":"a.delta","event_id":"e","response_id":"r","item_id":"i","delta":"AAAA"}"#;
        assert_eq!(head(delta), ("a.delta".into(), id("e"), id("r"), id("i")));
        assert_eq!(head(r#" { "x" : {"type":"no"}, "type" : "b" , "event_id": 7 }"#), ("b".into(), None, None, None));
        // Without an end, the type at its beginning is known; with escapes, or not as an event, there is none.
        assert_eq!(head(r#"{"type":"a""#).0, "a");
        for none in ["", "x", "[1]", r#"{"type":"a\u0062"}"#, r#"{"type":7}"#] {
            assert_eq!(head(none), (String::new(), None, None, None), "{none}");
        }
    }
}
