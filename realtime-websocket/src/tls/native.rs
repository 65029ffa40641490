//! TLS by native-tls, whose blocking interface is adapted to polling.

use std::{
    io::{self, Read, Write},
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use futures::{AsyncRead, AsyncWrite, future::poll_fn};
use native_tls::{Certificate, HandshakeError, Identity, MidHandshakeTlsStream, TlsConnector, TlsStream};
use realtime_core::transport::TransportError;

use super::{Connector, NO_CERTIFICATE, Tls, failed};
use crate::{convert, stream::ByteStream};

pub(super) fn connector(tls: &Tls) -> Result<TlsConnector, TransportError> {
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(tls.alone);
    for pem in &tls.authorities {
        let certificates = Certificate::stack_from_pem(pem).map_err(failed)?;
        if certificates.is_empty() {
            return Err(failed(NO_CERTIFICATE));
        }
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    if let Some(identity) = &tls.identity {
        let key = identity.key.expose().as_bytes();
        builder.identity(Identity::from_pkcs8(&identity.chain, key).map_err(failed)?);
    }
    builder.build().map_err(failed)
}

#[async_trait]
impl Connector for TlsConnector {
    async fn connect(&self, host: &str, stream: ByteStream) -> Result<ByteStream, TransportError> {
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut step = Step::Begin(stream);
        poll_fn(|cx| {
            let attempt = match mem::replace(&mut step, Step::Done) {
                Step::Begin(stream) => {
                    let lent = Lent { stream, waker: cx.waker().clone(), hung_up: hung_up.clone() };
                    Self::connect(self, host, lent)
                }
                Step::Resume(mut handshake) => {
                    handshake.get_mut().waker.clone_from(cx.waker());
                    handshake.handshake()
                }
                Step::Done => return Poll::Pending,
            };
            match attempt {
                Ok(stream) => Poll::Ready(Ok(ByteStream::new(Encrypted(stream)))),
                Err(HandshakeError::WouldBlock(handshake)) => {
                    step = Step::Resume(handshake);
                    Poll::Pending
                }
                // native-tls reports a disconnected peer and an untrusted one alike.
                Err(HandshakeError::Failure(error)) if hung_up.load(Ordering::Relaxed) => {
                    Poll::Ready(Err(convert::io(io::Error::new(io::ErrorKind::UnexpectedEof, error))))
                }
                Err(HandshakeError::Failure(error)) => Poll::Ready(Err(failed(error))),
            }
        })
        .await
    }
}

enum Step {
    Begin(ByteStream),
    Resume(MidHandshakeTlsStream<Lent>),
    Done,
}

/// A stream that returns `WouldBlock` instead of waiting, and wakes the task that polled it last.
#[derive(Debug)]
struct Lent {
    stream: ByteStream,
    waker: Waker,
    /// Whether the peer has ended the stream, or the stream failed.
    hung_up: Arc<AtomicBool>,
}

impl Lent {
    fn ask<T>(
        &mut self,
        operation: impl FnOnce(Pin<&mut ByteStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match operation(Pin::new(&mut self.stream), &mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Read for Lent {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.ask(|stream, cx| stream.poll_read(cx, buf));
        match &read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => self.hung_up.store(true, Ordering::Relaxed),
            Ok(_) => {}
        }
        read
    }
}

impl Write for Lent {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.ask(|stream, cx| stream.poll_write(cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.ask(ByteStream::poll_flush)
    }
}

/// The decrypted stream.
struct Encrypted(TlsStream<Lent>);

impl Encrypted {
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(&mut TlsStream<Lent>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        // Reading may require writing and vice versa. Waking only the most recent task for both is sufficient: the
        // WebSocket above forwards every wake-up to its reader and its writer.
        self.0.get_mut().waker.clone_from(cx.waker());
        match operation(&mut self.0) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            // The peer is still there, so the failure is TLS's own. rustls uses this error kind too.
            Err(error) if !self.0.get_ref().hung_up.load(Ordering::Relaxed) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)))
            }
            result => Poll::Ready(result),
        }
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream| stream.read(buf))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream| stream.write(buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, Write::flush)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, TlsStream::shutdown)
    }
}
