//! The events of each protocol: a struct an event, a table a direction.
//!
//! A table ([`ServerEvent`], [`ClientEvent`], and [`translation`]'s pair) is an enum whose variants bear the wire's
//! names. Both directions decode and encode, so a test or a server of your own speaks with the same types.
//!
//! Nothing that arrives is lost and nothing that arrives is fatal: a type without a name here is
//! [`ServerEvent::Unknown`], a known type without what it is about [`ServerEvent::Malformed`], anything else
//! [`ServerEvent::Invalid`], each with its own copy of the text.

pub use crate::realtime::event::*;

/// The events of a translation session, in which the user speaks and the server continuously speaks and writes the same
/// in another language. It is a protocol of its own: some events share a name with one of Realtime but have other members.
pub mod translation {
    pub use crate::translation::event::*;
}
