//! The end of a connection, and of everything that is still pending then.

use std::mem;
use std::sync::Arc;

use super::{
    super::notice::Phase,
    Action, Machine,
    entry::Entry,
    link::{Link, LinkId, Stage},
    outbox::Queue,
};
use crate::{
    error::{Error, ErrorKind, is_passing},
    protocol::{
        Protocol,
        state::{LinkEnd, State, Unlinked},
    },
    transport::{CloseFrame, Instant, TransportError},
};

/// How a link ends, and the connection with it unless it reconnects.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// Gracefully.
    Cleanly,
    /// With an error.
    With(Error),
}

impl Ended {
    pub(super) fn with(kind: ErrorKind) -> Self {
        Self::With(kind.into())
    }

    fn error(&self) -> Option<&Error> {
        match self {
            Self::Cleanly => None,
            Self::With(error) => Some(error),
        }
    }
}

impl<P: Protocol> Machine<P> {
    /// Ends the connection from outside: it was dropped, or code of the application or the transport panicked.
    pub(in super::super) fn abort(&mut self, result: Result<(), Error>, queue: &impl Queue<P>, now: Instant) {
        let end = match result {
            Ok(()) => Ended::Cleanly,
            Err(error) => Ended::With(error),
        };
        self.unlink(&end, true, now);
        self.end_with(end, queue);
    }

    /// Records that the protocol's closing event is sent. Returns whether this is the first call.
    pub(in super::super) fn begin_finish(&mut self, now: Instant) -> bool {
        let first = self.end.is_none() && !mem::replace(&mut self.finishing, true);
        if first {
            self.finish_by = Some(now + self.config.options.finish_timeout);
            self.pending.turn = true;
        }
        first
    }

    /// Closes the connection, and accepts no more events. Returns whether this is the first call.
    pub(in super::super) fn begin_close(&mut self, frame: CloseFrame, queue: &impl Queue<P>, now: Instant) -> bool {
        if self.end.is_some() || self.link.closing().is_some() {
            return false;
        }
        self.link.close(frame, now + self.config.options.close_timeout);
        self.finish_by = None;
        (self.pending.write, self.pending.turn) = (true, true);
        self.enter(Phase::Closing);
        queue.with(|out| out.close());
        true
    }

    /// Takes the events that were never written, in order.
    pub(in super::super) fn take_unsent(&mut self, queue: &impl Queue<P>) -> Vec<P::ClientEvent> {
        let mut entries: Vec<_> = self.held.drain(..).collect();
        queue.with(|out| {
            out.release(entries.iter().map(Entry::len).sum());
            entries.extend(out.drain());
        });
        entries.into_iter().map(Entry::into_event).collect()
    }

    /// Ends the connection. Everything that waits gets its answer; unsent events can still be taken.
    pub(super) fn end_with(&mut self, end: Ended, queue: &impl Queue<P>) {
        if self.end.is_some() {
            return;
        }
        self.enter(Phase::Closed);
        let error = end.error().cloned();
        self.log.ended(error.is_none());
        self.inbox.end_with(error.clone());
        let cause = error.as_ref();
        let unsent = || Err(Error::caused(ErrorKind::Unsent, cause));
        queue.with(|out| {
            out.close();
            out.cells().for_each(|cell| cell.set(unsent()));
        });
        self.held.iter().filter_map(|entry| entry.cell.as_ref()).for_each(|cell| cell.set(unsent()));
        for (_, cell) in mem::take(&mut self.waiting) {
            cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause)));
        }
        self.drop_handover();
        let retiring = self.retiring.take().map(|link| link.id);
        self.actions.extend(retiring.into_iter().chain([self.link.id]).map(Action::Drop));
        // The event being written is kept, because it was not written. Everything else is dropped, deadlines included.
        self.link = self.link.ended();
        (self.retry, self.recycle, self.finish_by) = (None, None, None);
        (self.session_at, self.handover_at) = (None, None);
        self.end = Some(error.map_or(Ok(()), Err));
    }

    /// Returns how the connection ends if its link has nothing more to read.
    pub(super) fn read_ended(&mut self, error: Option<TransportError>) -> Ended {
        let is_ours = self.phase == Phase::Closing || self.over;
        let end = self.judged(error);
        // The graceful end of a link does not confirm the end of a session, if the protocol requires that.
        if P::confirms_end() && !is_ours && (self.finishing || end.error().is_none()) {
            return Ended::With(Error::caused(ErrorKind::Unconfirmed, end.error()));
        }
        end
    }

    fn judged(&mut self, error: Option<TransportError>) -> Ended {
        let opening = self.phase == Phase::Opening;
        if self.phase == Phase::Closing || self.over {
            return Ended::Cleanly;
        }
        let complaint = self.complaint.take();
        let peer_close = self.link.peer_close.take().map(|frame| *frame);
        let is_passing = matches!(&peer_close, Some(frame) if is_passing(frame.code));
        if opening && (complaint.is_some() || (peer_close.is_some() && !is_passing)) {
            return Ended::With(Error::refused(complaint.map(|complaint| *complaint), peer_close));
        }
        // A graceful end is an error if something is still awaited.
        let is_waiting = self.state.is_waiting() || !self.waiting.is_empty() || !self.held.is_empty();
        match peer_close {
            Some(frame) if frame.code == 1000 && !is_waiting => Ended::Cleanly,
            Some(frame) => Ended::With(Error::closed(Some(frame), complaint)),
            None => Ended::With(
                error.or_else(|| self.link.broken.take()).map_or_else(|| ErrorKind::Closed(None).into(), Error::from),
            ),
        }
    }

    /// Informs the state that the link is gone.
    pub(super) fn unlink(&mut self, end: &Ended, last: bool, now: Instant) {
        if !mem::take(&mut self.linked) {
            return;
        }
        let (by, code) = match (self.link.closing(), &self.link.peer_close, end) {
            (Some(frame), ..) => (LinkEnd::Client, Some(frame.code)),
            // 1005 stands for a frame without a code.
            (None, Some(frame), _) => (LinkEnd::Server, Some(frame.code).filter(|code| *code != 1005)),
            (None, None, Ended::Cleanly) => (LinkEnd::Server, Some(1000)),
            (None, None, Ended::With(error)) => match error.close_frame() {
                Some(frame) => (LinkEnd::Server, Some(frame.code)),
                None => (LinkEnd::Network, None),
            },
        };
        Arc::make_mut(&mut self.state).unlinked(Unlinked { by, code, last }, now);
    }
}

impl Link {
    /// Takes the event that was being written when the connection ended.
    fn ended(&mut self) -> Self {
        let current = self.writing().map(|seq| (seq, self.abort_write()));
        let mut link = Self::new(LinkId(u64::MAX));
        link.stage = Stage::Down;
        if let Some((seq, bytes)) = current {
            link.write(seq, bytes);
        }
        link
    }
}
