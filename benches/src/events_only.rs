//! The protocol without a session that is followed: what the connection alone costs.

use realtime_core::{
    Protocol, Realtime,
    event::{ClientEvent, ErrorEvent, ServerEvent},
    session::{Changes, State, Timeouts},
    transport::{Instant, Text},
};

#[derive(Debug)]
pub struct EventsOnly;

#[derive(Clone, Debug, Default)]
pub struct Nothing;

impl Protocol for EventsOnly {
    type ClientEvent = ClientEvent;
    type ServerEvent = ServerEvent;
    type State = Nothing;
    type Settings = ();
    type Notice = std::convert::Infallible;

    fn opened(event: &ServerEvent) -> bool {
        Realtime::opened(event)
    }

    fn error(event: &ServerEvent) -> Option<ErrorEvent> {
        Realtime::error(event)
    }

    fn audio(event: &ClientEvent) -> Option<&[u8]> {
        Realtime::audio(event)
    }

    fn append(audio: &[u8]) -> Text {
        Realtime::append(audio)
    }
}

impl State<EventsOnly> for Nothing {
    fn sent(&mut self, _: u64, _: &ClientEvent, _: Instant) {}

    fn sent_audio(&mut self, _: usize, _: Instant) {}

    fn received(&mut self, _: &mut ServerEvent, _: Instant, _: &mut Changes<ServerEvent>) {}

    fn due(&self, _: &Timeouts) -> Option<Instant> {
        None
    }

    fn expire(&mut self, _: &Timeouts, _: Instant, _: &mut Changes<ServerEvent>) {}

    fn has_outgoing(&self) -> bool {
        false
    }

    fn input_ms(&self, _: usize) -> u64 {
        0
    }
}
