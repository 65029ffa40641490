use std::time::Duration;

use crate::session::{Playback, Retention, Timeouts};

/// Limits and deadlines of a connection. The defaults suit a conversation by voice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// The most time for dialling, TLS and the upgrade. 15 s.
    pub connect_timeout: Duration,
    /// The most time from the upgrade to the event that opens the session. 15 s.
    pub opening_timeout: Duration,
    /// The most time for writing one message. 30 s.
    pub write_timeout: Duration,
    /// The most time for writing what is queued and for the protocol's own ending, where it has one, once the connection
    /// is to be [finished](crate::Connection::finish): 30 s.
    pub finish_timeout: Duration,
    /// The most time for closing. 5 s.
    pub close_timeout: Duration,
    /// The most time for the answer to an event: from when it is written to its acknowledgement or refusal, and for
    /// `response.create` to the response's beginning. 30 s: hosted services answer within one, and servers that load a
    /// model first need tens. None: as long as the connection lives.
    ///
    /// It rests while a response is in progress, for some servers answer only after it. What comes later still changes
    /// the state, and a response that begins later is cancelled.
    pub request_timeout: Option<Duration>,
    /// How long a response may be silent after an error that names no event of ours. 30 s: servers that report a failure
    /// by such an error alone send nothing more, and where the error is about something else more of the response
    /// follows, which ends this wait. None: no longer than without the error.
    pub response_error_timeout: Option<Duration>,
    /// How long a response may be silent. 120 s: models that reason pause, and who listens has left by then. None: as
    /// long as the connection lives.
    pub response_idle_timeout: Option<Duration>,
    /// How a link that is silently gone is noticed. On by default.
    pub keepalive: Option<Keepalive>,
    /// Bytes that may wait to be written, as JSON. 4 MiB. As long as there are fewer, or none, an event of any legal size
    /// is taken.
    pub queue_bytes: usize,
    /// Bytes of events that may wait to be read, as JSON. 16 MiB: about four minutes of audio.
    pub inbox_bytes: usize,
    /// The largest message that is received, in bytes. 16 MiB.
    pub max_inbound: usize,
    /// The largest message that is sent, in bytes. 24 MiB: 15 MiB of audio fit.
    pub max_outbound: usize,
    /// What becomes of queued audio that is too old.
    pub audio: AudioPolicy,
    /// What becomes of events that nobody reads.
    pub unread: Unread,
    /// What becomes of a request for a response while another is in progress.
    pub overlap: Overlap,
    /// Whether the playback of the model's audio is followed, so that an interruption cuts off what was not heard. Off.
    pub playback: Option<Playback>,
    /// How much of the session is kept.
    pub memory: Retention,
    /// Whether a message that is no event ends the connection.
    pub strict: bool,
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
            overlap: Overlap::default(),
            playback: None,
            memory: Retention::default(),
            strict: false,
        }
    }
}

impl Options {
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts::new(self.request_timeout, self.response_error_timeout, self.response_idle_timeout)
    }
}

macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl Options {$(
            #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
            #[must_use]
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field.into();
                self
            }
        )*}
    };
}

setters! {
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
    overlap: Overlap,
    playback: impl Into<Option<Playback>>,
    memory: Retention,
    strict: bool,
}

/// When a silent link is asked for a sign of life, and when it is given up: 15 s and 10 s, so that a half-open link is
/// noticed within 25 s, whether or not something is being written.
///
/// Any message is a sign of life. Time in which nobody drives the connection does not count: after a pause, what has
/// arrived meanwhile is read before anything is concluded. A transport that cannot ping has no keepalive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// How long a link may be silent before it is pinged.
    pub idle: Duration,
    /// How long the ping may go unanswered.
    pub grace: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(15), grace: Duration::from_secs(10) }
    }
}

impl Keepalive {
    /// Pings after so long a silence, and gives up after so long without an answer.
    pub fn new(idle: Duration, grace: Duration) -> Self {
        Self { idle, grace }
    }
}

/// Policy for dropping stale queued audio.
///
/// Only appends behind the last queued commit or clear are ever dropped, oldest first; every other event stays. The
/// milliseconds dropped are reported as [`Notice::AudioDropped`](super::Notice::AudioDropped).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioPolicy {
    /// Audio that has waited longer than this is dropped.
    pub max_age: Option<Duration>,
    /// Whether a full queue drops its oldest audio to take a new event in.
    pub drop_oldest: bool,
}

impl AudioPolicy {
    /// Drops audio that has waited longer than this.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Drops the oldest audio when the queue is full.
    #[must_use]
    pub fn drop_oldest(mut self) -> Self {
        self.drop_oldest = true;
        self
    }
}

/// What becomes of events that nobody reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// They wait, within [`Options::inbox_bytes`]. Once that is full, reading pauses until somebody reads them.
    ///
    /// An application that uses the handles of responses alone never reads them. So, as long as such handles are read and
    /// nobody has asked for the connection's own events, the oldest make room for others, and the first who asks gets
    /// [`Notice::Skipped`](super::Notice::Skipped) in front. Nothing is dropped after that, and nothing where no handle
    /// of a response is read.
    #[default]
    Keep,
    /// They update the state and are gone: for those who use handles and the state, and never call `next`.
    Discard,
}

/// What becomes of a request for a response of the conversation while another is in progress: the service would refuse
/// it. Out-of-band responses are not affected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlap {
    /// One waits for its turn, and what is sent after it overtakes it; a second is refused.
    One,
    /// Any number wait for their turn, in order, as long as [`Options::queue_bytes`] has room. What is sent after them
    /// overtakes them.
    #[default]
    Queue,
    /// None waits: it is refused.
    Refuse,
}
