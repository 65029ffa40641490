//! Events: one struct per event, one enum per direction and protocol.
//!
//! An enum such as [`ServerEvent`] or [`ClientEvent`] has one variant per event, named after its type string. Both
//! directions can be decoded and encoded, so tests and servers use the same types.
//!
//! No incoming message is lost or fatal. An event of an unknown type is [`ServerEvent::Unknown`], one of a known type
//! that lacks an essential member is [`ServerEvent::Malformed`], and anything else is [`ServerEvent::Invalid`]. Each
//! keeps its text.

pub use crate::realtime::event::*;

/// Events of a translation session, in which the server continuously translates the user's speech. This is a separate
/// protocol: some of its events share a name with one of Realtime but have different members.
pub mod translation {
    pub use crate::translation::event::*;
}
