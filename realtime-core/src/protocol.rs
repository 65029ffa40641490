//! Which events travel on a connection.

use std::fmt;

use crate::{
    event::{Event, ErrorEvent},
    session::State,
};

/// A family of events, its opening and its ending: all that the connection knows of it.
///
/// The same type string can mean different shapes on different sockets (`session.created` does), so every protocol
/// has tables and a state of its own. [`Realtime`](crate::Realtime) and [`Translation`](crate::Translation) come with
/// the crate; another family is another implementation, and the connection stays as it is.
pub trait Protocol: fmt::Debug + Send + Sync + Sized + 'static {
    /// What the client sends.
    type ClientEvent: Event;
    /// What the server sends.
    type ServerEvent: Event;
    /// What is known of the session.
    type State: State<Self>;

    /// What must be sent before the server opens the session.
    fn opening() -> Option<Self::ClientEvent> {
        None
    }

    /// Whether this event opens the session.
    fn opened(event: &Self::ServerEvent) -> bool;

    /// What is sent to end the session in order; [`closed`](Self::closed) is then waited for.
    fn closing() -> Option<Self::ClientEvent> {
        None
    }

    /// Whether this event ends the session.
    fn closed(event: &Self::ServerEvent) -> bool {
        let _ = event;
        false
    }

    /// The server's complaint, if the event is one.
    fn error(event: &Self::ServerEvent) -> Option<&ErrorEvent>;

    /// The audio that the event appends to the input buffer.
    fn audio(event: &Self::ClientEvent) -> Option<&[u8]>;

    /// Whether the event uses up the audio appended before it, as a commit does.
    fn is_audio_barrier(event: &Self::ClientEvent) -> bool {
        let _ = event;
        false
    }

    /// How many bytes one sample of input audio has after this event, where it says so.
    fn sample_bytes(event: &Self::ClientEvent) -> Option<usize> {
        let _ = event;
        None
    }

    /// Writes the event that appends this audio, in one allocation.
    fn append(audio: &[u8]) -> crate::transport::Text;
}
