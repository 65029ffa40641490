//! The two halves of a WebSocket.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use futures::Sink;
use realtime_core::transport::{Duplex, Message, ReadHalf, Reader, TransportError, WriteHalf};
use tungstenite::{
    Error,
    protocol::{Role, WebSocketConfig},
};

use crate::{
    convert::{error, to_wire},
    frames::Frames,
    reader::SocketReader,
    socket::{Socket, Source, Waiting},
    stream::ByteStream,
    upgrade::Upgraded,
};

/// Size of tungstenite's read buffer where texts are lent: for what passes it by, a frame at a time.
const ASIDE: usize = 256;

/// The client's end of a WebSocket. Its reader lends the texts that arrive in one frame.
pub fn client(upgraded: Upgraded, config: WebSocketConfig) -> Duplex {
    let Upgraded { stream, rest, .. } = upgraded;
    let source = Source::Handed { bytes: Vec::new(), left: 0..0, is_over: false };
    let aside = config.read_buffer_size(ASIDE);
    let shared = Shared::new(stream, source, Vec::new(), Role::Client, aside);
    let reader = SocketReader::lending(shared.clone(), rest, &config);
    duplex(shared, reader)
}

/// The server's end of a WebSocket whose upgrade response has been sent. `rest` is what the client sent after its
/// request.
pub fn serve(stream: ByteStream, rest: Vec<u8>, config: WebSocketConfig) -> Duplex {
    let mut frames = Frames::default();
    frames.see(&rest);
    let shared = Shared::new(stream, Source::Stream(frames), rest, Role::Server, config);
    duplex(shared.clone(), SocketReader::plain(shared))
}

fn duplex(shared: Shared, reader: SocketReader) -> Duplex {
    let mut duplex = Duplex::new(Write(shared), Read(reader));
    duplex.can_ping = true;
    duplex
}

/// What both halves use.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Locked while a half is polled, which never blocks.
    socket: Arc<Mutex<Both>>,
    pub(crate) waiting: Arc<Waiting>,
}

/// The socket, and who waits for what the other half does.
pub(crate) struct Both {
    pub(crate) socket: Socket,
    /// Whether the writer waits.
    writes: bool,
    /// Whether the reader waits until its reply is written.
    pub(crate) replies: bool,
    /// Halves to wake once the lock is given back, because the other half did what they wait for.
    wakes: Wakes,
}

#[derive(Clone, Copy, Default)]
struct Wakes {
    reader: bool,
    writer: bool,
}

impl Shared {
    fn new(stream: ByteStream, source: Source, rest: Vec<u8>, role: Role, config: WebSocketConfig) -> Self {
        let waiting = Arc::new(Waiting::default());
        let socket = Socket::new(stream, waiting.clone(), source, rest, role, config);
        let both = Both { socket, writes: false, replies: false, wakes: Wakes::default() };
        Self { socket: Arc::new(Mutex::new(both)), waiting }
    }

    /// Uses the socket, then wakes the other half if it need not wait any longer: its own wake-up may have been used up.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Both) -> T) -> T {
        let mut both = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut both);
        let wakes = std::mem::take(&mut both.wakes);
        drop(both);
        if wakes.reader {
            self.waiting.reader.wake();
        }
        if wakes.writer {
            self.waiting.writer.wake();
        }
        result
    }
}

impl Both {
    fn poll_write(&mut self, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        let result = self.poll_send(message);
        self.writes = result.is_pending();
        if result.is_ready() && std::mem::take(&mut self.replies) {
            self.wakes.reader = true;
        }
        result
    }

    fn poll_send(&mut self, message: &mut Option<Message>) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.socket.poll_ready())?;
            if let Some(message) = message.take() {
                self.socket.start(to_wire(message))?;
            }
        }
        self.socket.poll_flush()
    }

    /// Ready once another message can be taken.
    fn poll_room(&mut self) -> Poll<Result<(), Error>> {
        let result = self.socket.poll_ready();
        self.writes = result.is_pending();
        result
    }

    /// Writes what the socket has prepared as replies. Returns whether there was room.
    pub(crate) fn reply(&mut self) -> bool {
        let is_written = self.socket.poll_flush().is_ready();
        if is_written && std::mem::take(&mut self.writes) {
            self.wakes.writer = true;
        }
        is_written
    }
}

struct Write(Shared);

/// The sending half as a sink: messages are gathered until it is flushed.
struct Outgoing {
    shared: Shared,
    /// Whether something was taken and not flushed.
    is_dirty: bool,
}

struct Read(SocketReader);

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let mut message = Some(message);
        poll_fn(|cx| {
            self.0.waiting.writer.register(cx.waker());
            let result = self.0.with(|both| both.poll_write(&mut message));
            if result.is_ready() {
                drop(self.0.waiting.writer.take());
            }
            result
        })
        .await
        .map_err(error)
    }

    fn into_sink(self: Box<Self>) -> Pin<Box<dyn Sink<Message, Error = TransportError> + Send>> {
        Box::pin(Outgoing { shared: self.0, is_dirty: false })
    }
}

impl Outgoing {
    fn poll(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Both) -> Poll<Result<(), Error>>,
    ) -> Poll<Result<(), TransportError>> {
        self.shared.waiting.writer.register(cx.waker());
        let result = self.shared.with(poll);
        if result.is_ready() {
            drop(self.shared.waiting.writer.take());
        }
        result.map_err(error)
    }
}

impl Sink<Message> for Outgoing {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if !self.is_dirty {
            return Poll::Ready(Ok(()));
        }
        self.poll(cx, Both::poll_room)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        self.is_dirty = true;
        self.shared.with(|both| both.socket.start(to_wire(message))).map_err(error)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if !self.is_dirty {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(self.poll(cx, |both| both.poll_write(&mut None)));
        self.is_dirty = false;
        Poll::Ready(flushed)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        // The close handshake is a message like any other.
        self.poll_flush(cx)
    }
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        poll_fn(|cx| self.0.poll_receive(cx).map_ok(|received| received.into_message())).await.transpose()
    }

    fn into_reader(self: Box<Self>) -> Box<dyn Reader> {
        Box::new(self.0)
    }
}
