//! What all events have in common, whichever protocol they belong to.

#[macro_use]
mod table;
mod error;
pub(crate) mod head;
mod reading;
mod unrecognized;

use std::fmt;

use bytes::Bytes;

use crate::{transport::Text, wire::Id};

pub use crate::wire::Omission;

pub use error::ErrorEvent;
pub(crate) use head::reason;
pub use reading::Reading;
pub use unrecognized::{Custom, Invalid, Malformed, Unknown};

/// One direction's table of events.
///
/// Implemented by the enums of this module. A protocol of your own brings its own tables.
pub trait Event: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The type strings of all events in the table, current names only.
    const KINDS: &'static [&'static str];

    /// Reads one message. Never fails: what is not understood is an event too.
    fn decode(raw: &[u8]) -> Self;

    /// Reads one message, and tells how it had to be read. By default [`decode`](Self::decode), which tells nothing.
    fn read(raw: &[u8], reading: &mut Reading) -> Self {
        let _ = reading;
        Self::decode(raw)
    }

    /// What a binary message becomes. There are no binary events, but some servers send what is text as binary; what is
    /// not that either is no event at all.
    fn binary(raw: Bytes) -> Self;

    /// As [`binary`](Self::binary), and tells how it had to be read.
    fn read_binary(raw: Bytes, reading: &mut Reading) -> Self {
        let _ = reading;
        Self::binary(raw)
    }

    /// The JSON that travels.
    fn encode(&self) -> Text;

    /// The type string, by its current name. Empty where there is none to be found.
    fn kind(&self) -> &str;

    /// The id that its sender gave it.
    fn event_id(&self) -> Option<&Id>;

    /// Gives it an id. An event that is kept as raw text stays as it is.
    fn set_event_id(&mut self, id: Id);

    /// Whether the table knows it, and why not if not.
    fn recognition(&self) -> Recognition<'_>;
}

/// What became of a message that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recognition<'a> {
    /// An event of the table.
    Known,
    /// A well-formed event whose type is not in the table.
    Unknown,
    /// An event of the table whose members do not fit, for the reason given.
    Malformed(&'a str),
    /// No event at all, for the reason given.
    Invalid(&'a str),
}

/// An event struct that is a variant of the table `E`.
///
/// It lets a type stand for its event: in `Connection::on`, in an expectation of a test.
pub trait EventOf<E>: Sized {
    /// The event's type string.
    const KIND: &'static str;

    /// The struct within the event, if it is this one.
    fn get(event: &E) -> Option<&Self>;

    /// Takes the struct out of the event, or gives the event back.
    ///
    /// # Errors
    /// The event, if it is another.
    fn take(event: E) -> Result<Self, E>;
}

/// The JSON of an event: its type first, where a reader looks for it.
#[expect(clippy::expect_used, reason = "see the proof beside it")]
pub(crate) fn encode_tagged<T: serde::Serialize>(kind: &str, event: &T) -> Text {
    struct Tagged<'a, T>(&'a str, &'a T);

    impl<T: serde::Serialize> serde::Serialize for Tagged<'_, T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            crate::wire::write_tagged(serializer, self.0, self.1)
        }
    }

    // Serialising to memory fails only where a type's own `Serialize` does or a map's key is no string: no type of
    // this crate has either.
    serde_json::to_string(&Tagged(kind, event)).expect("events have a JSON form").into()
}

/// Writes an event that is kept as text.
pub(crate) fn write_raw<S: serde::Serializer>(serializer: S, text: &Text) -> Result<S::Ok, S::Error> {
    let raw: &serde_json::value::RawValue =
        serde_json::from_slice(text.as_bytes()).map_err(serde::ser::Error::custom)?;
    serde::Serialize::serialize(raw, serializer)
}
