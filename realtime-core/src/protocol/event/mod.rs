//! The traits and types that the events of all protocols share.

#[macro_use]
mod table;
mod error;
pub(crate) mod head;
pub(crate) mod once;
pub(crate) mod part_cache;
mod reading;
mod unrecognized;

use std::fmt;

use bytes::Bytes;

use crate::{transport::Text, wire::Id};

pub use crate::wire::Omission;

pub use error::ErrorEvent;
pub(crate) use error::{said, untyped_error};
pub(crate) use head::reason;
pub use reading::Reading;
pub use unrecognized::{Custom, Invalid, Malformed, Unknown};

/// All events of one direction of a protocol.
///
/// Implemented by enums such as [`ServerEvent`](crate::event::ServerEvent). A custom protocol implements it for its
/// own.
pub trait Event: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The type strings of all events, by their current names.
    const KINDS: &'static [&'static str];

    /// Decodes one message. Never fails: a message that is not understood becomes an event as well.
    fn decode(raw: &[u8]) -> Self;

    /// Decodes one message, and reports how it had to be read. The default calls [`decode`](Self::decode) and reports
    /// nothing.
    fn read(raw: &[u8], reading: &mut Reading) -> Self {
        let _ = reading;
        Self::decode(raw)
    }

    /// Decodes a text of which it is not known yet whether it is UTF-8. `None` if it is not. The default validates the text,
    /// then calls [`read`](Self::read).
    ///
    /// Whoever decodes a frequent event by hand, and so looks at every byte of it, saves the validation by overriding this.
    fn read_text(raw: &[u8], reading: &mut Reading) -> Option<Self> {
        crate::wire::text::utf8(raw)?;
        Some(Self::read(raw, reading))
    }

    /// Decodes a binary message. The protocol has none, but some servers send text as binary. Anything else becomes an
    /// invalid event.
    fn binary(raw: Bytes) -> Self;

    /// Decodes a binary message, and reports how it had to be read.
    fn read_binary(raw: Bytes, reading: &mut Reading) -> Self {
        let _ = reading;
        Self::binary(raw)
    }

    /// Encodes the event as JSON.
    fn encode(&self) -> Text;

    /// The type string, by its current name. Empty if there is none.
    fn kind(&self) -> &str;

    /// The id assigned by the sender.
    fn event_id(&self) -> Option<&Id>;

    /// Sets the id. An event that is kept as raw text is not changed.
    fn set_event_id(&mut self, id: Id);

    /// Whether the event is known, and if not, why.
    fn recognition(&self) -> Recognition<'_>;
}

/// How a message was recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recognition<'a> {
    /// An event of a known type.
    Known,
    /// A well-formed event of an unknown type.
    Unknown,
    /// An event of a known type whose members do not fit, and the reason.
    Malformed(&'a str),
    /// Not an event, and the reason.
    Invalid(&'a str),
}

/// A struct that is the content of one variant of the enum `E`.
///
/// It makes a type stand for its event, as in `Connection::on` and in the expectations of tests.
pub trait EventOf<E>: Sized {
    /// The event's type string.
    const KIND: &'static str;

    /// Borrows the struct if the event is of this type.
    fn get(event: &E) -> Option<&Self>;

    /// Extracts the struct.
    ///
    /// # Errors
    /// Returns the event if it is of another type.
    fn take(event: E) -> Result<Self, E>;
}

/// Encodes an event with its type as the first member.
#[expect(clippy::expect_used, reason = "see the proof beside it")]
pub(crate) fn encode_tagged<T: serde::Serialize>(kind: &str, event: &T) -> Text {
    struct Tagged<'a, T>(&'a str, &'a T);

    impl<T: serde::Serialize> serde::Serialize for Tagged<'_, T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            crate::wire::write_tagged(serializer, self.0, self.1)
        }
    }

    // Serializing to memory fails only if a type's own `Serialize` fails or a map key is not a string. No type of this
    // crate does either.
    serde_json::to_string(&Tagged(kind, event)).expect("events have a JSON form").into()
}

/// Serializes an event that is kept as text.
pub(crate) fn write_raw<S: serde::Serializer>(serializer: S, text: &Text) -> Result<S::Ok, S::Error> {
    let raw: &serde_json::value::RawValue =
        serde_json::from_slice(text.as_bytes()).map_err(serde::ser::Error::custom)?;
    serde::Serialize::serialize(raw, serializer)
}
