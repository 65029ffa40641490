//! The events of Live: a struct an event, a table for each kind of connection and direction.
//!
//! | | sent | received |
//! |---|---|---|
//! | a session of one's own | [`ClientEvent`] | [`ServerEvent`] |
//! | a fork of a stored session | [`fork::ClientEvent`] | [`ServerEvent`] |
//! | a sideband of somebody else's session | [`sideband::ClientEvent`] | [`ServerEvent`] |
//!
//! What a kind of connection cannot send is not in its table, so it does not compile. All kinds read the same table: the
//! server says less on some of them.
//!
//! ```
//! use realtime_core::{event::Event, live::event::{ClientEvent, ServerEvent, SessionInputAudioMute}};
//!
//! let event = ServerEvent::decode(br#"{"type":"session.input_audio.muted","event_id":"event_1"}"#);
//! assert!(matches!(event, ServerEvent::SessionInputAudioMuted(_)));
//!
//! let mute = ClientEvent::from(SessionInputAudioMute::default());
//! assert_eq!(serde_json::to_value(&mute)?["type"], "session.input_audio.mute");
//! # Ok::<_, serde_json::Error>(())
//! ```

/// The structs of events the client sends, as [`wire!`] makes them, each with its id first.
macro_rules! live_client_events {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name {
                /// An id of the client's choosing, to be used once: the answer names it as `client_event_id`.
                loose event_id: crate::wire::Id,
                $($body)*
            }
        )+}
    };
}

/// The structs of events the server sends, as [`wire!`] makes them, each with its ids first.
macro_rules! live_server_events {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        wire! {$(
            $(#[$meta])*
            pub struct $name {
                /// The id that the server gave the event.
                loose event_id: crate::wire::Id,
                /// The client's event that it answers, by the id that the client gave it.
                loose client_event_id: crate::wire::Id,
                $($body)*
            }
        )+}
    };
}

mod client;
mod fast;
mod server;

pub use client::*;
pub use server::*;
