//! One socket's life: opened, written to, watched, closed.

use bytes::Bytes;

use super::{
    super::options::Keepalive,
    keepalive::{Pulse, Silence},
};
use crate::transport::{CloseFrame, Instant, Message, Text, TransportError};

/// Identifies an attempt to open a link, and the link that comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(pub(super) u64);

/// What is known of a link that was opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkInfo {
    /// Whether a ping makes the peer answer.
    pub(crate) can_ping: bool,
}

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The backoff before the attempt runs.
    Waiting,
    /// The attempt is under way.
    Dialing,
    /// Messages travel.
    Up,
    /// It is gone, and there is no other.
    Down,
}

/// The message being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current {
    /// An event. Its bytes count in the outbox until it is written.
    Event {
        seq: u64,
        bytes: usize,
    },
    /// The protocol's opening event.
    Opening,
    Ping,
    Close,
}

/// One socket's life. The link in use, the standby and the retiring link are each one of these.
///
/// What is rarely there is boxed: thousands of links may be idle at once.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) stage: Stage,
    pub(super) can_ping: bool,
    /// The protocol's opening event, ahead of everything but a close frame and a ping.
    opening: Option<Box<Text>>,
    ping: bool,
    /// The close frame of this side.
    closing: Option<Box<CloseFrame>>,
    /// The close frame of the peer.
    pub(super) peer_close: Option<Box<CloseFrame>>,
    current: Option<Current>,
    /// The deadline of the message being written, while the socket does not take it.
    blocked: Option<Instant>,
    /// Whether nothing more can be written: a close frame went either way, or the write side broke.
    muted: bool,
    /// Why the write side broke. Believed only once nothing is left to read.
    pub(super) broken: Option<TransportError>,
    pub(super) silence: Silence,
    /// Whether a read was tried since the last look at the clock, and found nothing.
    pub(super) idle: bool,
    /// The deadline of the stage: of the attempt to open the link, then of the event that opens the session.
    pub(super) stage_by: Option<Instant>,
    /// The deadline of the closing handshake, and of what is left to read once writing broke.
    close_by: Option<Instant>,
}

impl Link {
    pub(super) fn new(id: LinkId) -> Self {
        Self {
            id,
            stage: Stage::Waiting,
            can_ping: false,
            opening: None,
            ping: false,
            closing: None,
            peer_close: None,
            current: None,
            blocked: None,
            muted: false,
            broken: None,
            silence: Silence::default(),
            idle: false,
            stage_by: None,
            close_by: None,
        }
    }

    /// The attempt begins.
    pub(super) fn dial(&mut self, connect_by: Option<Instant>) {
        self.stage = Stage::Dialing;
        self.stage_by = connect_by;
    }

    /// The socket is open. The opening event is written ahead of everything.
    pub(super) fn up(&mut self, info: LinkInfo, opening: Option<Text>, now: Instant) {
        self.stage = Stage::Up;
        self.stage_by = None;
        self.can_ping = info.can_ping;
        self.opening = opening.map(Box::new);
        self.silence.heard(now);
    }

    pub(super) fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    /// Whether this side closes it.
    pub(super) fn closing(&self) -> Option<&CloseFrame> {
        self.closing.as_deref()
    }

    /// Closes it: after the message being written the close frame goes out, ahead of all else.
    pub(super) fn close(&mut self, frame: CloseFrame, by: Instant) {
        self.closing = Some(Box::new(frame));
        self.close_by = Some(by);
    }

    /// Closes it after it was replaced: silence and stalls no longer matter.
    pub(super) fn retire(&mut self, by: Instant) {
        self.close(CloseFrame::new(1000, ""), by);
        self.silence = Silence::default();
        (self.blocked, self.stage_by) = (None, None);
    }

