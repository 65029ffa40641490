//! What must happen by when, and the one alarm that is armed for it.

use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;

use super::options::Keepalive;
use crate::transport::{Instant, Timer};

/// All deadlines of a connection. None is armed per message: the alarm stands at the earliest, is moved only forward
/// to an earlier one, and what it finds not to be due yet is looked at again.
pub(super) struct Deadlines {
    pub(super) connect: Option<Instant>,
    pub(super) opening: Option<Instant>,
    /// For the message being written, while the transport does not take it.
    pub(super) write: Option<Instant>,
    /// For the protocol's own ending.
    pub(super) finish: Option<Instant>,
    /// For the closing handshake, and for what is left to read once writing broke.
    pub(super) close: Option<Instant>,
    /// When the session is to be asked again: for what waits to be sent, and for what it gives up.
    pub(super) session: Option<Instant>,
    /// When links beside the one in use are looked at.
    pub(super) spare: Option<Instant>,
    keepalive: Option<Keepalive>,
    /// When silence is looked at next.
    silence: Option<Instant>,
    /// When the ping being answered was asked for, and until when it may go unanswered.
    pinged: Option<(Instant, Instant)>,
    heard: Instant,
    alarm: Option<(Instant, BoxFuture<'static, ()>)>,
}

/// What a silent link calls for.
pub(super) enum Pulse {
    Fine,
    Ping,
    Dead,
}

impl Deadlines {
    pub(super) fn new(keepalive: Option<Keepalive>) -> Self {
        Self {
            connect: None,
            opening: None,
            write: None,
            finish: None,
            close: None,
            session: None,
            spare: None,
            keepalive,
            silence: None,
            pinged: None,
            heard: Instant::default(),
            alarm: None,
        }
    }

    /// Something arrived.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When something arrived last, or the link came up.
    pub(super) fn last_heard(&self) -> Instant {
        self.heard
    }

    /// Listens for silence from now on, on a link that can ping.
    pub(super) fn listen(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
        self.silence = self.keepalive.map(|keepalive| now + keepalive.idle);
    }

    /// Whether silence is to be looked at: a read must be tried before [`pulse`](Self::pulse) is asked.
    pub(super) fn is_silence_due(&self, now: Instant) -> bool {
        self.silence.is_some_and(|at| now >= at) || self.pinged.is_some_and(|(_, until)| now >= until)
    }

    /// What the silence calls for. `quiet` says that a read was tried just now, and had nothing more.
    pub(super) fn pulse(&mut self, now: Instant, quiet: bool) -> Pulse {
        let Some(keepalive) = self.keepalive else { return Pulse::Fine };
        if let Some((sent, until)) = self.pinged.filter(|(_, until)| now >= *until) {
            if self.heard >= sent {
                self.pinged = None;
                self.silence = Some(self.heard + keepalive.idle);
            } else if quiet {
                return Pulse::Dead;
            } else {
                // Nobody read. Nothing is concluded from that.
                self.pinged = Some((sent, now + (until - sent)));
            }
        }
        if self.silence.is_some_and(|at| now >= at) {
            let due = self.heard + keepalive.idle;
            if now >= due && quiet {
                self.silence = None;
                // The grace begins now and not when the ping leaves: on a dead link what is being written before it never
                // does.
                self.pinged = Some((now, now + keepalive.grace));
                return Pulse::Ping;
            }
            self.silence = Some(if now < due { due } else { now + keepalive.grace });
        }
        Pulse::Fine
    }

    fn next(&self) -> Option<Instant> {
        let pinged = self.pinged.map(|(_, until)| until);
        let Self { connect, opening, write, finish, close, session, spare, silence, .. } = *self;
        [connect, opening, write, finish, close, session, spare, silence, pinged].into_iter().flatten().min()
    }

    /// Sets the alarm to the earliest deadline. `rang` says that the alarm's waker was called. Whether the time has
    /// come already.
    pub(super) fn arm(&mut self, timer: &dyn Timer, waker: &Waker, rang: bool) -> bool {
        let Some(next) = self.next() else {
            self.alarm = None;
            return false;
        };
        let mut cx = Context::from_waker(waker);
        if rang && self.alarm.as_mut().is_some_and(|(_, alarm)| alarm.as_mut().poll(&mut cx).is_ready()) {
            self.alarm = None;
        }
        if self.alarm.as_ref().is_none_or(|(at, _)| *at > next) {
            let mut alarm = timer.sleep_until(next);
            let due = alarm.as_mut().poll(&mut cx) == Poll::Ready(());
            self.alarm = (!due).then_some((next, alarm));
            return due;
        }
        false
    }

    /// Another link is waited for. The alarm stays as it is, and finds what is due.
    pub(super) fn restart(&mut self, keepalive: Option<Keepalive>) {
        let alarm = self.alarm.take();
        *self = Self { alarm, ..Self::new(keepalive) };
    }

    /// Nothing is waited for any more.
    pub(super) fn clear(&mut self) {
        *self = Self::new(None);
    }
}
