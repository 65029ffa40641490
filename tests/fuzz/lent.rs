//! The client's end of a WebSocket beside tungstenite alone: any bytes, cut anywhere.

use std::{
    collections::VecDeque,
    error::Error as _,
    future::pending,
    io::{self, ErrorKind, Read, Write},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use futures::{AsyncRead, AsyncWrite, FutureExt, executor::block_on, io::Cursor};
use realtime_core::{
    endpoint::Handshake,
    transport::{CloseFrame, Message, Received, Timer, Transport},
};
use realtime_server::Acceptor;
use realtime_websocket::{
    ByteStream, Runtime, SocketTransport, SystemTimer, config,
    tungstenite::{
        Error, Message as Wire, WebSocket,
        error::ProtocolError,
        protocol::{CloseFrame as WireClose, Role, frame::coding::CloseCode},
    },
};

/// What came of a stream: the messages, the error at the end, and the frames that were written.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    messages: Vec<Message>,
    error: Option<String>,
    written: Vec<(u8, Vec<u8>)>,
}

/// The first three bytes choose a limit, the size of the read buffer and the cuts. The rest is what the server sends.
pub(crate) fn lent(data: &[u8]) {
    let [limit, buffer, cuts, bytes @ ..] = data else { return };
    let limit = [16, 130, 70_000, 1 << 20][usize::from(limit % 4)];
    let buffer = [1, 7, 64, 4 << 10][usize::from(buffer % 4)];
    let chunks = cut(bytes, *cuts);
    let raw = ours(chunks.clone(), limit, buffer, true);
    let ours = ours(chunks.clone(), limit, buffer, false);
    assert_eq!(raw, ours, "limit {limit}, buffer {buffer}");
    let mut theirs = theirs(chunks, limit, buffer);
    // tungstenite tells of a code that it does not accept in its own words.
    let replaced = Message::Close(Some(CloseFrame::new(1002, "Protocol violation")));
    if theirs.messages.last() == Some(&replaced)
        && let Some(told @ Message::Close(Some(_))) = ours.messages.last()
    {
        theirs.messages.pop();
        theirs.messages.push(told.clone());
    }
    assert_eq!(ours, theirs, "limit {limit}, buffer {buffer}");
}

/// Pieces of one size, or of sizes that grow and shrink.
fn cut(bytes: &[u8], how: u8) -> VecDeque<Vec<u8>> {
    let mut rest = bytes;
    let mut chunks = VecDeque::new();
    let mut state = u32::from(how) | 1;
    while !rest.is_empty() {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let size = match how % 4 {
            0 => rest.len(),
            1 => 1 + usize::from(how / 4),
            2 => 1 + (state >> 24) as usize,
            _ => 1 + (state >> 16) as usize,
        };
        let (chunk, more) = rest.split_at(size.min(rest.len()));
        chunks.push_back(chunk.to_vec());
        rest = more;
    }
    chunks
}

/// A stream of these pieces, each of which comes for itself.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    written: Vec<u8>,
    /// Whether the upgrade was answered.
    is_open: bool,
    /// Whether a piece has just ended.
    rests: bool,
}

impl Pieces {
    fn read(&self, buffer: &mut [u8]) -> Poll<usize> {
        let mut state = self.0.lock().unwrap();
        if std::mem::take(&mut state.rests) {
            return Poll::Pending;
        }
        let Some(chunk) = state.chunks.front_mut() else { return Poll::Ready(0) };
        let length = chunk.len().min(buffer.len());
        buffer[..length].copy_from_slice(&chunk[..length]);
        chunk.drain(..length);
        if chunk.is_empty() {
            state.chunks.pop_front();
            state.rests = true;
        }
        Poll::Ready(length)
    }

    fn write(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap();
        state.written.extend_from_slice(bytes);
        if !state.is_open && state.written.ends_with(b"\r\n\r\n") {
            let request = Cursor::new(std::mem::take(&mut state.written));
            let incoming = Acceptor::on::<Nowhere>().accept(request).now_or_never().unwrap().unwrap();
            let mut answer = incoming.request().encode_response();
            // The first piece lies behind the answer.
            answer.extend(state.chunks.pop_front().unwrap_or_default());
            state.chunks.push_front(answer);
            state.is_open = true;
        }
    }

