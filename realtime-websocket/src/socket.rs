//! tungstenite over a stream that is polled.

use std::{
    io::{ErrorKind, Read, Result as IoResult, Write},
    mem,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use futures::{AsyncRead, AsyncWrite, task::AtomicWaker};
use tungstenite::{
    Error, Message as Wire, WebSocket,
    protocol::{Role, WebSocketConfig},
};

use crate::{frames::Frames, stream::ByteStream};

/// The tasks that wait for one stream. What the stream waits for concerns both, because TLS may have to write in order
/// to read, and the other way round.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) reader: AtomicWaker,
    pub(crate) writer: AtomicWaker,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

/// Where tungstenite reads: from bytes that it is handed, so that it never reads further than one frame, or from the
/// stream itself.
pub(crate) enum Source {
    /// These of the bytes. `is_over` says that nothing follows them.
    Handed { bytes: Vec<u8>, left: Range<usize>, is_over: bool },
    /// The stream, whose frames are parsed on the way.
    Stream(Frames),
}

/// What tungstenite reads and writes.
pub(crate) struct Pipe {
    stream: ByteStream,
    waker: Waker,
    source: Source,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        match &mut self.source {
            Source::Handed { bytes, left, is_over } => {
                let handed = bytes.get(left.clone()).unwrap_or_default();
                if handed.is_empty() && !*is_over {
                    return Err(ErrorKind::WouldBlock.into());
                }
                let length = handed.len().min(buffer.len());
                buffer[..length].copy_from_slice(&handed[..length]);
                left.start += length;
                Ok(length)
            }
            Source::Stream(frames) => {
                let stream = Pin::new(&mut self.stream);
                let length = now(stream.poll_read(&mut Context::from_waker(&self.waker), buffer))?;
                frames.see(buffer.get(..length).unwrap_or_default());
                Ok(length)
            }
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        now(Pin::new(&mut self.stream).poll_write(&mut Context::from_waker(&self.waker), bytes))
    }

    fn flush(&mut self) -> IoResult<()> {
        now(Pin::new(&mut self.stream).poll_flush(&mut Context::from_waker(&self.waker)))
    }
}

fn now<T>(poll: Poll<IoResult<T>>) -> IoResult<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

/// A pending operation is one that would block.
fn later<T>(result: Result<T, Error>) -> Poll<Result<T, Error>> {
    match result {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// An open WebSocket. Whoever calls it has registered with [`Waiting`] before.
pub(crate) struct Socket {
    inner: WebSocket<Pipe>,
    /// Whether a message can be taken: the one before is not blocked.
    is_ready: bool,
}

impl Socket {
    pub(crate) fn new(
        stream: ByteStream,
        waiting: Arc<Waiting>,
        source: Source,
        rest: Vec<u8>,
        role: Role,
        config: WebSocketConfig,
    ) -> Self {
        let pipe = Pipe { stream, waker: waiting.into(), source };
        Self { inner: WebSocket::from_partially_read(pipe, rest, role, Some(config)), is_ready: true }
    }

    /// Reads from the stream, past tungstenite.
    pub(crate) fn poll_fill(&mut self, buffer: &mut [u8]) -> Poll<IoResult<usize>> {
        let Pipe { stream, waker, .. } = self.inner.get_mut();
        Pin::new(stream).poll_read(&mut Context::from_waker(waker), buffer)
    }

    /// Lets tungstenite read these bytes, and nothing further. Returns what it made of them, and how many are left.
    /// `None` is the end.
    pub(crate) fn hand(
        &mut self,
        bytes: &mut Vec<u8>,
        left: Range<usize>,
        is_over: bool,
    ) -> (Poll<Option<Result<Wire, Error>>>, Range<usize>) {
        self.inner.get_mut().source = Source::Handed { bytes: mem::take(bytes), left, is_over };
        let result = self.poll_next();
        let mut rest = 0..0;
        if let Source::Handed { bytes: handed, left, .. } = &mut self.inner.get_mut().source {
            (*bytes, rest) = (mem::take(handed), left.clone());
        }
        (result, rest)
    }

    /// The next message. `None` is the end.
    pub(crate) fn poll_next(&mut self) -> Poll<Option<Result<Wire, Error>>> {
        later(self.inner.read()).map(|result| match result {
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => None,
            result => Some(result),
        })
    }

    /// The frames parsed on the way, if the stream is read directly.
    pub(crate) fn frames(&self) -> Option<&Frames> {
        match &self.inner.get_ref().source {
            Source::Stream(frames) => Some(frames),
            Source::Handed { .. } => None,
        }
    }

    pub(crate) fn poll_ready(&mut self) -> Poll<Result<(), Error>> {
        if self.is_ready {
            return Poll::Ready(Ok(()));
        }
        let flushed = later(self.inner.flush());
        self.is_ready = flushed.is_ready();
        flushed
    }

    /// Takes a message. It may have to be flushed.
    pub(crate) fn start(&mut self, message: Wire) -> Result<(), Error> {
        match later(self.inner.write(message)) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                self.is_ready = false;
                Ok(())
            }
        }
    }

    pub(crate) fn poll_flush(&mut self) -> Poll<Result<(), Error>> {
        later(self.inner.flush()).map(|result| {
            self.is_ready = true;
            match result {
                // It has just been closed, and everything is written.
                Err(Error::ConnectionClosed) => Ok(()),
                result => result,
            }
        })
    }
}
