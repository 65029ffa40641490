//! The rules of one open link by itself: the server's end of a connection, or either side of a relay.
//!
//! Without sessions, reconnects and requests, it has what every link needs: a bounded queue, a write timeout, keepalive,
//! limits, and the close handshake. The calling order is that of the [machine](super).

use std::collections::VecDeque;

use super::{
    super::link_options::LinkOptions,
    keepalive::{Pulse, Silence},
    link::{Link, LinkId, LinkInfo},
};
use crate::{
    error::{Deadline, Error, ErrorKind, SendErrorKind},
    transport::{CloseFrame, Instant, Message, TransportError},
};

/// Size in bytes of the messages that are written at once, but for the last of them.
const JOINED: usize = 16 << 10;

/// Messages that wait to be written.
pub(in super::super) struct PeerQueue {
    messages: VecDeque<Message>,
    /// Bytes of the messages, and of the one being written.
    bytes: usize,
    limit: usize,
    largest: usize,
    closed: bool,
}

impl PeerQueue {
    pub(in super::super) fn new(options: &LinkOptions) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            limit: options.queue_bytes,
            largest: options.max_outbound,
            closed: false,
        }
    }

    /// Returns whether a message of any legal size would be accepted.
    pub(in super::super) fn has_room(&self) -> bool {
        self.bytes < self.limit || self.bytes == 0
    }

    pub(in super::super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns whether everything was written.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.messages.is_empty()
    }

    /// Queues a message, or returns it.
    pub(in super::super) fn push(&mut self, message: Message) -> Result<(), (SendErrorKind, Message)> {
        let size = message.len();
        let refused = match () {
            () if self.closed => SendErrorKind::Closed,
            () if size > self.largest => SendErrorKind::TooLarge { size, limit: self.largest },
            () if !self.has_room() => SendErrorKind::Full,
            () => {
                self.bytes += size;
                self.messages.push_back(message);
                return Ok(());
            }
        };
        Err((refused, message))
    }

    /// Accepts no more messages. Queued ones are still written.
    fn close(&mut self) {
        self.closed = true;
    }

    /// Drops the queued messages.
    fn clear(&mut self) {
        self.close();
        self.messages.clear();
        self.bytes = 0;
    }
}

/// The rules of one open link by itself.
pub(in super::super) struct PeerMachine {
    link: Link,
    options: LinkOptions,
    /// The close frame to send after the queue, and the deadline for writing the queue.
    finish: Option<Box<(CloseFrame, Instant)>>,
    /// The number of the last message written.
    seq: u64,
    /// Bytes that the socket was given to be written with the message being written.
    joined: usize,
    end: Option<Result<(), Error>>,
}

impl PeerMachine {
    pub(in super::super) fn new(options: LinkOptions, info: LinkInfo, now: Instant) -> Self {
        let mut link = Link::new(LinkId(0));
        link.up(info, None, now);
        if info.can_ping {
            link.silence = Silence::new(options.keepalive, now);
        }
        Self { link, options, finish: None, seq: 0, joined: 0, end: None }
    }

    /// Returns how the link ended.
    pub(in super::super) fn end(&self) -> Option<&Result<(), Error>> {
        self.end.as_ref()
    }

    /// Returns the peer's close frame. Code 1005 stands for a frame without a code.
    pub(in super::super) fn peer_close(&self) -> Option<&CloseFrame> {
        self.link.peer_close.as_deref()
    }

    /// Returns whether this side is closing the link.
    pub(in super::super) fn is_closing(&self) -> bool {
        self.link.closing().is_some()
    }

    /// Closes the link once the queue is written, or after the timeout. The first frame is kept.
    pub(in super::super) fn finish(&mut self, frame: CloseFrame, queue: &mut PeerQueue, now: Instant) {
        queue.close();
        if self.end.is_none() && !self.is_closing() && self.finish.is_none() {
            self.finish = Some(Box::new((frame, now + self.options.finish_timeout)));
            self.finish_if_written(queue, now);
        }
    }

    /// Closes the link, and drops the queue. The first frame is kept.
    pub(in super::super) fn close(&mut self, frame: CloseFrame, queue: &mut PeerQueue, now: Instant) {
        queue.clear();
        self.finish = None;
        if self.end.is_none() && !self.is_closing() {
            self.link.close(frame, now + self.options.close_timeout);
        }
    }

    fn finish_if_written(&mut self, queue: &PeerQueue, now: Instant) {
        let is_due = |(_, by): &(CloseFrame, Instant)| queue.is_empty() || now >= *by;
        if self.finish.as_deref().is_some_and(is_due)
            && let Some((frame, _)) = self.finish.take().map(|finish| *finish)
        {
            self.link.close(frame, now + self.options.close_timeout);
        }
    }

