//! Events: one struct per event, one enum per direction and protocol.
//!
//! An enum such as [`ServerEvent`] or [`ClientEvent`] has one variant per event, named after its type string. Both
//! directions can be decoded and encoded, so tests and servers use the same types.
//!
//! No incoming message is lost or fatal. An event of an unknown type is [`ServerEvent::Unknown`], one of a known type
//! that lacks an essential member is [`ServerEvent::Malformed`], and anything else is [`ServerEvent::Invalid`]. Each
//! keeps its text.
//!
//! ```
//! use realtime_core::event::{ClientEvent, Event, ResponseCreate, ServerEvent};
//!
//! let event = ServerEvent::decode(br#"{"type":"input_audio_buffer.speech_started","audio_start_ms":320,"item_id":"item_1"}"#);
//! let ServerEvent::InputAudioBufferSpeechStarted(started) = event else { panic!("another event") };
//! assert_eq!(started.item_id, "item_1");
//!
//! let unknown = ServerEvent::decode(br#"{"type":"response.sung"}"#);
//! assert!(matches!(unknown, ServerEvent::Unknown(_)));
//!
//! let create = ClientEvent::from(ResponseCreate::default());
//! assert_eq!(serde_json::to_string(&create)?, r#"{"type":"response.create"}"#);
//! # Ok::<_, serde_json::Error>(())
//! ```

pub use crate::realtime::event::*;

/// Events of a translation session, in which the server continuously translates the user's speech. This is a separate
/// protocol: some of its events share a name with one of Realtime but have different members.
///
/// # Examples
/// ```
/// use realtime_core::event::{Event, translation::ServerEvent};
///
/// let event = ServerEvent::decode(br#"{"type":"session.output_transcript.delta","delta":"Hola"}"#);
/// let ServerEvent::SessionOutputTranscriptDelta(text) = event else { panic!("another event") };
/// assert_eq!(text.delta, "Hola");
/// ```
pub mod translation {
    pub use crate::translation::event::*;
}
