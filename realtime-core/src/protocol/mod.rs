//! What a protocol is, and what all protocols share.

#[macro_use]
pub(crate) mod event;
#[macro_use]
pub(crate) mod state;
pub(crate) mod types;

use std::fmt;

use self::{
    event::{ErrorEvent, Event, said},
    state::State,
    types::AudioFormat,
};
use crate::{
    dialect::{Dialect, DialectError},
    endpoint::Target,
    transport::Text,
    wire::{Id, base64},
};

/// A family of events and the rules of its session: everything that a connection needs to know of a protocol.
///
/// The same type string can mean different things on different sockets (`session.created` does), so each protocol has
/// its own events and its own state. [`Realtime`](crate::Realtime), [`Translation`](crate::Translation) and the
/// protocols of [`live`](crate::live) come with this crate.
///
/// # Custom protocols
///
/// The trait is open. Implement it together with [`Event`] and [`State`], and connect with
/// [`Client::protocol`](crate::Client::protocol). Methods added to these traits always have a default; an added associated
/// type counts as a breaking change. The macros that define this crate's own events are internal; a custom protocol uses
/// serde, or any other decoder:
///
/// ```
/// use bytes::Bytes;
/// use realtime_core::{
///     Id, Protocol,
///     event::{ErrorEvent, Event, Recognition},
///     session::{Changes, State, Timeouts},
///     transport::{Instant, Text},
/// };
///
/// /// Lines of text in both directions. The first line from the server opens the session.
/// #[derive(Debug)]
/// struct Lines;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Line(String);
///
/// impl Event for Line {
///     const KINDS: &'static [&'static str] = &["line"];
///
///     fn decode(raw: &[u8]) -> Self {
///         Self(String::from_utf8_lossy(raw).into_owned())
///     }
///     fn binary(raw: Bytes) -> Self {
///         Self::decode(&raw)
///     }
///     fn encode(&self) -> Text {
///         self.0.clone().into()
///     }
///     fn kind(&self) -> &str {
///         "line"
///     }
///     fn event_id(&self) -> Option<&Id> {
///         None
///     }
///     fn set_event_id(&mut self, _: Id) {}
///     fn recognition(&self) -> Recognition<'_> {
///         Recognition::Known
///     }
/// }
///
/// /// Counts the lines received. There are no requests, so nothing is ever awaited.
/// #[derive(Clone, Debug, Default)]
/// struct Count(u64);
///
/// impl State<Lines> for Count {
///     fn sent(&mut self, _: u64, _: &Line, _: Instant) {}
///     fn sent_audio(&mut self, _: usize, _: Instant) {}
///     fn received(&mut self, _: &mut Line, _: Instant, _: &mut Changes<Line>) {
///         self.0 += 1;
///     }
///     fn due(&self, _: &Timeouts) -> Option<Instant> {
///         None
///     }
///     fn expire(&mut self, _: &Timeouts, _: Instant, _: &mut Changes<Line>) {}
///     fn input_ms(&self, _: usize) -> u64 {
///         0
///     }
/// }
///
/// impl Protocol for Lines {
///     type ClientEvent = Line;
///     type ServerEvent = Line;
///     type State = Count;
///     type Settings = ();
///     type Notice = std::convert::Infallible;
///
///     fn opened(_: &Line) -> bool {
///         true
///     }
///     fn error(_: &Line) -> Option<ErrorEvent> {
///         None
///     }
///     fn audio(_: &Line) -> Option<&[u8]> {
///         None
///     }
///     fn append(_: &[u8]) -> Text {
///         String::new().into() // There is no audio in this protocol.
///     }
/// }
///
/// # fn connect(client: realtime_core::Client) {
/// let connection = client.protocol::<Lines>().target(realtime_core::endpoint::Target::path(["lines"]));
/// # drop(connection); }
/// ```
pub trait Protocol: fmt::Debug + Send + Sync + Sized + 'static {
    /// Events sent by the client.
    type ClientEvent: Event;
    /// Events sent by the server.
    type ServerEvent: Event;
    /// The client's knowledge of the session.
    type State: State<Self>;
    /// Settings of a connection, chosen before it is opened. See [`Connect::settings`](crate::Connect::settings).
    type Settings: Clone + fmt::Debug + Default + Send + Sync + 'static;
    /// What the connection reports beside events: [`Notice::Protocol`](crate::connection::Notice::Protocol).
    /// [`Infallible`](std::convert::Infallible) if there is nothing.
    type Notice: fmt::Debug + Send + Sync + 'static;

    /// The event that makes the server open the session, if the protocol has one. `before` is the state of the
    /// session on the previous link, if there was one.
    fn opening(settings: &Self::Settings, before: &Self::State) -> Option<Self::ClientEvent> {
        let _ = (settings, before);
        None
    }

    /// The target of another link after one was lost, given the state of the session on it. `None` connects to the same
    /// target as before.
    fn target_after_loss(settings: &Self::Settings, before: &Self::State) -> Option<Target> {
        let _ = (settings, before);
        None
    }

    /// Whether the connection joins a session that exists already and outlives it. The upgrade alone then opens the
    /// connection, and a reconnect joins the same session again.
    fn joins() -> bool {
        false
    }

    /// Whether this event opens the session.
    fn opened(event: &Self::ServerEvent) -> bool;

    /// Whether this event is only a keepalive. WebSocket pings are not events.
    fn is_keepalive(event: &Self::ServerEvent) -> bool {
        matches!(event.kind(), "ping" | "pong" | "keepalive" | "keep_alive" | "heartbeat")
    }

    /// The event that an `Ack` returns, if that differs from the event received.
    fn acknowledgement(event: &Self::ServerEvent) -> Self::ServerEvent {
        event.clone()
    }

    /// The event that ends the session gracefully. [`closed`](Self::closed) is then awaited.
    fn closing() -> Option<Self::ClientEvent> {
        None
    }

    /// Whether this event ends the session.
    fn closed(event: &Self::ServerEvent) -> bool {
        let _ = event;
        false
    }

    /// Whether only the server's confirmation makes the end of a [closed](Self::closing) session graceful. Otherwise the
    /// end of the link is enough.
    fn confirms_end() -> bool {
        false
    }

    /// The error that the event reports, if any, in the form of Realtime's `error` event.
    fn error(event: &Self::ServerEvent) -> Option<ErrorEvent>;

    /// The error because of which the server did not do what was asked for, whether it is an [`error`](Self::error) event or part
    /// of another one, such as the end of a response. Decides whether the conversation goes on elsewhere: see
    /// [`Reconnect::fallback`](crate::connection::Reconnect::fallback).
    fn failure(event: &Self::ServerEvent) -> Option<ErrorEvent> {
        Self::error(event)
    }

    /// Encodes an event in the server's dialect.
    ///
    /// # Errors
    /// The event contains something that the dialect cannot express.
    fn encode(event: &Self::ClientEvent, dialect: Dialect) -> Result<Text, DialectError> {
        let _ = dialect;
        Ok(event.encode())
    }

    /// The error reported by a message that is not an [`error`](Self::error) event, if any. Called for messages received
    /// in place of the event that opens the session.
    fn refusal(message: &[u8]) -> Option<ErrorEvent> {
        let _ = message;
        None
    }

    /// Completes an event before it is queued. `fresh` creates a unique id with a prefix.
    fn prepare(event: &mut Self::ClientEvent, fresh: &dyn Fn(&str) -> Id) {
        let _ = (event, fresh);
    }

    /// The audio that the event appends to the input buffer.
    fn audio(event: &Self::ClientEvent) -> Option<&[u8]>;

    /// Whether the event consumes the audio appended before it, as a commit does.
    fn is_audio_barrier(event: &Self::ClientEvent) -> bool {
        let _ = event;
        false
    }

    /// Whether the event requests a response of the conversation, of which only one can be active at a time.
    fn is_scheduled(event: &Self::ClientEvent) -> bool {
        let _ = event;
        false
    }

    /// Size in bytes of one sample of input audio after this event, if the event sets it.
    fn sample_bytes(event: &Self::ClientEvent) -> Option<usize> {
        let _ = event;
        None
    }

    /// Encodes the event that appends this audio, in one allocation.
    fn append(audio: &[u8]) -> Text;

    /// The event that appends this audio. Returned to the caller if it cannot be queued.
    fn appended(audio: &[u8]) -> Self::ClientEvent {
        Self::ClientEvent::decode(Self::append(audio).as_bytes())
    }
}

/// Size of one sample in bytes. 1 for an unknown format, so that no audio is refused.
pub(crate) fn sample_bytes(format: &AudioFormat) -> usize {
    format.bytes_per_sample().map_or(1, |bytes| bytes as usize)
}

/// The error in a message that has the form of an HTTP error body.
pub(crate) fn refusal(message: &[u8]) -> Option<ErrorEvent> {
    said(message, &[]).filter(|error| !error.error.message.is_empty())
}

pub(crate) fn append(head: &str, audio: &[u8]) -> Text {
    Text::declared(base64::encode_between(head, audio, "\"}").into())
}
