//! The three kinds of connection as protocols.

use std::time::Duration;

use super::{
    event::{ClientEvent, ForkStart, ResponseCreate, ServerEvent, SessionClose, SessionStart, fork, sideband},
    state::{ConnectionKind, LiveState, refusal},
    types::{ForkAudio, ForkConfig, HistoryItem, SessionConfig},
};
use crate::{
    endpoint::Target,
    event::{Custom, ErrorEvent},
    protocol::{Protocol, append},
    session::{Changes, Plan, Setup, State, Timeouts, Unlinked},
    tools::ToolError,
    transport::{Instant, Text},
    wire::{Id, Json},
};

/// A Live session of one's own.
///
/// The first event is `session.start` with the configuration of [`LiveSettings`], and the session is open when the server
/// answers with `session.started`. [`Connection::finish`](crate::Connection::finish) sends `session.close` and reads on to
/// `session.closed`; an end without it is [`ErrorKind::Unconfirmed`](crate::ErrorKind::Unconfirmed).
///
/// A lost link is a lost session. If the policy reconnects, another session is begun with the same configuration, and,
/// unless [`Reconnect::restore`](crate::connection::Reconnect::restore) says otherwise, with what was said as its `input`:
/// the latest 128 messages, and no more than 16 KiB of text. [`AfterLoss::Fork`] has a stored session forked instead. A
/// muted input is muted again. Tasks and clips are not repeated. What is missing is reported: turns that did not fit, by
/// [the id](super::state::LiveTurn::id) of the event with which they began, configured messages that gave way to them, by
/// their own id or as `input[0]`, and unfinished tasks are [lost](crate::connection::Reconnected::lost), responses of the
/// backend [cut short](crate::connection::Reconnected::cut_short), and what was sent and not answered is
/// [ambiguous](crate::connection::Reconnected::ambiguous).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live;

/// A Live session that goes on from a stored one: as [`Live`], with a `session.start` of another shape.
///
/// If it is lost, the same stored session is forked again, without what was said since, which is reported as lost;
/// [`AfterLoss::Fork`] has the lost session forked, if it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFork;

/// A sideband: beside a Live session that a browser or a telephone holds, to watch and to steer it.
///
/// The upgrade opens it. After a drop the same session is attached to again; what the server then says once more (the
/// last three seconds) is left out. [`Connection::finish`](crate::Connection::finish) leaves, and the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSideband;

/// Settings of a Live session.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LiveSettings {
    /// The configuration that `session.start` carries. None sends no such event.
    pub start: Option<SessionConfig>,
    /// The replacement for the session if its link is lost.
    pub after_loss: AfterLoss,
}

/// Settings of a fork.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ForkSettings {
    /// The stored session.
    pub source: Id,
    /// Differences from the stored session.
    pub config: ForkConfig,
    /// The replacement for the session if its link is lost.
    pub after_loss: AfterLoss,
}

/// What takes the place of a session whose link is lost, where a [`Reconnect`](crate::connection::Reconnect) policy says
/// that something does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterLoss {
    /// A new session with the same configuration, and the conversation as its `input`.
    #[default]
    Begin,
    /// A fork of the lost session, if it was stored: the service remembers the conversation. A session that was not
    /// stored is replaced as by [`Begin`](Self::Begin), and so is one whose fork the service refuses: the refusal is the
    /// reason of another [`Notice::Reconnecting`](crate::connection::Notice::Reconnecting), and the session is among
    /// [the lost](crate::connection::Reconnected::lost), because less than what was stored goes on.
    Fork,
}

/// Settings of a sideband.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SidebandSettings {
    /// The session.
    pub session: Id,
}

/// The `session.start` of a fork that takes the place of a lost session: it inherits everything but the audio's encoding.
fn fork_start(config: &SessionConfig) -> Option<ClientEvent> {
    let format = config.audio.as_ref().and_then(|audio| audio.format.clone());
    let config = match format {
        Some(format) => ForkConfig::default().audio(ForkAudio::default().format(format)),
        None => ForkConfig::default(),
    };
    // The event of another table; it has a JSON form, as all have.
    let start = fork::ClientEvent::from(ForkStart::new(config));
    Some(ClientEvent::Custom(Custom::new(Json::new(&start).ok()?).ok()?))
}

/// What the state is told of the settings with each link.
struct Told<'a> {
    /// The session that is attached to, or that a fork goes on from.
    session: Option<Id>,
    after_loss: AfterLoss,
    /// What a session is configured to begin with.
    input: &'a [HistoryItem],
}

/// A notice of a Live session, among the [`updates`](crate::Connection::updates) of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LiveNotice {
    /// A function call or the handler of a task failed.
    Tool(ToolError),
    /// Paced input audio was sent too late, because nobody drove the connection or the link was congested. See
    /// [`Feeder`](super::Feeder).
    FellBehind {
        /// Duration without audio.
        by: Duration,
    },
}

macro_rules! kinds {
    ($($protocol:ident: $kind:ident sends $event:ty, with $settings:ty { $($own:tt)* } $told:expr;)+) => {$(
        impl Protocol for $protocol {
            type ClientEvent = $event;
            type ServerEvent = ServerEvent;
            type State = LiveState;
            type Settings = $settings;
            type Notice = LiveNotice;

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
            fn configure(&mut self, _: &$settings, setup: &Setup) {
                self.configured(ConnectionKind::$kind, setup);
            }

            fn linked(&mut self, settings: &$settings, now: Instant) {
                let told: fn(&$settings) -> Told<'_> = $told;
                let Told { session, after_loss, input } = told(settings);
                self.forks_when_lost(after_loss == AfterLoss::Fork);
                self.began_with(input);
                self.link_is_up(session, now);
            }

            fn target_refused(&mut self) -> bool {
                self.fork_is_refused()
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

            fn has_outgoing(&self) -> bool {
                self.may_continue()
            }

            fn next_outgoing(&mut self) -> Option<$event> {
                self.next_continue().then(|| ResponseCreate::default().into())
            }

            fn restoration(&self, _: bool, now: Instant) -> (Plan<$event>, Self) {
                self.replaced(now)
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
            if before.fork_of().is_some() {
                return fork_start(&config);
            }
            let input = before.next_input();
            if !input.is_empty() {
                config.input = Some(input);
            }
            Some(SessionStart::new(config).into())
        }

        fn target_after_loss(_: &LiveSettings, before: &LiveState) -> Option<Target> {
            before.fork_of().map(|id| Target::path(["live", "sessions", id, "fork"]))
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
    } |settings| Told {
        session: None,
        after_loss: settings.after_loss,
        input: settings.start.as_ref().and_then(|start| start.input.as_deref()).unwrap_or_default(),
    };
    LiveFork: Fork sends fork::ClientEvent, with ForkSettings {
        fn opening(settings: &ForkSettings, _: &LiveState) -> Option<fork::ClientEvent> {
            Some(ForkStart::new(settings.config.clone()).into())
        }

        fn target_after_loss(_: &ForkSettings, before: &LiveState) -> Option<Target> {
            before.fork_of().map(|id| Target::path(["live", "sessions", id, "fork"]))
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
    } |settings| Told { session: Some(settings.source.clone()), after_loss: settings.after_loss, input: &[] };
    LiveSideband: Sideband sends sideband::ClientEvent, with SidebandSettings {
        fn joins() -> bool {
            true
        }

        fn audio(_: &sideband::ClientEvent) -> Option<&[u8]> {
            None
        }
    } |settings| Told { session: Some(settings.session.clone()), after_loss: AfterLoss::Begin, input: &[] };
}
