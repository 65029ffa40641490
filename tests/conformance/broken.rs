//! Transports that break the contract, and what the suite says of them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use futures::{
    AsyncRead, AsyncWrite, FutureExt, Sink, StreamExt,
    lock::Mutex,
    stream::{self, BoxStream},
};
use realtime::{
    endpoint::Handshake,
    mock::{MockTransport, conformance},
    smol::{Smol, SmolTransport},
    transport::{Duplex, Message, ReadHalf, Timer, Transport, TransportError, WriteHalf},
    websocket::{ByteStream, Runtime},
};
use smol::net::TcpStream;

use crate::in_memory::InMemory;

/// The in-memory transport, with something done to it.
#[derive(Debug)]
struct Wrapped {
    transport: MockTransport,
    before: fn(&mut Handshake),
    after: fn(Duplex) -> Duplex,
}

#[async_trait]
impl Transport for Wrapped {
    async fn connect(&self, mut handshake: Handshake) -> Result<Duplex, TransportError> {
        (self.before)(&mut handshake);
        self.transport.connect(handshake).await.map(self.after)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.transport.timer()
    }
}

fn broken(before: fn(&mut Handshake), after: fn(Duplex) -> Duplex) -> Vec<&'static str> {
    let wrap = |transport| Wrapped { transport, before, after };
    conformance::check(|| InMemory::with_room_for_one(wrap)).broken()
}

#[test]
fn a_transport_that_is_only_wrapped_holds() {
    assert!(broken(|_| {}, |duplex| duplex).is_empty());
}

/// Receives two messages before it hands one on, the later one first.
struct LastFirst {
    read: Box<dyn ReadHalf>,
    earlier: Option<Message>,
}

#[async_trait]
impl ReadHalf for LastFirst {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let message = match self.earlier.take() {
            Some(message) => return Ok(Some(message)),
            None => self.read.receive().await?,
        };
        match self.read.receive().now_or_never() {
            Some(Ok(Some(later @ Message::Text(_)))) => {
                self.earlier = message;
                Ok(Some(later))
            }
            _ => Ok(message),
        }
    }
}

#[test]
fn another_order_is_found() {
    let after = |mut duplex: Duplex| {
        duplex.read = Box::new(LastFirst { read: duplex.read, earlier: None });
        duplex
    };
    let wrap = |transport| Wrapped { transport, before: |_| {}, after };
    let cases = conformance::check(|| InMemory::new(wrap)).broken();
    assert_eq!(cases, ["order", "peer-closes", "slow-peer", "texts-of-any-size"]);
}

/// Sends as it should, and as a sink gathers no more than the last message.
struct Forgetful(Box<dyn WriteHalf>);

/// A sink, and what it has taken.
struct Latest(Pin<Box<dyn Sink<Message, Error = TransportError> + Send>>, Option<Message>);

#[async_trait]
impl WriteHalf for Forgetful {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        self.0.send(message).await
    }

    fn into_sink(self: Box<Self>) -> Pin<Box<dyn Sink<Message, Error = TransportError> + Send>> {
        Box::pin(Latest(self.0.into_sink(), None))
    }
}

impl Sink<Message> for Latest {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        self.1 = Some(message);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.1.is_some() {
            ready!(self.0.as_mut().poll_ready(cx))?;
            let message = self.1.take();
            message.map_or(Ok(()), |message| self.0.as_mut().start_send(message))?;
        }
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_flush(cx)
    }
}

#[test]
fn a_sink_that_loses_what_it_gathers_is_found() {
    let cases = broken(
        |_| {},
        |mut duplex| {
            duplex.write = Box::new(Forgetful(duplex.write));
            duplex
        },
    );
    assert_eq!(cases, ["gathered-texts"]);
}

/// Both halves take turns with one lock, as if a socket could not do two things at once.
struct Locked<H>(Arc<Mutex<()>>, H);

#[async_trait]
impl WriteHalf for Locked<Box<dyn WriteHalf>> {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let _turn = self.0.lock().await;
        self.1.send(message).await
    }
}

#[async_trait]
impl ReadHalf for Locked<Box<dyn ReadHalf>> {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let _turn = self.0.lock().await;
        self.1.receive().await
    }
}

#[test]
fn a_write_that_stops_reads_is_found() {
    let cases = broken(
        |_| {},
        |mut duplex| {
            let lock = Arc::new(Mutex::new(()));
            duplex.write = Box::new(Locked(lock.clone(), duplex.write));
            duplex.read = Box::new(Locked(lock, duplex.read));
            duplex
        },
    );
    assert_eq!(cases, ["slow-peer"]);
}

/// Takes a close frame for the end itself.
struct WithoutFrame(Box<dyn ReadHalf>);

#[async_trait]
impl ReadHalf for WithoutFrame {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        Ok(self.0.receive().await?.filter(|message| !matches!(message, Message::Close(_))))
    }
}

#[test]
fn a_close_frame_that_is_lost_is_found() {
    let cases = broken(
        |_| {},
        |mut duplex| {
            duplex.read = Box::new(WithoutFrame(duplex.read));
            duplex
        },
    );
    assert_eq!(cases, ["peer-closes"]);
}