    /// Handles a received message. Returns it if it carries data.
    pub(in super::super) fn on_message(
        &mut self,
        message: Message,
        queue: &mut PeerQueue,
        now: Instant,
    ) -> Option<Message> {
        self.link.silence.heard(now);
        self.link.idle = false;
        let (size, limit) = (message.len(), self.options.max_inbound);
        if size > limit {
            self.end_with(Err(ErrorKind::TooLarge { size, limit }.into()), queue);
            return None;
        }
        match message {
            Message::Ping(_) | Message::Pong(_) => None,
            Message::Close(frame) => {
                self.link.peer_closed(frame, now + self.options.close_timeout);
                // Nothing follows a close frame.
                queue.clear();
                self.finish = None;
                None
            }
            data => Some(data),
        }
    }

    /// Records that nothing more can be read for now.
    pub(in super::super) fn on_read_idle(&mut self) {
        self.link.idle = true;
    }

    /// Handles the end of reading.
    pub(in super::super) fn on_read_end(&mut self, error: Option<TransportError>, queue: &mut PeerQueue) {
        let end = match (&self.link.peer_close, error) {
            _ if self.is_closing() => Ok(()),
            (Some(frame), _) if frame.code == 1000 => Ok(()),
            (Some(frame), _) => Err(ErrorKind::Closed(Some((**frame).clone())).into()),
            (None, error) => match error.or_else(|| self.link.broken.take()) {
                Some(error) => Err(error.into()),
                None => Err(ErrorKind::Closed(None).into()),
            },
        };
        self.end_with(end, queue);
    }

    /// Returns whether to poll the socket for writing.
    pub(in super::super) fn wants_write(&self, queue: &PeerQueue, pinging: bool, now: Instant) -> bool {
        let waits = !self.link.is_flushed() || !queue.messages.is_empty() || self.is_closing() || pinging;
        self.link.wants_write(waits, false, now)
    }

    /// Returns whether the next message is given to the socket together with the one before, without waiting until that is written.
    /// Nothing joins a ping or a close frame.
    pub(in super::super) fn joins(&self, queue: &PeerQueue) -> bool {
        let room = self.link.writing().is_some() && self.joined < JOINED;
        room && !queue.messages.is_empty() && !self.link.has_control()
    }

    /// Records that the socket takes another message: the previous one is its own, written or not.
    pub(in super::super) fn on_taken(&mut self, queue: &mut PeerQueue) {
        let bytes = self.link.written();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        self.joined += bytes;
    }

    /// Records that the socket has written what it was given.
    pub(in super::super) fn on_written(&mut self, queue: &mut PeerQueue, now: Instant) {
        queue.bytes = queue.bytes.saturating_sub(self.link.written());
        self.joined = 0;
        self.finish_if_written(queue, now);
    }

    /// Records that the socket does not accept the next message yet.
    pub(in super::super) fn on_write_pending(&mut self, now: Instant) {
        self.link.write_pending(now + self.options.write_timeout);
    }

    /// Records that writing failed. The reason may be in what is left to read.
    pub(in super::super) fn on_write_failed(&mut self, error: TransportError, queue: &mut PeerQueue, now: Instant) {
        self.link.write_failed(error, now + self.options.close_timeout);
        queue.clear();
        self.finish = None;
    }

    /// Takes the next message for the socket, after [`on_written`](Self::on_written).
    pub(in super::super) fn poll_transmit(&mut self, queue: &mut PeerQueue) -> Option<Message> {
        if !self.link.is_up() || self.link.is_muted() {
            return None;
        }
        let control = self.link.next_control().map(|message| match message {
            // 1005 stands for a frame without a code, and is never sent (RFC 6455, section 7.1.5).
            Message::Close(Some(frame)) if frame.code == 1005 => Message::Close(None),
            message => message,
        });
        control.or_else(|| {
            let message = queue.messages.pop_front()?;
            self.seq += 1;
            self.link.write(self.seq, message.len());
            Some(message)
        })
    }

    /// Acts on the deadlines that have passed, right after an attempt to read and to write. Returns whether a ping is due.
    pub(in super::super) fn on_timeout(&mut self, queue: &mut PeerQueue, now: Instant) -> bool {
        if self.end.is_some() {
            return false;
        }
        if self.link.is_close_due(now) {
            // Writing the rest took too long.
            self.on_read_end(None, queue);
            return false;
        }
        if self.link.is_stalled(now) {
            self.end_with(Err(ErrorKind::Timeout(Deadline::Write).into()), queue);
            return false;
        }
        self.finish_if_written(queue, now);
        let pulse = self.link.pulse(self.options.keepalive, now);
        self.link.idle = false;
        match pulse {
            Pulse::Fine => false,
            Pulse::Ping => true,
            Pulse::Dead => {
                self.end_with(Err(ErrorKind::Timeout(Deadline::Keepalive).into()), queue);
                false
            }
        }
    }

    /// Returns the earliest deadline.
    pub(in super::super) fn poll_timeout(&self) -> Option<Instant> {
        if self.end.is_some() {
            return None;
        }
        let finish = self.finish.as_deref().map(|(_, by)| *by);
        Instant::earliest([self.link.deadline(), finish])
    }

    /// Ends the link. The first reason is kept.
    pub(in super::super) fn end_with(&mut self, end: Result<(), Error>, queue: &mut PeerQueue) {
        queue.clear();
        self.finish = None;
        self.end.get_or_insert(end);
    }
}
