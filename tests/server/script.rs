//! A client's stream that is scripted, without a socket.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

/// What the client sends, piece by piece, and what it is sent. After its last piece it says nothing more.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    ends: bool,
    written: Vec<u8>,
}

impl Script {
    /// A client that sends these pieces, and then waits.
    pub(crate) fn pieces(pieces: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let state = State { pieces: pieces.into_iter().map(Into::into).collect(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Hangs up after the last piece.
    pub(crate) fn ending(self) -> Self {
        self.0.lock().unwrap().ends = true;
        self
    }

    /// What it was sent.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap().written).into_owned()
    }
}

impl AsyncRead for Script {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        match state.pieces.pop_front() {
            Some(mut piece) => {
                let length = piece.len().min(buf.len());
                buf[..length].copy_from_slice(&piece[..length]);
                if length < piece.len() {
                    state.pieces.push_front(piece.split_off(length));
                }
                Poll::Ready(Ok(length))
            }
            None if state.ends => Poll::Ready(Ok(0)),
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().ends = true;
        Poll::Ready(Ok(()))
    }
}
