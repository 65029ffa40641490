//! The three kinds of connection as protocols.

use super::{
    event::{ClientEvent, ServerEvent, SessionClose, fork, sideband},
    state::{ConnectionKind, LiveState},
};
use crate::{
    event::ErrorEvent,
    protocol::{Protocol, append},
    session::{Changes, Plan, Setup, State, Timeouts},
    transport::{Instant, Text},
};

/// A Live session of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live;

/// A Live session that goes on from a stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFork;

/// A sideband: beside a Live session that a browser or a telephone holds, to watch and to steer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSideband;

macro_rules! kinds {
    ($($protocol:ident: $kind:ident sends $event:ty, $audio:expr;)+) => {$(
        impl Protocol for $protocol {
            type ClientEvent = $event;
            type ServerEvent = ServerEvent;
            type State = LiveState;

            fn opened(event: &ServerEvent) -> bool {
                matches!(event, ServerEvent::SessionStarted(_))
            }

            fn closing() -> Option<$event> {
                Some(SessionClose::default().into())
            }

            fn closed(event: &ServerEvent) -> bool {
                matches!(event, ServerEvent::SessionClosed(_))
            }

            fn error(_: &ServerEvent) -> Option<&ErrorEvent> {
                None
            }

            fn audio(event: &$event) -> Option<&[u8]> {
                let audio: fn(&$event) -> Option<&[u8]> = $audio;
                audio(event)
            }

            fn append(audio: &[u8]) -> Text {
                append(r#"{"type":"session.input_audio.append","audio":""#, audio)
            }
        }

        impl State<$protocol> for LiveState {
            fn configure(&mut self, setup: &Setup) {
                self.configured(ConnectionKind::$kind, setup);
            }

            fn sent(&mut self, seq: u64, event: &$event, now: Instant) {
                self.note_sent(seq, event, now);
            }

            fn sent_audio(&mut self, bytes: usize, now: Instant) {
                self.note_audio(bytes, now);
            }

            fn received(&mut self, event: &mut ServerEvent, now: Instant, changes: &mut Changes<ServerEvent>) {
                self.note_received(event, now, changes);
            }

            fn due(&self, timeouts: &Timeouts) -> Option<Instant> {
                self.first_due(timeouts)
            }

            fn expire(&mut self, timeouts: &Timeouts, now: Instant, changes: &mut Changes<ServerEvent>) {
                self.give_up(timeouts, now, changes);
            }

            fn resumption(&self, now: Instant) -> (Plan<$event>, Self) {
                let (ambiguous, next) = self.resumed(now);
                (Plan { ambiguous, ..Plan::default() }, next)
            }

            fn sample_bytes(&self) -> usize {
                self.input_sample_bytes()
            }

            fn input_ms(&self, bytes: usize) -> u64 {
                self.input_length_ms(bytes)
            }
        }
    )+};
}

kinds! {
    Live: Primary sends ClientEvent, |event| match event {
        ClientEvent::SessionInputAudioAppend(append) => Some(&append.audio),
        _ => None,
    };
    LiveFork: Fork sends fork::ClientEvent, |event| match event {
        fork::ClientEvent::SessionInputAudioAppend(append) => Some(&append.audio),
        _ => None,
    };
    LiveSideband: Sideband sends sideband::ClientEvent, |_| None;
}