#[test]
fn a_limit_that_is_not_held_is_found() {
    let cases = broken(|handshake| handshake.max_message_size = usize::MAX, |duplex| duplex);
    assert_eq!(cases, ["limit"]);
}

#[test]
fn a_report_names_the_case_and_says_why() {
    let unlimited = |handshake: &mut Handshake| handshake.max_message_size = usize::MAX;
    let wrap = |transport| Wrapped { transport, before: unlimited, after: |duplex| duplex };
    let report = conformance::check(|| InMemory::with_room_for_one(wrap)).to_string();
    let line = report.lines().find(|line| line.starts_with("BROKEN")).unwrap();
    assert!(line.contains("limit: ") && line.ends_with("a text of 1001 bytes was received"), "{line}");
    assert!(report.contains("not applicable  masked: the transport opens no WebSockets"), "{report}");
    assert!(report.ends_with("20 hold, 1 broken, 14 not applicable"), "{report}");
}

/// Receives as it should, and as a stream gives nothing at all.
struct Mute(Box<dyn ReadHalf>);

#[async_trait]
impl ReadHalf for Mute {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        self.0.receive().await
    }

    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<Message, TransportError>> {
        stream::pending().boxed()
    }
}

#[test]
fn a_stream_that_says_something_else_is_found() {
    let cases = broken(
        |_| {},
        |mut duplex| {
            duplex.read = Box::new(Mute(duplex.read));
            duplex
        },
    );
    assert!(cases.contains(&"order"), "{cases:?}");
}

/// Loses the second text.
struct Lossy {
    read: Box<dyn ReadHalf>,
    texts: usize,
}

#[async_trait]
impl ReadHalf for Lossy {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        loop {
            let message = self.read.receive().await?;
            self.texts += usize::from(matches!(message, Some(Message::Text(_))));
            if !(self.texts == 2 && matches!(message, Some(Message::Text(_)))) {
                return Ok(message);
            }
        }
    }
}

#[test]
fn a_lost_message_is_told_as_one_also_on_a_virtual_clock() {
    let after = |mut duplex: Duplex| {
        duplex.read = Box::new(Lossy { read: duplex.read, texts: 0 });
        duplex
    };
    let wrap = |transport| Wrapped { transport, before: |_| {}, after };
    let report = conformance::check(|| InMemory::new(wrap));
    let stuck: Vec<_> = report
        .cases()
        .iter()
        .filter_map(|case| match &case.verdict {
            conformance::Verdict::Broken(why) if why.starts_with("nothing more came") => Some(why.clone()),
            conformance::Verdict::Broken(why) => {
                assert!(!why.contains("panicked"), "{why}");
                None
            }
            _ => None,
        })
        .collect();
    assert!(!stuck.is_empty(), "{report}");
    assert!(stuck.iter().all(|why| why.contains("the transport was to receive a text of ")), "{stuck:?}");
}

/// Asks for an upgrade as a runtime's transport does, but for one change.
#[derive(Debug)]
struct Misspelt(&'static str, &'static str);

#[async_trait]
impl Transport for Misspelt {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let socket = TcpStream::connect(handshake.uri.authority().unwrap().as_str()).await.unwrap();
        let stream = ByteStream::new(Changed { socket, change: Some((self.0, self.1)) });
        SmolTransport::once(stream).connect(handshake).await
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Smol::timer()
    }
}

/// A stream whose first write is changed: the request.
struct Changed {
    socket: TcpStream,
    change: Option<(&'static str, &'static str)>,
}

impl AsyncRead for Changed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Changed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some((from, to)) = self.change else { return Pin::new(&mut self.socket).poll_write(cx, buf) };
        let request = std::str::from_utf8(buf).unwrap();
        assert!(request.contains(from) && request.ends_with("\r\n\r\n"), "{request}");
        let changed = request.replacen(from, to, 1);
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, changed.as_bytes()))?;
        assert_eq!(written, changed.len(), "a new socket has room for a request");
        self.change = None;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}

#[test]
fn a_request_that_breaks_the_rules_is_found_and_told_by_the_server() {
    for (from, to, reason) in [
        ("HTTP/1.1\r\n", "HTTP/1.0\r\n", "requires HTTP/1.1"),
        ("Host: ", "X-Host: ", "one Host header"),
        ("Upgrade: websocket", "Upgrade: h2c", "Upgrade: websocket"),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "must be 13"),
        ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: x", "16 bytes in base64"),
        ("\r\n\r\n", "\r\n\r\nearly", "5 bytes came before the request was answered"),
    ] {
        let report = conformance::check(|| conformance::WebSocket::new(move || Misspelt(from, to), smol::block_on));
        let case = report.cases().iter().find(|case| case.name == "request").unwrap();
        let conformance::Verdict::Broken(why) = &case.verdict else { panic!("{to}: {report}") };
        assert!(why.contains(reason), "{to}: {why}");
        assert!(!report.to_string().contains("did not end within"), "{to}: {report}");
    }
}
