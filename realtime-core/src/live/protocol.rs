//! The three kinds of connection as protocols.

use super::{
    event::{ClientEvent, ForkStart, ServerEvent, SessionClose, SessionStart, fork, sideband},
    state::{ConnectionKind, LiveState, MOST_HISTORY, refusal},
    types::{ForkConfig, SessionConfig},
};
use crate::{
    event::ErrorEvent,
    protocol::{Protocol, append},
    session::{Changes, Plan, Setup, State, Timeouts, Unlinked},
    transport::{Instant, Text},
    wire::Id,
};

/// A Live session of one's own.
///
/// The first event is `session.start` with the configuration of [`LiveSettings`], and the session is open when the server
/// answers with `session.started`. [`Connection::finish`](crate::Connection::finish) sends `session.close` and reads on to
/// `session.closed`; an end without it is [`ErrorKind::Unconfirmed`](crate::ErrorKind::Unconfirmed).
///
/// A lost link is a lost session. If the policy reconnects, another session is begun with the same configuration, and,
/// unless [`Reconnect::restore`](crate::connection::Reconnect::restore) says otherwise, with what was said as its `input`:
/// the latest 128 messages, and no more than 16 KiB of text. Tasks, clips, mute and audio are not made anew; what was sent
/// and not answered is [ambiguous](crate::connection::Reconnected::ambiguous).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live;

/// A Live session that goes on from a stored one: as [`Live`], with a `session.start` of another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFork;

/// A sideband: beside a Live session that a browser or a telephone holds, to watch and to steer it.
///
/// The upgrade opens it. After a drop the same session is attached to again; what the server then says once more (the
/// last three seconds) is left out. [`Connection::finish`](crate::Connection::finish) leaves, and the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSideband;

/// What a Live session begins with.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LiveSettings {
    /// The configuration that `session.start` carries. None sends no such event.
    pub start: Option<SessionConfig>,
}

/// What a fork begins with.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ForkSettings {
    /// The stored session.
    pub source: Id,
    /// What differs from it.
    pub config: ForkConfig,
}

/// What a sideband attaches to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SidebandSettings {
    /// The session.
    pub session: Id,
}

macro_rules! kinds {
    ($($protocol:ident: $kind:ident sends $event:ty, with $settings:ty { $($own:tt)* } $session:expr;)+) => {$(
        impl Protocol for $protocol {
            type ClientEvent = $event;
            type ServerEvent = ServerEvent;
            type State = LiveState;
            type Settings = $settings;

            fn opened(event: &ServerEvent) -> bool {
                matches!(event, ServerEvent::SessionStarted(_))
            }

            fn closed(event: &ServerEvent) -> bool {
                matches!(event, ServerEvent::SessionClosed(_))
            }

            fn error(event: &ServerEvent) -> Option<ErrorEvent> {
                match event {
                    ServerEvent::Error(error) => Some(refusal(error)),
                    _ => None,
                }
            }

            fn append(audio: &[u8]) -> Text {
                append(r#"{"type":"session.input_audio.append","audio":""#, audio)
            }

            $($own)*
        }

        impl State<$protocol> for LiveState {
            fn configure(&mut self, setup: &Setup) {
                self.configured(ConnectionKind::$kind, setup);
            }

            fn linked(&mut self, settings: &$settings, now: Instant) {
                let session: fn(&$settings) -> Option<Id> = $session;
                self.link_is_up(session(settings), now);
            }

            fn unlinked(&mut self, how: Unlinked, now: Instant) {
                self.link_is_gone(how.by, how.code, now);
                if how.last {
                    self.ended(now);
                }
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

            fn restoration(&self, _: bool, now: Instant) -> (Plan<$event>, Self) {
                let (ambiguous, _) = self.resumed(now);
                let mut next = self.anew();
                let session: Option<Id> = self.source_session_id().cloned();
                next.link_is_up(session, now);
                (Plan { ambiguous, ..Plan::default() }, next)
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
    Live: Primary sends ClientEvent, with LiveSettings {
        fn opening(settings: &LiveSettings, before: &LiveState) -> Option<ClientEvent> {
            let mut config = settings.start.clone()?;
            let said = before.history();
            if !said.is_empty() {
                // What the first session was begun with gives way, the oldest first.
                let room = MOST_HISTORY - said.len().min(MOST_HISTORY);
                let given = config.input.take().unwrap_or_default();
                let kept = given.len().saturating_sub(room);
                config.input = Some(given.into_iter().skip(kept).chain(said).collect());
            }
            Some(SessionStart::new(config).into())
        }

        fn closing() -> Option<ClientEvent> {
            Some(SessionClose::default().into())
        }

        fn confirms_end() -> bool {
            true
        }

        fn audio(event: &ClientEvent) -> Option<&[u8]> {
            match event {
                ClientEvent::SessionInputAudioAppend(append) => Some(&append.audio),
                _ => None,
            }
        }
    } |_| None;
    LiveFork: Fork sends fork::ClientEvent, with ForkSettings {
        fn opening(settings: &ForkSettings, _: &LiveState) -> Option<fork::ClientEvent> {
            Some(ForkStart::new(settings.config.clone()).into())
        }

        fn closing() -> Option<fork::ClientEvent> {
            Some(SessionClose::default().into())
        }

        fn confirms_end() -> bool {
            true
        }

        fn audio(event: &fork::ClientEvent) -> Option<&[u8]> {
            match event {
                fork::ClientEvent::SessionInputAudioAppend(append) => Some(&append.audio),
                _ => None,
            }
        }
    } |settings| Some(settings.source.clone());
    LiveSideband: Sideband sends sideband::ClientEvent, with SidebandSettings {
        fn joins() -> bool {
            true
        }

        fn audio(_: &sideband::ClientEvent) -> Option<&[u8]> {
            None
        }
    } |settings| Some(settings.session.clone());
}
