//! What is read of a WebSocket.
//!
//! A text in one frame is lent from the buffer that the stream was read into: it is neither copied nor allocated.
//! Everything else, and every mistake, is handed to tungstenite frame by frame, so that there is one opinion on the
//! protocol.

use std::{
    io,
    ops::Range,
    task::{Context, Poll, ready},
};

use realtime_core::transport::{Message, Reader, Received, TransportError};
use tungstenite::{Error, Message as Wire, protocol::WebSocketConfig};

use crate::{
    convert::{complaint, error, from_wire},
    frames::{Frames, Front},
    halves::{Both, Shared},
};

/// Maximum size that the buffer grows to in a burst.
const MOST_IN_A_BURST: usize = 128 << 10;

/// Reads the messages of one WebSocket.
pub(crate) struct SocketReader {
    shared: Shared,
    /// None where the stream is read by tungstenite alone.
    buffer: Option<Buffer>,
    /// Whether a reply to the peer waits for room.
    replying: bool,
    /// Whether the peer's close frame has arrived.
    closed: bool,
}

/// What was read and not used.
struct Buffer {
    bytes: Vec<u8>,
    /// The part that holds something.
    held: Range<usize>,
    /// How many of the held bytes tungstenite is to read next.
    handed: usize,
    /// Length of the frame whose text was lent last, in front of the held bytes. 0 once it can no longer be taken back.
    lent: usize,
    frames: Frames,
    /// Size when there is no burst, and size of the largest text to be lent.
    usual: usize,
    limit: usize,
    /// Whether the last read took all the room.
    is_burst: bool,
    /// Whether a read since the last wait took all the room, or more than the usual size.
    is_large: bool,
    /// Whether the stream has ended.
    is_over: bool,
}

/// One message: where the text is in the buffer, or the message itself.
enum Next {
    Text(Range<usize>),
    Message(Message),
}

type Polled<T> = Poll<Option<Result<T, TransportError>>>;

impl SocketReader {
    /// Lends texts. `rest` are the first bytes of the WebSocket.
    pub(crate) fn lending(shared: Shared, rest: Vec<u8>, config: &WebSocketConfig) -> Self {
        let usual = config.read_buffer_size.max(1);
        let (held, mut bytes) = (0..rest.len(), rest);
        bytes.resize(usual.max(held.end), 0);
        let most = |size: Option<usize>| size.unwrap_or(usize::MAX);
        let limit = most(config.max_frame_size).min(most(config.max_message_size));
        let frames = Frames::default();
        let (is_burst, is_large, is_over) = (false, false, false);
        let buffer = Buffer { bytes, held, handed: 0, lent: 0, frames, usual, limit, is_burst, is_large, is_over };
        Self { shared, buffer: Some(buffer), replying: false, closed: false }
    }

    /// Lends nothing.
    pub(crate) fn plain(shared: Shared) -> Self {
        Self { shared, buffer: None, replying: false, closed: false }
    }

    /// `validates` says whether the text of a frame is lent only if it is UTF-8.
    fn poll_next(&mut self, cx: &mut Context<'_>, validates: bool) -> Polled<Next> {
        if self.replying {
            self.reply(cx);
        }
        if self.closed {
            // Nothing follows a close frame. Only the reply to it remains to be sent.
            return if self.replying { Poll::Pending } else { Poll::Ready(None) };
        }
        loop {
            let wire = match &mut self.buffer {
                None => {
                    self.shared.waiting.reader.register(cx.waker());
                    ready!(self.shared.with(|both| both.socket.poll_next()))
                }
                Some(buffer) => {
                    if let Some(text) = buffer.next_text(validates) {
                        return Poll::Ready(Some(Ok(Next::Text(text))));
                    }
                    if buffer.handed == 0 && !buffer.is_over {
                        match ready!(buffer.poll_fill(&self.shared, cx)) {
                            Ok(()) => continue,
                            Err(failure) => return self.fail(Error::Io(failure), cx),
                        }
                    }
                    match self.shared.with(|both| buffer.hand(both)) {
                        Poll::Ready(wire) => wire,
                        Poll::Pending => continue,
                    }
                }
            };
            let wire = match wire {
                Some(Ok(wire)) => wire,
                Some(Err(failure)) => return self.fail(failure, cx),
                None => return Poll::Ready(None),
            };
            if matches!(wire, Wire::Ping(_) | Wire::Close(_)) {
                self.closed = matches!(wire, Wire::Close(_));
                self.reply(cx);
            }
            let received = match &self.buffer {
                Some(buffer) => buffer.frames.received().cloned(),
                None if self.closed => self.shared.with(|both| both.socket.frames()?.received().cloned()),
                None => None,
            };
            if let Some(message) = from_wire(wire, received) {
                return Poll::Ready(Some(Ok(Next::Message(message))));
            }
        }
    }

