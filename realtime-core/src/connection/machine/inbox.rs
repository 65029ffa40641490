//! The queue of server events and notices that wait to be read.

use std::collections::VecDeque;

use bytes::Bytes;

use super::super::{
    notice::{Notice, Update},
    options::Unread,
};
use crate::{error::Error, protocol::Protocol, transport::Text};

/// One update, with its text if there is a tap.
pub(crate) struct Arrival<P: Protocol> {
    pub(crate) update: Update<P>,
    pub(crate) raw: Option<Box<Text>>,
    bytes: usize,
}

/// Bytes that a notice counts for, so that unread notices cannot accumulate.
const NOTICE: usize = 64;

/// Bytes that are read ahead: what one read of a socket returns, and fits into the processor's cache.
const AHEAD: usize = 16 << 10;

/// Capacity that is kept after a burst, in updates.
const ROOM: usize = 4;

/// The kinds of readers that have asked for events so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// Handles of responses, which receive their events without the inbox.
    Handles,
    /// Readers of the inbox.
    Someone,
}

pub(crate) struct Inbox<P: Protocol> {
    queue: VecDeque<Arrival<P>>,
    bytes: usize,
    limit: usize,
    /// Bytes that are read ahead of a reader.
    ahead: usize,
    /// Whether events are kept with their texts.
    pub(crate) tapped: bool,
    abandoned: bool,
    /// The readers so far.
    reader: Reader,
    /// Number of events that were dropped to make room.
    skipped: u64,
    /// Whether events are kept even if nothing waits for one.
    keeps: bool,
    /// Whether an event that arrives now is kept: because one is awaited, or all are kept.
    pub(super) is_wanted: bool,
    /// The last item that a reader receives.
    last: Option<Error>,
}

impl<P: Protocol> Inbox<P> {
    pub(crate) fn new(limit: usize, unread: Unread) -> Self {
        // If unread events are discarded, nothing is read ahead.
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

    /// Records that the inbox is read: from now on no event is dropped to make room.
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

    /// Records that a handle of a response is read.
    pub(crate) fn ask_by_handle(&mut self) {
        if self.reader == Reader::Nobody {
            self.reader = Reader::Handles;
        }
        self.make_room();
    }

    /// Drops the older half of the events if only handles are read. Notices stay.
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

    /// Sets whether the next event is awaited.
    pub(super) fn set_reader(&mut self, waits: bool) {
        self.is_wanted = self.keeps || waits;
    }

    /// Returns whether events are kept even if nothing waits for one.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Returns whether there is no room. Checked before reading, so that a message that was read always has room.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// Returns whether enough was read ahead for a reader.
    pub(crate) fn is_ahead(&self) -> bool {
        self.bytes >= self.ahead
    }

    /// Frees the memory of a burst, because thousands of connections may be idle at the same time.
    pub(crate) fn trim(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(ROOM);
        }
    }

    /// Discards the queued and all further updates, because nobody will read them.
    pub(crate) fn abandon(&mut self) -> VecDeque<Arrival<P>> {
        self.abandoned = true;
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }

    #[inline]
    pub(crate) fn push_event(&mut self, event: P::ServerEvent, bytes: usize, raw: &[u8]) {
        if self.abandoned {
            return;
        }
        let text = || Box::new(Text::declared(Bytes::copy_from_slice(raw)));
        let raw = self.tapped.then(text);
        // At least the size of the struct that holds the event.
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

    /// Takes the next update. Notices are skipped if only events are read.
    pub(crate) fn pop(&mut self, notices: bool) -> Option<Arrival<P>> {
        loop {
            // Looked at in its place, because an event is large enough for each move to cost time.
            let next = self.queue.front()?;
            let is_wanted = notices || matches!(next.update, Update::Event(_));
            self.bytes -= next.bytes;
            if is_wanted {
                return self.queue.pop_front();
            }
            self.queue.pop_front();
        }
    }

    pub(crate) fn end_with(&mut self, error: Option<Error>) {
        self.last = error;
    }

    /// Takes the error at the end, once.
    pub(crate) fn take_last(&mut self) -> Option<Error> {
        self.last.take()
    }
}
