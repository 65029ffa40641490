//! How a connection comes to its end, and what becomes of what it still had to do.

use std::{mem, sync::Arc};

use super::{
    core::{Core, Write},
    driver::Shared,
    hub::bit,
    link::Link,
    notice::Phase,
    outbox::{Entry, Outbox},
};
use crate::{
    error::{Error, ErrorKind, is_passing},
    protocol::Protocol,
    session::{LinkEnd, State, Unlinked},
    transport::{CloseFrame, TransportError},
};

/// What a turn is done with, dropped where no lock is held: a transport's destructor is a stranger's code.
#[derive(Default)]
pub(super) struct Waste(Vec<Link>);

/// How a connection comes to its end: well, or with an error.
pub(super) type End = Result<(), Error>;

impl Waste {
    pub(super) fn add(&mut self, link: Link) {
        self.0.push(link);
    }
}

impl<P: Protocol> Core<P> {
    /// Ends the connection. Everything that waits gets an answer; what was not sent stays to be taken.
    pub(super) fn end(&mut self, end: End, out: &mut Outbox<P>) -> Waste {
        if self.end.is_some() {
            return Waste::default();
        }
        self.enter(Phase::Closed);
        self.inbox.end_with(end.as_ref().err().cloned());
        self.end = Some(end);
        self.deadlines.clear();
        // What was being written stays known, for it was not written.
        self.write = Write { current: self.write.current.take(), ..Write::default() };
        out.close();
        let cause = self.end.as_ref().and_then(|end| end.as_ref().err());
        for cell in self.held.iter().filter_map(|entry| entry.cell.as_ref()).chain(out.cells()) {
            cell.set(Err(Error::caused(ErrorKind::Unsent, cause)));
        }
        for (_, cell) in self.waiting.drain() {
            cell.set(Err(Error::caused(ErrorKind::Ambiguous, cause)));
        }
        let mut waste = Waste::default();
        waste.add(mem::replace(&mut self.link, Link::Down));
        self.drop_spare(&mut waste);
        waste.0.extend(self.retiring.take().map(|retiring| retiring.link));
        waste
    }

    /// How the connection ends once its link has nothing more to read.
    pub(super) fn link_ended(&mut self, error: Option<TransportError>) -> End {
        let is_ours = self.phase == Phase::Closing || self.over;
        let end = self.judged(error);
        // A link that ends well says nothing of a session whose end must be confirmed.
        if P::confirms_end() && !is_ours && (self.finishing || end.is_ok()) {
            return Err(Error::caused(ErrorKind::Unconfirmed, end.as_ref().err()));
        }
        end
    }

    fn judged(&mut self, error: Option<TransportError>) -> End {
        let opening = self.phase == Phase::Opening;
        if self.phase == Phase::Closing || self.over {
            return Ok(());
        }
        let complaint = self.complaint.take();
        let is_passing = matches!(&self.peer_close, Some(frame) if is_passing(frame.code));
        if opening && (complaint.is_some() || (self.peer_close.is_some() && !is_passing)) {
            return Err(Error::refused(complaint.map(|complaint| *complaint), self.peer_close.take()));
        }
        // Nobody is told that all is well who still waits for something.
        let is_waiting = self.state.is_waiting() || !self.waiting.is_empty() || !self.held.is_empty();
        match self.peer_close.take() {
            Some(frame) if frame.code == 1000 && !is_waiting => Ok(()),
            Some(frame) => Err(Error::closed(Some(frame), complaint)),
            None => Err(error
                .or_else(|| self.write.broken.take())
                .map_or_else(|| ErrorKind::Closed(None).into(), Error::from)),
        }
    }
}

impl<P: Protocol> Shared<P> {
    /// Tells the state that the link is gone.
    pub(super) fn unlink(&self, core: &mut Core<P>, end: &End, last: bool) {
        if !mem::take(&mut core.linked) {
            return;
        }
        let (by, code) = match (&core.write.closing, &core.peer_close, end) {
            (Some(frame), ..) => (LinkEnd::Client, Some(frame.code)),
            // 1005 stands for a frame without a code.
            (None, Some(frame), _) => (LinkEnd::Server, Some(frame.code).filter(|code| *code != 1005)),
            (None, None, Ok(())) => (LinkEnd::Server, Some(1000)),
            (None, None, Err(error)) => match error.close_frame() {
                Some(frame) => (LinkEnd::Server, Some(frame.code)),
                None => (LinkEnd::Network, None),
            },
        };
        Arc::make_mut(&mut core.state).unlinked(Unlinked { by, code, last }, self.timer.now());
    }

    /// Ends the connection from outside a turn, and tells everybody.
    pub(super) fn end(&self, result: End) {
        let (waste, notes) = {
            let mut core = self.core();
            self.unlink(&mut core, &result, true);
            let waste = core.end(result, &mut self.out());
            (waste, mem::take(&mut core.notes))
        };
        drop(waste);
        self.tracer.tell(notes);
        self.tasks.clear();
        self.hub.wake_all();
    }

    /// Asks the peer to end the session in the protocol's own way, once.
    pub(super) fn begin_finish(&self, ending: P::ClientEvent) {
        let mut core = self.core();
        if mem::replace(&mut core.finishing, true) {
            return;
        }
        core.deadlines.finish = Some(self.timer.now() + self.options.finish_timeout);
        core.left |= bit::TIMER;
        drop(core);
        // Refused only if the connection has ended, which says all.
        let _ = self.send(ending, None);
        self.hub.wake(bit::QUEUE);
    }

    /// Takes no more events, and closes.
    pub(super) fn begin_close(&self, frame: CloseFrame) {
        let mut core = self.core();
        if core.end.is_some() || core.write.closing.is_some() {
            return;
        }
        core.write.closing = Some(frame);
        core.deadlines.finish = None;
        core.deadlines.close = Some(self.timer.now() + self.options.close_timeout);
        core.left |= bit::QUEUE | bit::TIMER;
        core.enter(Phase::Closing);
        self.out().close();
        drop(core);
        self.hub.wake(bit::QUEUE);
    }

    /// The events that were never attempted.
    pub(super) fn take_unsent(&self) -> Vec<P::ClientEvent> {
        let mut entries: Vec<_> = self.core().held.drain(..).collect();
        entries.extend(self.out().drain());
        entries.into_iter().map(Entry::into_event).collect()
    }
}