    /// Tells the peer which rule it broke, if there is room. The connection ends either way.
    fn fail<T>(&mut self, failure: Error, cx: &Context<'_>) -> Polled<T> {
        if let Some(close) = complaint(&failure) {
            self.shared.waiting.reader.register(cx.waker());
            self.shared.with(|both| {
                if let Poll::Ready(Ok(())) = both.socket.poll_ready()
                    && both.socket.start(close).is_ok()
                {
                    let _ = both.socket.poll_flush();
                }
            });
        }
        (self.closed, self.replying) = (true, false);
        Poll::Ready(Some(Err(error(failure))))
    }

    /// Sends the replies that the socket has prepared, to pings and to a close frame. Done immediately, because there
    /// may be no further call.
    fn reply(&mut self, cx: &Context<'_>) {
        self.shared.waiting.reader.register(cx.waker());
        let closed = self.closed;
        self.replying = !self.shared.with(|both| {
            let is_written = both.reply();
            both.replies = closed && !is_written;
            is_written
        });
    }
}

impl Reader for SocketReader {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        let next = ready!(self.poll_next(cx, true));
        Poll::Ready(self.lend(next))
    }

    fn poll_receive_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received<'_>, TransportError>>> {
        let next = ready!(self.poll_next(cx, false));
        Poll::Ready(self.lend(next))
    }

    fn reject_text(&mut self) -> bool {
        self.buffer.as_mut().is_some_and(Buffer::take_back)
    }
}

impl SocketReader {
    fn lend(&self, next: Option<Result<Next, TransportError>>) -> Option<Result<Received<'_>, TransportError>> {
        let bytes = self.buffer.as_ref().map_or(&[][..], |buffer| &buffer.bytes);
        Some(next?.map(|next| match next {
            Next::Text(text) => Received::Text(bytes.get(text).unwrap_or_default()),
            Next::Message(message) => Received::Message(message),
        }))
    }
}

impl Buffer {
    /// Takes the text that the buffer begins with. Whatever else it begins with is handed to tungstenite.
    fn next_text(&mut self, validates: bool) -> Option<Range<usize>> {
        self.lent = 0;
        if self.handed > 0 {
            return None;
        }
        let held = self.bytes.get(self.held.clone()).unwrap_or_default();
        if self.is_over {
            self.handed = held.len();
            return None;
        }
        if self.frames.is_between() {
            match Front::of(held, self.limit) {
                Front::Text(text) if !validates || is_utf8(&held[text.clone()]) => {
                    let start = self.held.start;
                    self.lent = text.end;
                    self.held.start += text.end;
                    return Some(start + text.start..start + text.end);
                }
                Front::Part(_) => return None,
                Front::Text(_) | Front::Other => {}
            }
        }
        self.handed = self.frames.see_frame(held);
        None
    }

    /// Hands the frame whose text was lent last to tungstenite. Returns whether there is one.
    fn take_back(&mut self) -> bool {
        let lent = std::mem::take(&mut self.lent);
        if lent == 0 {
            return false;
        }
        // It lies directly in front, because nothing was read since.
        self.held.start -= lent;
        let frame = self.bytes.get(self.held.start..self.held.start + lent).unwrap_or_default();
        self.handed = self.frames.see_frame(frame);
        true
    }

    /// Lets tungstenite read what it is handed.
    fn hand(&mut self, both: &mut Both) -> Poll<Option<Result<Wire, Error>>> {
        let (start, end) = (self.held.start, self.held.start + self.handed);
        let (wire, left) = both.socket.hand(&mut self.bytes, start..end, self.is_over);
        (self.held.start, self.handed) = (left.start, left.len());
        wire
    }

    /// Reads more.
    fn poll_fill(&mut self, shared: &Shared, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.make_room();
        shared.waiting.reader.register(cx.waker());
        let room = self.bytes.get_mut(self.held.end..).unwrap_or_default();
        let most = room.len();
        match shared.with(|both| both.socket.poll_fill(room)) {
            Poll::Ready(Ok(length)) => {
                self.held.end += length;
                (self.is_over, self.is_burst) = (length == 0, length == most);
                self.is_large |= self.is_burst || length > self.usual;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(failure)) => Poll::Ready(Err(failure)),
            Poll::Pending => {
                self.is_burst = false;
                self.shrink();
                Poll::Pending
            }
        }
    }

