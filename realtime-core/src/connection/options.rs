use std::time::Duration;

use crate::protocol::state::{Timeouts, limits::KEPT_ERRORS};

/// Limits and timeouts of a connection. The defaults suit a spoken conversation.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use realtime_core::{Options, connection::{AudioPolicy, Keepalive, Unread}};
///
/// let options = Options::default()
///     .request_timeout(Duration::from_secs(10))
///     .response_idle_timeout(Duration::from_secs(45))
///     .keepalive(Keepalive::new(Duration::from_secs(5), Duration::from_secs(5)))
///     // Audio from a microphone is of no use once it is a second old.
///     .audio(AudioPolicy::default().max_age(Duration::from_secs(1)).drop_oldest())
///     .unread(Unread::Discard);
/// # drop(options);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Timeout for connecting: the socket, TLS and the upgrade. 15 s by default.
    pub connect_timeout: Duration,
    /// Timeout from the upgrade to the event that opens the session. 15 s by default.
    pub opening_timeout: Duration,
    /// Timeout for writing one message. 30 s by default.
    pub write_timeout: Duration,
    /// Timeout for [finishing](crate::Connection::finish): writing the outbox, and the protocol's graceful end, if it
    /// has one. 30 s by default.
    pub finish_timeout: Duration,
    /// Timeout for the close handshake. 5 s by default.
    pub close_timeout: Duration,
    /// Timeout for the answer to an event, from writing it to its acknowledgement or refusal; for `response.create`, to
    /// the beginning of the response. 30 s by default: hosted services answer within one, but servers that load a model
    /// first need tens of seconds. `None` waits until the connection ends.
    ///
    /// Paused while a response is active, because some servers answer only afterwards. A late answer still updates the
    /// state, and a response that begins late is cancelled.
    pub request_timeout: Option<Duration>,
    /// Idle timeout of a response after an error that names no event. 30 s by default: servers that report a failure
    /// only by such an error send nothing more, while an unrelated error is followed by more of the response, which
    /// ends this wait. `None` applies no special timeout.
    pub response_error_timeout: Option<Duration>,
    /// Idle timeout of a response. 120 s by default: reasoning models pause, but after that a listener has given up.
    /// `None` waits until the connection ends.
    pub response_idle_timeout: Option<Duration>,
    /// Detection of half-open links. On by default.
    pub keepalive: Option<Keepalive>,
    /// Capacity of the outbox in bytes of JSON. 4 MiB by default. An event of any legal size is accepted while the
    /// outbox is empty or below this size.
    pub queue_bytes: usize,
    /// Capacity of the inbox in bytes of JSON. 16 MiB by default: about four minutes of audio.
    pub inbox_bytes: usize,
    /// Maximum size of received messages in bytes. 16 MiB by default.
    pub max_inbound: usize,
    /// Maximum size of sent messages in bytes. 24 MiB by default: enough for 15 MiB of audio.
    pub max_outbound: usize,
    /// Policy for dropping stale queued audio.
    pub audio: AudioPolicy,
    /// What happens to events that are not read.
    pub unread: Unread,
    /// Number of most recent errors, and of types of unknown events, kept in the state. 64 by default; `None` is no
    /// limit.
    pub kept_errors: Option<usize>,
    /// Whether an invalid message from the server is fatal. Off by default.
    pub strict: bool,
    /// Whether spans contain what the model said: the messages of each response, the first 32 KiB of their text. Off by
    /// default. Has an effect only with the feature `tracing`, and on conversations.
    pub trace_content: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            opening_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            finish_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            request_timeout: Some(Duration::from_secs(30)),
            response_error_timeout: Some(Duration::from_secs(30)),
            response_idle_timeout: Some(Duration::from_secs(120)),
            keepalive: Some(Keepalive::default()),
            queue_bytes: 4 << 20,
            inbox_bytes: 16 << 20,
            max_inbound: 16 << 20,
            max_outbound: 24 << 20,
            audio: AudioPolicy::default(),
            unread: Unread::default(),
            kept_errors: Some(KEPT_ERRORS),
            strict: false,
            trace_content: false,
        }
    }
}

impl Options {
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts::new(self.request_timeout, self.response_error_timeout, self.response_idle_timeout)
    }
}

setters! {
    Options:
    connect_timeout: Duration,
    opening_timeout: Duration,
    write_timeout: Duration,
    finish_timeout: Duration,
    close_timeout: Duration,
    request_timeout: impl Into<Option<Duration>>,
    response_error_timeout: impl Into<Option<Duration>>,
    response_idle_timeout: impl Into<Option<Duration>>,
    keepalive: impl Into<Option<Keepalive>>,
    queue_bytes: usize,
    inbox_bytes: usize,
    max_inbound: usize,
    max_outbound: usize,
    audio: AudioPolicy,
    unread: Unread,
    kept_errors: impl Into<Option<usize>>,
    strict: bool,
    trace_content: bool,
}

/// Detection of half-open links: when an idle link is pinged, and when it is given up. The defaults of 15 s and 10 s
/// detect a half-open link within 25 s, even while a write is pending.
///
/// Any received message counts. Time during which nobody drives the connection does not: after a pause, everything that
/// has arrived is read first. A transport that cannot ping has no keepalive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias("heartbeat", "ping", "half-open"))]
pub struct Keepalive {
    /// Idle time before a ping.
    pub idle: Duration,
    /// Timeout for the reply to a ping.
    pub grace: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(15), grace: Duration::from_secs(10) }
    }
}

impl Keepalive {
    /// Pings after `idle` without a message, and gives up after `grace` without a reply.
    pub fn new(idle: Duration, grace: Duration) -> Self {
        Self { idle, grace }
    }
}

/// Policy for dropping stale queued audio.
///
/// Only appends after the last queued commit or clear are dropped, oldest first; other events are never dropped. The
/// dropped duration is reported as [`Notice::AudioDropped`](super::Notice::AudioDropped).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioPolicy {
    /// Audio that has waited longer than this is dropped.
    pub max_age: Option<Duration>,
    /// Whether a full outbox drops its oldest audio to accept a new event.
    pub drop_oldest: bool,
}

impl AudioPolicy {
    /// Drops audio that has waited longer than this.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Drops the oldest audio when the outbox is full.
    #[must_use]
    pub fn drop_oldest(mut self) -> Self {
        self.drop_oldest = true;
        self
    }
}

/// What happens to events that are not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// They stay in the inbox, up to [`Options::inbox_bytes`]. While it is full, reading pauses.
    ///
    /// An application that only uses response handles never reads them. Until the connection's own events are read for the
    /// first time, a full inbox therefore drops its oldest events while a response handle is awaited. The first read then
    /// reports how many with [`Notice::Skipped`](super::Notice::Skipped), and from then on nothing is dropped.
    #[default]
    Keep,
    /// They update the state and are dropped. For applications that use handles and the state, and never call `next`.
    Discard,
}
