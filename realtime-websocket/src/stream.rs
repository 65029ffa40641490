use std::{
    fmt,
    io::{IoSlice, Result as IoResult},
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use realtime_core::transport::TransportError;

use crate::convert::io;

trait Io: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Io for S {}

/// A connected byte stream of any kind: TCP, TLS, a tunnel, a Unix socket.
pub struct ByteStream {
    io: Pin<Box<dyn Io>>,
}

impl ByteStream {
    /// Wraps a stream that implements the `futures` I/O traits.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self { io: Box::pin(stream) }
    }

    /// Writes all of `bytes` and flushes them.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.write_all(bytes).await.map_err(io)?;
        self.flush().await.map_err(io)
    }

    /// Reads exactly `N` bytes.
    pub(crate) async fn hear<const N: usize>(&mut self) -> Result<[u8; N], TransportError> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).await.map_err(io)?;
        Ok(bytes)
    }

    /// Appends the available bytes to `received`. Returns whether there were any.
    pub(crate) async fn read_more(&mut self, received: &mut Vec<u8>) -> IoResult<bool> {
        let mut bytes = [0; 2048];
        let length = self.read(&mut bytes).await?;
        received.extend_from_slice(&bytes[..length]);
        Ok(length > 0)
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<IoResult<usize>> {
        self.io.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<IoResult<usize>> {
        self.io.as_mut().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<IoResult<usize>> {
        self.io.as_mut().poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        self.io.as_mut().poll_close(cx)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}
