use std::{
    fmt,
    io::Result as IoResult,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::ByteStream;

/// Bytes that are read at once.
const BUFFER: usize = 8 << 10;

/// A [`ByteStream`] as hyper takes it, for a client or a server.
pub struct HttpStream {
    stream: ByteStream,
    /// What was read before.
    first: Bytes,
    buffer: Box<[u8; BUFFER]>,
}

impl HttpStream {
    /// A stream of which these bytes were read before.
    pub fn new(stream: ByteStream, first: impl Into<Bytes>) -> Self {
        Self { stream, first: first.into(), buffer: Box::new([0; BUFFER]) }
    }
}

impl Read for HttpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<IoResult<()>> {
        let Self { stream, first, buffer } = &mut *self;
        if first.has_remaining() {
            into.put_slice(&first.split_to(first.len().min(into.remaining())));
            return Poll::Ready(Ok(()));
        }
        let room = into.remaining().min(BUFFER);
        let length = ready!(Pin::new(stream).poll_read(cx, &mut buffer[..room]))?;
        into.put_slice(&buffer[..length.min(room)]);
        Poll::Ready(Ok(()))
    }
}

impl Write for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<IoResult<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

impl fmt::Debug for HttpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStream").finish_non_exhaustive()
    }
}
