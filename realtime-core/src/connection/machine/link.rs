//! One socket's life: opening, writing, keepalive, closing.

use bytes::Bytes;

use super::{
    super::options::Keepalive,
    keepalive::{Pulse, Silence},
};
use crate::transport::{CloseFrame, Instant, Message, Text, TransportError};

/// Identifies an attempt to open a link, and the resulting link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(pub(super) u64);

/// Properties of an opened link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkInfo {
    /// Whether the peer answers pings.
    pub(crate) can_ping: bool,
}

/// Stage of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waiting for the backoff before the attempt.
    Waiting,
    /// The attempt is in progress.
    Dialing,
    /// Open.
    Up,
    /// Gone, without a successor.
    Down,
}

/// The message being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current {
    /// An event. Its bytes count against the outbox until it is written.
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
/// Rarely used parts are boxed, because thousands of links may be idle at the same time.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) stage: Stage,
    pub(super) can_ping: bool,
    /// The protocol's opening event, written before everything except a close frame and a ping.
    opening: Option<Box<Text>>,
    ping: bool,
    /// The close frame of this side.
    closing: Option<Box<CloseFrame>>,
    /// The close frame of the peer.
    pub(super) peer_close: Option<Box<CloseFrame>>,
    current: Option<Current>,
    /// The deadline of the message being written, while the socket does not accept it.
    blocked: Option<Instant>,
    /// Whether nothing more can be written: a close frame was sent or received, or writing failed.
    muted: bool,
    /// Why writing failed. Used as the reason only once nothing is left to read.
    pub(super) broken: Option<TransportError>,
    pub(super) silence: Silence,
    /// Whether a read was tried since the last check of the deadlines, and returned nothing.
    pub(super) idle: bool,
    /// The deadline of the stage: of connecting, then of the event that opens the session.
    pub(super) stage_by: Option<Instant>,
    /// The deadline of the close handshake, or of reading the rest after writing failed.
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

    /// Begins the attempt.
    pub(super) fn dial(&mut self, connect_by: Option<Instant>) {
        self.stage = Stage::Dialing;
        self.stage_by = connect_by;
    }

    /// Records that the socket is open. The opening event is written first.
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

    /// Returns whether this side is closing it.
    pub(super) fn closing(&self) -> Option<&CloseFrame> {
        self.closing.as_deref()
    }

    /// Closes it: the close frame is sent after the message being written, before everything else.
    pub(super) fn close(&mut self, frame: CloseFrame, by: Instant) {
        self.closing = Some(Box::new(frame));
        self.close_by = Some(by);
    }

    /// Closes it after it was replaced. Keepalive and the write timeout no longer apply.
    pub(super) fn retire(&mut self, by: Instant) {
        self.close(CloseFrame::new(1000, ""), by);
        self.silence = Silence::default();
        (self.blocked, self.stage_by) = (None, None);
    }

    /// Records that the peer closes it. The transport answers the close frame; nothing else may follow.
    pub(super) fn peer_closed(&mut self, frame: Option<CloseFrame>, by: Instant) {
        // A frame without a code stands for this one (RFC 6455, section 7.1.5).
        self.peer_close = Some(Box::new(frame.unwrap_or_else(|| CloseFrame::new(1005, ""))));
        self.muted = true;
        self.close_by.get_or_insert(by);
    }

    /// Records that writing failed. The reason may be in what is left to read.
    pub(super) fn write_failed(&mut self, error: TransportError, by: Instant) {
        self.muted = true;
        self.broken = Some(error);
        self.blocked = None;
        self.close_by.get_or_insert(by);
    }

    /// Records that the socket does not accept the message being written.
    pub(super) fn write_pending(&mut self, by: Instant) {
        self.blocked.get_or_insert(by);
    }

    /// Records that the message being written, if any, was written. Returns the bytes that it frees in the outbox.
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

    /// Drops the message being written, with its link. Returns the bytes that it frees in the outbox.
    pub(super) fn abort_write(&mut self) -> usize {
        match self.current.take() {
            Some(Current::Event { bytes, .. }) => bytes,
            _ => 0,
        }
    }

    /// Returns the sequence number of the event being written.
    pub(super) fn writing(&self) -> Option<u64> {
        match self.current {
            Some(Current::Event { seq, .. }) => Some(seq),
            _ => None,
        }
    }

    /// Returns whether a message of the link's own waits.
    pub(super) fn has_control(&self) -> bool {
        self.closing.is_some() || self.ping || self.opening.is_some()
    }

    /// Returns the bytes of the event being written.
    #[cfg(test)]
    pub(super) fn writing_bytes(&self) -> usize {
        match self.current {
            Some(Current::Event { bytes, .. }) => bytes,
            _ => 0,
        }
    }

    /// Returns whether the socket has accepted every message.
    pub(super) fn is_flushed(&self) -> bool {
        self.current.is_none() && self.blocked.is_none()
    }

    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }

    /// Returns whether to try a write. `woken` says that the socket was woken for it, `ready` that there may be something to
    /// write.
    pub(super) fn wants_write(&self, woken: bool, ready: bool, now: Instant) -> bool {
        // The write timeout is checked only right after an attempt.
        let woken = woken || self.blocked.is_some_and(|by| now >= by);
        self.is_up() && !self.muted && (woken || (ready && self.blocked.is_none()))
    }

    /// Takes the next message of the link itself: the close frame, a ping, the opening event.
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

    /// Records that an event is handed to the socket.
    pub(super) fn write(&mut self, seq: u64, bytes: usize) {
        self.current = Some(Current::Event { seq, bytes });
    }

    /// Returns whether the close deadline has passed.
    pub(super) fn is_close_due(&self, now: Instant) -> bool {
        self.close_by.is_some_and(|by| now >= by)
    }

    /// Returns whether the message being written took too long.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        self.blocked.is_some_and(|by| now >= by)
    }

    /// Checks keepalive. If a ping is due, it is written next.
    pub(super) fn pulse(&mut self, policy: Option<Keepalive>, now: Instant) -> Pulse {
        let pulse = self.silence.pulse(policy, now, self.idle);
        self.ping |= pulse == Pulse::Ping;
        pulse
    }

    /// Returns the earliest of its deadlines.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Self { stage_by, close_by, blocked, .. } = *self;
        Instant::earliest([stage_by, close_by, blocked, self.silence.deadline()])
    }
}
