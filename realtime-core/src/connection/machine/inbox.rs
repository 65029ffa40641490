//! The queue of server events and notices that wait to be read.

use std::collections::VecDeque;

use bytes::Bytes;

use super::super::{
    notice::{Notice, Update},
    options::Unread,
};
use crate::{error::Error, protocol::Protocol, transport::Text};

/// One update, with its text where a tap wants it.
pub(crate) struct Arrival<P: Protocol> {
    pub(crate) update: Update<P>,
    pub(crate) raw: Option<Box<Text>>,
    bytes: usize,
}

/// Bytes that a notice counts for, so that those who read none cannot accumulate them.
const NOTICE: usize = 64;

/// Bytes that are read ahead: what one read of a socket brings, and the processor's cache still holds.
const AHEAD: usize = 16 << 10;

/// Updates whose room is kept after a burst.
const ROOM: usize = 4;

/// Which kinds of readers have asked for events so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// Handles of responses, which get what concerns them without the inbox.
    Handles,
    /// Somebody who reads it.
    Someone,
}

pub(crate) struct Inbox<P: Protocol> {
    queue: VecDeque<Arrival<P>>,
    bytes: usize,
    limit: usize,
    /// How many bytes are read ahead of a reader.
    ahead: usize,
    /// Whether texts are kept beside their events.
    pub(crate) tapped: bool,
    abandoned: bool,
    /// The readers so far.
    reader: Reader,
    /// How many events have made room for others.
    skipped: u64,
    /// Whether events are kept though nobody waits for one.
    keeps: bool,
    /// Whether an event that arrives now is kept: somebody waits for it, or all are kept.
    pub(super) is_wanted: bool,
    /// The last thing that a reader gets.
    last: Option<Error>,
}

impl<P: Protocol> Inbox<P> {
    pub(crate) fn new(limit: usize, unread: Unread) -> Self {
        // Where unread events are discarded, no more is read than was asked for.
        let keeps = unread == Unread::Keep;
        let ahead = if keeps { AHEAD } else { 1 };
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            ahead,
            tapped: false,
            abandoned: false,
            reader: Reader::Nobody,
            skipped: 0,
            keeps,
            is_wanted: keeps,
            last: None,
        }
    }

    /// Somebody asks for what waits: from now on nothing makes room for anything.
    pub(crate) fn ask(&mut self) {
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
    pub(crate) fn ask_by_handle(&mut self) {
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

    /// Says whether somebody waits for the next event.
    pub(super) fn set_reader(&mut self, waits: bool) {
        self.is_wanted = self.keeps || waits;
    }

    /// Whether events are kept though nobody waits for one.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Whether there is no room. Asked before reading, never after: the message in hand always has a place.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// Whether a reader has enough to go on with.
    pub(crate) fn is_ahead(&self) -> bool {
        self.bytes >= self.ahead
    }

    /// Frees the memory that a burst has taken: thousands of connections may be idle at once.
    pub(crate) fn trim(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(ROOM);
        }
    }

    /// Discards what waits and all that comes: nobody will read any more.
    pub(crate) fn abandon(&mut self) -> VecDeque<Arrival<P>> {
        self.abandoned = true;
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }

    pub(crate) fn push_event(&mut self, event: P::ServerEvent, bytes: usize, raw: &[u8]) {
        if self.abandoned {
            return;
        }
        let text = || Box::new(Text::declared(Bytes::copy_from_slice(raw)));
        let raw = self.tapped.then(text);
        // A floor, for an event is never smaller than what holds it.
        let bytes = bytes.max(size_of::<Arrival<P>>());
        self.bytes += bytes;
        self.queue.push_back(Arrival { update: Update::Event(event), raw, bytes });
    }

    pub(crate) fn push_notice(&mut self, notice: Notice<P>) {
        if self.abandoned {
            return;
        }
        self.bytes += NOTICE;
        self.queue.push_back(Arrival { update: Update::Notice(notice), raw: None, bytes: NOTICE });
    }

    /// The next update; those who read events alone pass over notices.
    pub(crate) fn pop(&mut self, notices: bool) -> Option<Arrival<P>> {
        loop {
            let arrival = self.queue.pop_front()?;
            self.bytes -= arrival.bytes;
            if notices || matches!(arrival.update, Update::Event(_)) {
                return Some(arrival);
            }
        }
    }

    pub(crate) fn end_with(&mut self, error: Option<Error>) {
        self.last = error;
    }

    /// The error at the end, once.
    pub(crate) fn take_last(&mut self) -> Option<Error> {
        self.last.take()
    }
}
