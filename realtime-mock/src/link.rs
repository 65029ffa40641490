//! An in-memory link: the equivalent of an open WebSocket, without a socket.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use realtime_core::transport::{CloseFrame, Duplex, Message, ReadHalf, TransportError, TransportErrorKind, WriteHalf};

/// Creates the two ends of a link. Each direction holds `capacity` messages, at least one; a writer waits for room.
///
/// Each end answers pings and close frames when it reads, as the library of a WebSocket transport does. If an end is
/// dropped without a close frame, the other one gets an error.
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let (near, far) = ends(capacity);
    (near.into_duplex(usize::MAX), far.into_duplex(usize::MAX))
}

pub(crate) fn ends(capacity: usize) -> (End, End) {
    let (out, back) = (Pipe::new(capacity), Pipe::new(capacity));
    (End { incoming: back.clone(), outgoing: out.clone() }, End { incoming: out, outgoing: back })
}

/// One side of a link.
pub(crate) struct End {
    pub(crate) incoming: Arc<Pipe>,
    pub(crate) outgoing: Arc<Pipe>,
}

impl End {
    /// Two halves, of which one receives messages up to `limit` bytes.
    pub(crate) fn into_duplex(self, limit: usize) -> Duplex {
        // The halves share the end, so that the link breaks when the last of them is dropped.
        let end = Arc::new(self);
        let mut duplex = Duplex::new(Write(end.clone()), Read { end, limit });
        duplex.can_ping = true;
        duplex
    }

    /// The next message, after sending the reply that it requires.
    pub(crate) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, TransportError>> {
        let message = std::task::ready!(self.incoming.poll_pop(cx))?;
        match &message {
            Some(Message::Ping(payload)) => self.outgoing.push(Message::Pong(payload.clone())),
            Some(Message::Close(frame)) => self.close(frame.clone()),
            _ => {}
        }
        Poll::Ready(Ok(message))
    }

    /// Sends the closing frame, if none went out yet.
    pub(crate) fn close(&self, frame: Option<CloseFrame>) {
        self.outgoing.push(Message::Close(frame));
        self.outgoing.end(Ended::Closed);
    }

    /// Breaks the link, as a cut cable does once it is noticed.
    pub(crate) fn cut(&self) {
        self.outgoing.end(Ended::Broken);
        self.incoming.end(Ended::Broken);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.cut();
    }
}

struct Write(Arc<End>);

struct Read {
    end: Arc<End>,
    limit: usize,
}

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        poll_fn(|cx| self.0.outgoing.poll_room(cx)).await?;
        match message {
            Message::Close(frame) => self.0.close(frame),
            message => self.0.outgoing.push(message),
        }
        Ok(())
    }
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let message = poll_fn(|cx| self.end.poll_receive(cx)).await?;
        match message.as_ref().map_or(0, Message::len) {
            size if size <= self.limit => Ok(message),
            size => {
                let reason = format!("the message has {size} bytes, over the limit of {}", self.limit);
                Err(TransportError::new(TransportErrorKind::TooLarge, reason))
            }
        }
    }
}

/// One direction of a link.
pub(crate) struct Pipe(Mutex<State>);

struct State {
    queue: VecDeque<Message>,
    capacity: usize,
    ended: Option<Ended>,
    /// Whether the writer is kept waiting, whatever room there is.
    write_stalled: bool,
    /// Whether the reader is kept waiting, whatever there is to read.
    read_stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// After a closing frame.
    Closed,
    /// Without one.
    Broken,
}

impl Pipe {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            queue: VecDeque::new(),
            capacity: capacity.max(1),
            ended: None,
            write_stalled: false,
            read_stalled: false,
            reader: None,
            writer: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message whether or not there is room. After the end it is lost.
    pub(crate) fn push(&self, message: Message) {
        self.change(|state| {
            if state.ended.is_none() {
                state.queue.push_back(message);
            }
        });
    }

    pub(crate) fn end(&self, ended: Ended) {
        self.change(|state| {
            state.ended.get_or_insert(ended);
        });
    }

    pub(crate) fn stall_writer(&self, stalled: bool) {
        self.change(|state| state.write_stalled = stalled);
    }

    pub(crate) fn stall_reader(&self, stalled: bool) {
        self.change(|state| state.read_stalled = stalled);
    }

    /// Messages that wait to be read.
    pub(crate) fn len(&self) -> usize {
        self.state().queue.len()
    }

    /// Changes the state, then wakes both sides outside the lock: each looks for itself.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let (reader, writer) = {
            let mut state = self.state();
            change(&mut state);
            (state.reader.take(), state.writer.take())
        };
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut state = self.state();
        if state.ended.is_some() {
            return Poll::Ready(Err(broken()));
        }
        if !state.write_stalled && state.queue.len() < state.capacity {
            return Poll::Ready(Ok(()));
        }
        let replaced = state.writer.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, TransportError>> {
        let mut state = self.state();
        if !state.read_stalled {
            if let Some(message) = state.queue.pop_front() {
                let writer = state.writer.take();
                drop(state);
                writer.into_iter().for_each(Waker::wake);
                return Poll::Ready(Ok(Some(message)));
            }
            if let Some(ended) = state.ended {
                return Poll::Ready(if ended == Ended::Closed { Ok(None) } else { Err(broken()) });
            }
        }
        let replaced = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

fn broken() -> TransportError {
    TransportError::new(TransportErrorKind::Io, "the in-memory link is gone")
}
