//! What waits to be read.

use std::collections::VecDeque;

use super::{
    notice::{Notice, Update},
    options::Unread,
};
use crate::{error::Error, protocol::Protocol, transport::Text};

/// One update, and the text it came as where somebody taps it.
pub(super) struct Arrival<P: Protocol> {
    pub(super) update: Update<P>,
    pub(super) raw: Option<Box<Text>>,
    bytes: usize,
}

/// What a notice counts for, so that those who read none cannot gather them for ever.
const NOTICE: usize = 64;

/// How much is read ahead: what one call of a socket brings, and a cache of the processor still holds.
const AHEAD: usize = 16 << 10;

/// How many updates there is always room for, once there was one.
const ROOM: usize = 4;

/// Who has asked for events so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// Handles of responses, which get what concerns them without the inbox.
    Handles,
    /// Somebody who reads it.
    Someone,
}

pub(super) struct Inbox<P: Protocol> {
    queue: VecDeque<Arrival<P>>,
    bytes: usize,
    limit: usize,
    /// How many bytes are read ahead of a reader.
    ahead: usize,
    /// Whether texts are kept beside their events.
    pub(super) tapped: bool,
    abandoned: bool,
    /// Who reads.
    reader: Reader,
    /// How many events have made room for others.
    skipped: u64,
    /// The last thing that a reader gets.
    last: Option<Error>,
}

impl<P: Protocol> Inbox<P> {
    pub(super) fn new(limit: usize, unread: Unread) -> Self {
        // What nobody asks for is not to be kept, and so no more is read than was asked for.
        let ahead = if unread == Unread::Keep { AHEAD } else { 1 };
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            ahead,
            tapped: false,
            abandoned: false,
            reader: Reader::Nobody,
            skipped: 0,
            last: None,
        }
    }

    /// Somebody asks for what waits: from now on nothing makes room for anything.
    pub(super) fn ask(&mut self) {
        if self.reader != Reader::Someone {
            self.reader = Reader::Someone;
            if self.skipped > 0 {
                self.bytes += NOTICE;
                let update = Update::Notice(Notice::Skipped { events: self.skipped });
                self.queue.push_front(Arrival { update, raw: None, bytes: NOTICE });
            }
        }
    }

    /// A handle of a response asks for what came of it.
    pub(super) fn ask_by_handle(&mut self) {
        if self.reader == Reader::Nobody {
            self.reader = Reader::Handles;
        }
        self.make_room();
    }

    /// Where nobody but handles reads, the older half of the events makes room for others. Notices stay.
    pub(super) fn make_room(&mut self) {
        if self.reader != Reader::Handles || !self.is_full() {
            return;
        }
        let (mut bytes, mut skipped) = (self.bytes, 0);
        let half = self.limit / 2;
        self.queue.retain(|arrival| {
            let goes = bytes > half && matches!(arrival.update, Update::Event(_));
            if goes {
                bytes -= arrival.bytes;
                skipped += 1;
            }
            !goes
        });
        self.bytes = bytes;
        self.skipped += skipped;
    }

    /// Asked before reading, never after: the message in hand always has a place.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// Whether a reader has enough to go on with.
    pub(super) fn is_ahead(&self) -> bool {
        self.bytes >= self.ahead
    }

    /// Gives back the room that a burst has taken: thousands of connections may wait at once.
    pub(super) fn trim(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(ROOM);
        }
    }

    /// Nobody will read any more: lets go of what waits, and of all that comes.
    pub(super) fn abandon(&mut self) -> VecDeque<Arrival<P>> {
        self.abandoned = true;
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }

    pub(super) fn push_event(&mut self, event: P::ServerEvent, bytes: usize, raw: Option<&Text>) {
        if self.abandoned {
            return;
        }
        let raw = raw.filter(|_| self.tapped).cloned().map(Box::new);
        // A floor, for an event is never smaller than what holds it.
        let bytes = bytes.max(size_of::<Arrival<P>>());
        self.bytes += bytes;
        self.queue.push_back(Arrival { update: Update::Event(event), raw, bytes });
    }

    pub(super) fn push_notice(&mut self, notice: Notice<P>) {
        if self.abandoned {
            return;
        }
        self.bytes += NOTICE;
        self.queue.push_back(Arrival { update: Update::Notice(notice), raw: None, bytes: NOTICE });
    }

    /// The next update; those who read events alone pass over notices.
    pub(super) fn pop(&mut self, notices: bool) -> Option<Arrival<P>> {
        loop {
            let arrival = self.queue.pop_front()?;
            self.bytes -= arrival.bytes;
            if notices || matches!(arrival.update, Update::Event(_)) {
                return Some(arrival);
            }
        }
    }

    pub(super) fn end_with(&mut self, error: Option<Error>) {
        self.last = error;
    }

    /// The error at the end, once.
    pub(super) fn take_last(&mut self) -> Option<Error> {
        self.last.take()
    }
}
