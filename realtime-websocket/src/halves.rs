//! The two halves of a WebSocket.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use async_trait::async_trait;
use futures::{
    Sink, Stream, StreamExt,
    stream::{self, BoxStream},
};
use realtime_core::transport::{Duplex, Message, ReadHalf, TransportError, WriteHalf};
use tungstenite::{Error, Message as Wire};

use crate::{
    close::ReceivedClose,
    convert::{complaint, error, from_wire, to_wire},
};

/// A tungstenite WebSocket.
trait Socket: Stream<Item = Result<Wire, Error>> + Sink<Wire, Error = Error> + Unpin {}
impl<S: Stream<Item = Result<Wire, Error>> + Sink<Wire, Error = Error> + Unpin> Socket for S {}

/// Splits an open WebSocket of tokio-tungstenite or async-tungstenite into the halves of a connection. `close` comes
/// from the [upgraded](crate::Upgraded) stream, or is the default.
pub fn duplex<S>(socket: S, close: &ReceivedClose) -> Duplex
where
    S: Stream<Item = Result<Wire, Error>> + Sink<Wire, Error = Error> + Send + Unpin + 'static,
{
    let shared = Arc::new(Mutex::new(SharedSocket {
        socket,
        writer: None,
        reader: None,
        other: None,
        answering: false,
        closed: false,
        close: close.clone(),
    }));
    let mut duplex = Duplex::new(Write(shared.clone()), Read(shared));
    duplex.can_ping = true;
    duplex
}

/// Locked while a half is polled, which never blocks.
struct SharedSocket<S> {
    socket: S,
    /// The task that waits to write.
    writer: Option<Waker>,
    /// The task that waits for the reply to a close frame to be sent.
    reader: Option<Waker>,
    /// The task to wake because the other half did what it waits for.
    other: Option<Waker>,
    /// Whether a reply to the peer waits for room.
    answering: bool,
    /// Whether the peer's close frame has arrived.
    closed: bool,
    /// The peer's close frame as it was received.
    close: ReceivedClose,
}

struct Write<S>(Arc<Mutex<SharedSocket<S>>>);
struct Read<S>(Arc<Mutex<SharedSocket<S>>>);

/// Polls one half, then wakes the other half outside the lock if the poll completed what that one waits for: after a
/// successful write, the socket forgets which task waits to write.
fn poll<S, T>(shared: &Mutex<SharedSocket<S>>, half: impl FnOnce(&mut SharedSocket<S>) -> Poll<T>) -> Poll<T> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let result = half(&mut shared);
    let other = shared.other.take();
    drop(shared);
    other.into_iter().for_each(Waker::wake);
    result
}

impl<S: Socket> SharedSocket<S> {
    fn socket(&mut self) -> Pin<&mut S> {
        Pin::new(&mut self.socket)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        let result = self.poll_send(cx, message);
        self.writer = result.is_pending().then(|| cx.waker().clone());
        if result.is_ready() {
            self.other = self.reader.take();
        }
        result
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.socket().poll_ready(cx))?;
            if let Some(message) = message.take() {
                self.socket().start_send(to_wire(message))?;
            }
        }
        self.socket().poll_flush(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, TransportError>>> {
        if self.answering {
            self.answer(cx);
        }
        if self.closed {
            // Nothing follows a close frame. Only the reply to it remains to be sent.
            self.reader = self.answering.then(|| cx.waker().clone());
            return if self.answering { Poll::Pending } else { Poll::Ready(None) };
        }
        loop {
            let message = match ready!(self.socket().poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(failure)) => {
                    self.complain(cx, &failure);
                    return Poll::Ready(Some(Err(error(failure))));
                }
                None => return Poll::Ready(None),
            };
            if matches!(message, Wire::Ping(_) | Wire::Close(_)) {
                self.closed = matches!(message, Wire::Close(_));
                self.answer(cx);
            }
            if let Some(message) = from_wire(message, &self.close) {
                return Poll::Ready(Some(Ok(message)));
            }
        }
    }

    /// Tells the peer which rule it broke, if there is room. The connection ends either way.
    fn complain(&mut self, cx: &mut Context<'_>, failure: &Error) {
        let Some(close) = complaint(failure) else { return };
        if let Poll::Ready(Ok(())) = self.socket().poll_ready(cx)
            && self.socket().start_send(close).is_ok()
        {
            let _ = self.socket().poll_flush(cx);
        }
    }

    /// Sends the replies that the socket has prepared, to pings and to a close frame. Done immediately, because there
    /// may be no further call.
    fn answer(&mut self, cx: &mut Context<'_>) {
        // The socket remembers a single writer, which must not be replaced here.
        let writer = self.writer.clone().unwrap_or_else(|| cx.waker().clone());
        self.answering = self.socket().poll_flush(&mut Context::from_waker(&writer)).is_pending();
        if !self.answering {
            self.other = self.writer.take();
        }
    }
}

#[async_trait]
impl<S: Socket + Send + 'static> WriteHalf for Write<S> {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let mut message = Some(message);
        poll_fn(|cx| poll(&self.0, |shared| shared.poll_write(cx, &mut message))).await.map_err(error)
    }
}

impl<S: Socket> Read<S> {
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, TransportError>>> {
        poll(&self.0, |shared| shared.poll_read(cx))
    }
}

#[async_trait]
impl<S: Socket + Send + 'static> ReadHalf for Read<S> {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        poll_fn(|cx| self.poll_receive(cx)).await.transpose()
    }

    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        let read = *self;
        stream::poll_fn(move |cx| read.poll_receive(cx)).boxed()
    }
}
