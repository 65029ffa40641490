//! A stream in memory: one frame, then nothing for once, then the next; or a whole answer at a time.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite, FutureExt, io::Cursor};
use realtime_server::Acceptor;
use realtime_smol::Smol;

use crate::{frames, server::framed};

/// How much comes before there is nothing for once.
#[derive(Clone, Copy)]
pub enum Pace {
    /// One frame for each wake-up.
    OneByOne,
    /// All frames of an answer.
    Together,
}

pub struct Memory {
    parts: Arc<[Vec<u8>]>,
    at: usize,
    /// How much of the present part was given.
    given: usize,
    rested: bool,
    request: Vec<u8>,
    greeting: Vec<u8>,
}

impl Memory {
    /// The answer over and over, once the upgrade has been asked for.
    pub fn server(pace: Pace) -> Self {
        Self { greeting: Vec::new(), ..Self::upgraded(pace) }
    }

    /// The answer over and over, at once.
    pub fn upgraded(pace: Pace) -> Self {
        let frames = frames::answer().into_iter().map(|frame| framed(frame.as_bytes()));
        let parts = match pace {
            Pace::OneByOne => frames.collect(),
            Pace::Together => [frames.flatten().collect()].into(),
        };
        Self { parts, at: 0, given: 0, rested: true, request: Vec::new(), greeting: b"-".to_vec() }
    }
}

impl AsyncRead for Memory {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.greeting.is_empty() {
            // The upgrade is read only after it was asked for.
            let request = Cursor::new(std::mem::take(&mut this.request));
            let incoming = Acceptor::on::<Smol>().accept(request).now_or_never().unwrap().unwrap();
            this.greeting = incoming.request().encode_response();
            this.greeting.extend(framed(frames::created().as_bytes()));
            let length = this.greeting.len();
            buf[..length].copy_from_slice(&this.greeting);
            return Poll::Ready(Ok(length));
        }
        if !this.rested {
            this.rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let rest = &this.parts[this.at][this.given..];
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        this.given += length;
        if length == rest.len() {
            this.at = (this.at + 1) % this.parts.len();
            this.given = 0;
            this.rested = false;
        }
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.greeting.is_empty() {
            self.request.extend_from_slice(buf);
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