    /// The frames that were written, unmasked.
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let written = std::mem::take(&mut self.0.lock().unwrap().written);
        let mut rest = &written[..];
        let mut frames = Vec::new();
        while let [first, second, a, b, c, d, more @ ..] = rest {
            // Replies are short.
            let (payload, more) = more.split_at(usize::from(second & 0x7F));
            let payload =
                payload.iter().zip([a, b, c, d].into_iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            frames.push((*first, payload));
            rest = more;
        }
        assert!(rest.is_empty());
        frames
    }
}

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.read(buffer);
        if read.is_pending() {
            cx.waker().wake_by_ref();
        }
        read.map(Ok)
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match Self::read(self, buffer) {
            Poll::Ready(length) => Ok(length),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A runtime without sockets and without time.
struct Nowhere;

#[async_trait]
impl Runtime for Nowhere {
    const NAME: &'static str = "Nowhere";

    fn timer() -> Arc<dyn Timer> {
        Arc::new(SystemTimer::new(|_: Duration| Box::pin(pending())))
    }

    async fn dial(_: &str, _: u16) -> io::Result<ByteStream> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// `raw` says whether texts are lent that are not validated, and given back if they are not UTF-8.
fn ours(chunks: VecDeque<Vec<u8>>, limit: usize, buffer: usize, raw: bool) -> Outcome {
    let stream = Pieces::default();
    stream.0.lock().unwrap().chunks = chunks;
    let transport = SocketTransport::<Nowhere>::once(ByteStream::new(stream.clone())).read_buffer(buffer);
    let mut handshake = Handshake::new("ws://peer.test/v1/realtime".parse().unwrap());
    handshake.max_message_size = limit;
    let duplex = block_on(transport.connect(handshake)).unwrap();
    let mut reader = duplex.read.into_reader();
    let mut cx = Context::from_waker(Waker::noop());
    let mut outcome = Outcome::default();
    loop {
        match if raw { reader.poll_receive_raw(&mut cx) } else { reader.poll_receive(&mut cx) } {
            Poll::Pending => {}
            Poll::Ready(None) => break,
            Poll::Ready(Some(Ok(Received::Text(text)))) if std::str::from_utf8(text).is_err() => {
                assert!(raw && reader.reject_text());
                assert!(!reader.reject_text(), "it is given back once");
            }
            Poll::Ready(Some(Ok(received))) => outcome.messages.push(received.into_message()),
            Poll::Ready(Some(Err(error))) => {
                outcome.error = Some(error.source().map(ToString::to_string).unwrap_or_default());
                break;
            }
        }
    }
    outcome.written = stream.frames();
    outcome
}

fn theirs(mut chunks: VecDeque<Vec<u8>>, limit: usize, buffer: usize) -> Outcome {
    let stream = Pieces::default();
    let rest = chunks.pop_front().unwrap_or_default();
    *stream.0.lock().unwrap() = State { chunks, is_open: true, ..State::default() };
    let config = config(limit, buffer);
    let mut socket = WebSocket::from_partially_read(stream.clone(), rest, Role::Client, Some(config));
    let mut outcome = Outcome::default();
    loop {
        let message = match socket.read() {
            Ok(message) => message,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => break,
            Err(error) => {
                let code = match &error {
                    Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
                    Error::Protocol(_) => Some(CloseCode::Protocol),
                    Error::Utf8(_) => Some(CloseCode::Invalid),
                    Error::Capacity(_) => Some(CloseCode::Size),
                    _ => None,
                };
                if let Some(code) = code {
                    let _ = socket.send(Wire::Close(Some(WireClose { code, reason: "".into() })));
                }
                outcome.error = Some(error.to_string());
                break;
            }
        };
        let is_close = matches!(message, Wire::Close(_));
        if is_close || message.is_ping() {
            let _ = socket.flush();
        }
        outcome.messages.push(match message {
            Wire::Text(text) => Message::Text(text.as_str().into()),
            Wire::Binary(bytes) => Message::Binary(bytes),
            Wire::Ping(bytes) => Message::Ping(bytes),
            Wire::Pong(bytes) => Message::Pong(bytes),
            Wire::Close(frame) => {
                Message::Close(frame.map(|frame| CloseFrame::new(frame.code.into(), frame.reason.as_str())))
            }
            Wire::Frame(_) => unreachable!("it is only written"),
        });
        if is_close {
            break;
        }
    }
    outcome.written = stream.frames();
    outcome
}