    /// The peer closes it. The library below answers its frame; nothing else may follow.
    pub(super) fn peer_closed(&mut self, frame: Option<CloseFrame>, by: Instant) {
        // A frame without a code stands for this one (RFC 6455, section 7.1.5).
        self.peer_close = Some(Box::new(frame.unwrap_or_else(|| CloseFrame::new(1005, ""))));
        self.muted = true;
        self.close_by.get_or_insert(by);
    }

    /// Writing broke. What is left to read says why.
    pub(super) fn write_failed(&mut self, error: TransportError, by: Instant) {
        self.muted = true;
        self.broken = Some(error);
        self.blocked = None;
        self.close_by.get_or_insert(by);
    }

    /// The socket does not take the message being written.
    pub(super) fn write_pending(&mut self, by: Instant) {
        self.blocked.get_or_insert(by);
    }

    /// The message being written, if there was one, is written. The bytes that it frees in the outbox.
    pub(super) fn written(&mut self) -> usize {
        self.blocked = None;
        match self.current.take() {
            Some(Current::Event { bytes, .. }) => bytes,
            Some(Current::Close) => {
                self.muted = true;
                0
            }
            Some(Current::Opening | Current::Ping) | None => 0,
        }
    }

    /// Drops the message being written, with its link. The bytes that it frees in the outbox.
    pub(super) fn abort_write(&mut self) -> usize {
        match self.current.take() {
            Some(Current::Event { bytes, .. }) => bytes,
            _ => 0,
        }
    }

    /// The number of the event being written.
    pub(super) fn writing(&self) -> Option<u64> {
        match self.current {
            Some(Current::Event { seq, .. }) => Some(seq),
            _ => None,
        }
    }

    /// Bytes of the event being written.
    #[cfg(test)]
    pub(super) fn writing_bytes(&self) -> usize {
        match self.current {
            Some(Current::Event { bytes, .. }) => bytes,
            _ => 0,
        }
    }

    /// Whether the socket has taken all that was given to it.
    pub(super) fn is_flushed(&self) -> bool {
        self.current.is_none() && self.blocked.is_none()
    }

    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }

    /// Whether to try a write. `woken` says that the socket asked for it, `ready` that there may be something to write.
    pub(super) fn wants_write(&self, woken: bool, ready: bool, now: Instant) -> bool {
        // A stall is judged only right after an attempt.
        let woken = woken || self.blocked.is_some_and(|by| now >= by);
        self.is_up() && !self.muted && (woken || (ready && self.blocked.is_none()))
    }

    /// The next message that is the link's own: the close frame, a ping, the protocol's opening.
    pub(super) fn next_control(&mut self) -> Option<Message> {
        if let Some(frame) = &self.closing {
            self.current = Some(Current::Close);
            return Some(Message::Close(Some((**frame).clone())));
        }
        if std::mem::take(&mut self.ping) {
            self.current = Some(Current::Ping);
            return Some(Message::Ping(Bytes::new()));
        }
        let text = self.opening.take()?;
        self.current = Some(Current::Opening);
        Some(Message::Text(*text))
    }

    /// An event goes to the socket.
    pub(super) fn write(&mut self, seq: u64, bytes: usize) {
        self.current = Some(Current::Event { seq, bytes });
    }

    /// Whether the close deadline has come.
    pub(super) fn is_close_due(&self, now: Instant) -> bool {
        self.close_by.is_some_and(|by| now >= by)
    }

    /// Whether the message being written took too long.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        self.blocked.is_some_and(|by| now >= by)
    }

    /// Judges the silence. A ping is written next.
    pub(super) fn pulse(&mut self, policy: Option<Keepalive>, now: Instant) -> Pulse {
        let pulse = self.silence.pulse(policy, now, self.idle);
        self.ping |= pulse == Pulse::Ping;
        pulse
    }

    /// The earliest of its deadlines.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Self { stage_by, close_by, blocked, .. } = *self;
        [stage_by, close_by, blocked, self.silence.deadline()].into_iter().flatten().min()
    }
}