    /// Size in a burst: eight times the usual one, so that small buffers stay small.
    fn in_a_burst(&self) -> usize {
        self.usual.saturating_mul(8).min(MOST_IN_A_BURST).max(self.usual)
    }

    /// Frees what was not needed since the last wait. Not at the end of the burst, because another one usually follows,
    /// and memory that is allocated again has to be zeroed again.
    fn shrink(&mut self) {
        let size = if std::mem::take(&mut self.is_large) { self.in_a_burst() } else { self.usual };
        if self.held.is_empty() && self.bytes.len() > size {
            self.resize(size);
        }
    }

    /// Moves what is held to the front, and grows the buffer if it is full: as data arrives, never by the length that a
    /// header announces.
    fn make_room(&mut self) {
        if self.held.start > 0 {
            self.bytes.copy_within(self.held.clone(), 0);
            self.held = 0..self.held.len();
        }
        let (size, burst) = (self.bytes.len(), self.in_a_burst());
        if self.held.is_empty() && size > burst {
            self.resize(burst);
        } else if self.held.end == size {
            let wanted = match Front::of(&self.bytes, self.limit) {
                Front::Part(wanted) => wanted,
                Front::Text(_) | Front::Other => 0,
            };
            self.resize((2 * size).min(wanted.max(burst)).max(size + 1));
        } else if self.is_burst && size < burst {
            self.resize(burst);
        }
    }

    fn resize(&mut self, size: usize) {
        self.bytes.resize(size, 0);
        self.bytes.shrink_to_fit();
    }
}

/// On a spoken answer, this takes less than half the time of the standard library.
fn is_utf8(text: &[u8]) -> bool {
    simdutf8::basic::from_utf8(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::{
        iter,
        pin::Pin,
        sync::{Arc, Mutex},
    };

    use futures::{AsyncRead, AsyncWrite, task::noop_waker_ref};

    use super::*;
    use crate::{convert::config, halves::client, stream::ByteStream, upgrade::Upgraded};

    /// What has arrived, and how much room the last read was given.
    #[derive(Clone, Default)]
    struct Feed(Arc<Mutex<(Vec<u8>, usize)>>);

    impl AsyncRead for Feed {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            let (bytes, room) = &mut *self.0.lock().unwrap();
            *room = buf.len();
            let length = bytes.len().min(buf.len());
            buf[..length].copy_from_slice(&bytes[..length]);
            bytes.drain(..length);
            if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
        }
    }

    impl AsyncWrite for Feed {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A text of so many bytes in one frame.
    fn frame(length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        [0x81, 126, high, low].into_iter().chain(iter::repeat_n(b'x', length.into())).collect()
    }

    #[test]
    fn a_buffer_grows_in_a_burst_and_shrinks_once_it_has_waited_without_one() {
        const USUAL: usize = 1_000;
        const BURST: usize = 8 * USUAL;
        let feed = Feed::default();
        let upgraded =
            Upgraded { stream: ByteStream::new(feed.clone()), rest: Vec::new(), headers: Default::default() };
        let mut reader = client(upgraded, config(1 << 20, USUAL)).read.into_reader();
        // Reads so many frames of this length, then waits. How much room there was then, with an empty buffer.
        let mut room_after = |frames: usize, length: u16| {
            feed.0.lock().unwrap().0.extend(iter::repeat_n(frame(length), frames).flatten());
            let mut cx = Context::from_waker(noop_waker_ref());
            for _ in 0..frames {
                let Poll::Ready(Some(Ok(text))) = reader.poll_receive(&mut cx) else { panic!("no text") };
                assert_eq!(text.len(), usize::from(length));
            }
            assert!(reader.poll_receive(&mut cx).is_pending());
            feed.0.lock().unwrap().1
        };
        // The room of a wait is what the buffer had before it.
        assert_eq!([room_after(3, 300), room_after(3, 300)], [USUAL; 2], "no burst");
        assert_eq!([room_after(50, 300), room_after(50, 300), room_after(50, 300)], [BURST; 3], "bursts");
        assert_eq!([room_after(1, 300), room_after(0, 0)], [BURST, USUAL], "no burst since");
        assert_eq!([room_after(1, 60_000), room_after(0, 0), room_after(0, 0)], [BURST, BURST, USUAL], "a large text");
    }
}
