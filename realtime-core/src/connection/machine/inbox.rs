//! The queue of server events and notices that wait to be read.

use std::{collections::VecDeque, mem};

use bytes::Bytes;

use super::super::{
    notice::{Notice, Update},
    options::Unread,
};
use crate::{error::Error, protocol::Protocol, transport::Text};

/// An update in the queue: a notice, or else the next of the events.
struct Arrival<P: Protocol> {
    notice: Option<Box<Notice<P>>>,
    /// The text of an event, if there is a tap.
    raw: Option<Box<Text>>,
    bytes: usize,
}

/// Bytes that a notice counts for, so that unread notices cannot accumulate.
const NOTICE: usize = 64;

/// Bytes that are read ahead: what one read of a socket returns, and fits into the processor's cache.
const AHEAD: usize = 16 << 10;

/// Number of places that are kept after a burst.
const ROOM: usize = 2;

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
    /// The events of the queue, in order. All are `Some`, as they were decoded: each move of an event costs time.
    events: VecDeque<Option<P::ServerEvent>>,
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
            events: VecDeque::new(),
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
                let skipped = self.notice(Notice::Skipped { events: self.skipped });
                self.queue.push_front(skipped);
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
            let goes = bytes > half && arrival.notice.is_none();
            if goes {
                bytes -= arrival.bytes;
                skipped += 1;
            }
            !goes
        });
        self.events.drain(..skipped);
        self.bytes = bytes;
        self.skipped += skipped as u64;
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
            self.events.shrink_to(ROOM);
        }
    }

    /// Discards the queued and all further updates, because nobody will read them.
    pub(crate) fn abandon(&mut self) -> impl Sized + use<P> {
        self.abandoned = true;
        self.bytes = 0;
        (mem::take(&mut self.queue), mem::take(&mut self.events))
    }

    /// Takes the event, if there is one.
    #[inline]
    pub(crate) fn push_event(&mut self, event: &mut Option<P::ServerEvent>, bytes: usize, raw: &[u8]) {
        if self.abandoned || event.is_none() {
            return;
        }
        let text = || Box::new(Text::declared(Bytes::copy_from_slice(raw)));
        // At least the size of the structs that hold the event.
        let bytes = bytes.max(size_of::<Arrival<P>>() + size_of::<P::ServerEvent>());
        // An empty place is filled, because pushing the event would move it twice.
        self.events.push_back(None);
        if let Some(place) = self.events.back_mut() {
            mem::swap(place, event);
        }
        self.bytes += bytes;
        self.queue.push_back(Arrival { notice: None, raw: self.tapped.then(text), bytes });
    }

    pub(crate) fn push_notice(&mut self, notice: Notice<P>) {
        if !self.abandoned {
            let notice = self.notice(notice);
            self.queue.push_back(notice);
        }
    }

    fn notice(&mut self, notice: Notice<P>) -> Arrival<P> {
        self.bytes += NOTICE;
        Arrival { notice: Some(Box::new(notice)), raw: None, bytes: NOTICE }
    }

    /// Takes the next event, and its text if there is a tap. Notices are skipped.
    #[inline]
    pub(crate) fn pop_event(&mut self, raw: &mut Option<Box<Text>>) -> Option<P::ServerEvent> {
        loop {
            let next = self.queue.pop_front()?;
            self.bytes -= next.bytes;
            if next.notice.is_none() {
                *raw = next.raw;
                return self.events.pop_front().flatten();
            }
        }
    }

    /// Takes the next update, and the text of an event if there is a tap.
    pub(crate) fn pop(&mut self, raw: &mut Option<Box<Text>>) -> Option<Update<P>> {
        let Some(notice) = self.queue.front_mut()?.notice.take() else { return self.pop_event(raw).map(Update::Event) };
        self.bytes -= NOTICE;
        self.queue.pop_front();
        Some(Update::Notice(*notice))
    }

    pub(crate) fn end_with(&mut self, error: Option<Error>) {
        self.last = error;
    }

    /// Takes the error at the end, once.
    pub(crate) fn take_last(&mut self) -> Option<Error> {
        self.last.take()
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;
    use crate::{
        protocol::event::Event,
        realtime::{Realtime, event::ServerEvent},
    };

    #[test]
    fn what_is_left_of_a_full_inbox_stays_in_order() {
        let event = size_of::<Arrival<Realtime>>() + size_of::<ServerEvent>();
        let mut inbox = Inbox::<Realtime>::new(10 * event, Unread::Keep);
        for number in 0..10 {
            let raw = format!(r#"{{"type":"{number}"}}"#);
            inbox.push_event(&mut Some(ServerEvent::decode(raw.as_bytes())), raw.len(), raw.as_bytes());
            inbox.push_notice(Notice::AudioDropped { milliseconds: number });
        }
        inbox.ask_by_handle();
        assert!(inbox.bytes <= 5 * event, "half of the limit");
        inbox.ask();
        let rest: Vec<_> = iter::from_fn(|| inbox.pop(&mut None))
            .map(|update| match update {
                Update::Event(event) => format!("event {}", event.kind()),
                Update::Notice(Notice::AudioDropped { milliseconds }) => format!("notice {milliseconds}"),
                Update::Notice(Notice::Skipped { events }) => format!("{events} skipped"),
                Update::Notice(_) => "another".into(),
            })
            .collect();
        let first = inbox.skipped as usize;
        let notices = |numbers: std::ops::Range<usize>| numbers.map(|number| format!("notice {number}"));
        let both = |number| [format!("event {number}"), format!("notice {number}")];
        let expected: Vec<_> =
            iter::once(format!("{first} skipped")).chain(notices(0..first)).chain((first..10).flat_map(both)).collect();
        assert!((5..10).contains(&first), "{first}");
        assert_eq!(rest, expected);
        assert_eq!((inbox.bytes, inbox.events.len()), (0, 0));
    }
}
