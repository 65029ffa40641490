//! A WebSocket server that can also violate the protocol.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_io::Async;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{AsyncReadExt, AsyncWriteExt, lock::Mutex};
use http::StatusCode;
use realtime_core::{
    endpoint::Handshake,
    transport::{CloseFrame, Duplex, Message, ReadHalf, Text, TransportError, TransportErrorKind, WriteHalf},
};
use tungstenite::handshake::derive_accept_key;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// Of a message's last frame.
pub(super) const FINAL: u8 = 0x80;

/// A WebSocket server on a loopback port. Works in any executor.
#[derive(Debug)]
pub struct RawServer {
    listener: Async<TcpListener>,
    address: SocketAddr,
}

/// A connection whose request has been read.
pub(super) struct Arrival {
    /// The request, up to the empty line.
    pub(super) head: String,
    pub(super) socket: Socket,
}

/// The server's end of a connection. A clone is the same end.
#[derive(Clone)]
pub(super) struct Socket(Arc<Async<TcpStream>>);

/// One frame of the client.
pub(super) struct Frame {
    pub(super) first: u8,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) payload: Vec<u8>,
}

impl RawServer {
    /// Opens a free port.
    ///
    /// # Errors
    /// No port can be opened.
    pub fn new() -> io::Result<Self> {
        let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.get_ref().local_addr()?;
        Ok(Self { listener, address })
    }

    /// A handshake that connects to this server.
    pub fn handshake(&self) -> Handshake {
        self.handshake_to("/v1/realtime?model=conformance")
    }

    pub(super) fn handshake_to(&self, target: &str) -> Handshake {
        let uri = format!("ws://{}{target}", self.address).parse();
        Handshake::new(uri.unwrap_or_else(|error| panic!("{target} is no target: {error}")))
    }

    /// Accepts the next connection. Cancelled attempts are skipped.
    pub async fn accept(&self) -> Duplex {
        loop {
            let arrival = self.arrival().await;
            if arrival.accept("", &[]).await.is_ok() {
                return arrival.socket.into_duplex();
            }
        }
    }

    /// Refuses the next connection attempt.
    pub async fn refuse(&self, status: StatusCode) {
        let mut arrival = self.arrival().await;
        let body = r#"{"error":{"message":"refused"}}"#;
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // In two segments, as many servers write it.
        if arrival.socket.write(head.as_bytes()).await.is_ok() {
            let _ = arrival.socket.write(body.as_bytes()).await;
        }
        arrival.socket.ended().await;
    }

    /// The next connection, and what it asks for.
    pub(super) async fn arrival(&self) -> Arrival {
        loop {
            let socket = self.socket().await;
            let mut arrival = Arrival { head: String::new(), socket };
            if arrival.read_head().await.is_ok() {
                return arrival;
            }
        }
    }

    pub(super) async fn socket(&self) -> Socket {
        loop {
            if let Ok((stream, _)) = self.listener.accept().await {
                let _ = stream.get_ref().set_nodelay(true);
                return Socket(Arc::new(stream));
            }
        }
    }
}

impl Arrival {
    async fn read_head(&mut self) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.socket.read::<1>().await?);
        }
        self.head = String::from_utf8(head).map_err(io::Error::other)?;
        Ok(())
    }

    /// The value of a header of the request.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The server's consent, with these header lines more.
    pub(super) fn consent(&self, more: &str) -> String {
        let accept = derive_accept_key(self.header("sec-websocket-key").unwrap_or_default().as_bytes());
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        )
    }

    /// Sends the consent, and these bytes right behind it.
    pub(super) async fn accept(&self, more: &str, behind: &[u8]) -> io::Result<()> {
        let mut answer = self.consent(more).into_bytes();
        answer.extend(behind);
        self.socket.clone().write(&answer).await
    }
}

impl Socket {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.0).write_all(bytes).await
    }

    pub(super) async fn read<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        (&*self.0).read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    pub(super) async fn frame(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        self.write(&frame(first, payload)).await
    }

    pub(super) async fn read_frame(&mut self) -> io::Result<Frame> {
        let [first, second] = self.read().await?;
        let length = match second & 0x7F {
            126 => u64::from(u16::from_be_bytes(self.read().await?)),
            127 => u64::from_be_bytes(self.read().await?),
            length => u64::from(length),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= 64 << 20);
        let length = length.ok_or_else(|| io::Error::other("a frame of more than 64 MiB"))?;
        let mask = if second & 0x80 == 0 { None } else { Some(self.read::<4>().await?) };
        let mut payload = vec![0; length];
        (&*self.0).read_exact(&mut payload).await?;
        if let Some(mask) = mask {
            unmask(&mut payload, mask);
        }
        Ok(Frame { first, mask, payload })
    }

    /// Waits until the client has ended the connection, passing over what it still sends.
    pub(super) async fn ended(&mut self) {
        while self.read::<1>().await.is_ok() {}
    }

    fn into_duplex(self) -> Duplex {
        let writer = Arc::new(Writer { socket: Mutex::new(self.clone()), closed: AtomicBool::new(false) });
        let mut duplex = Duplex::new(Write(writer.clone()), Read { socket: self, writer });
        duplex.can_ping = true;
        duplex
    }
}

/// Eight bytes at a time, for tests are seldom optimised and send megabytes.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let long = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ long).to_ne_bytes();
    }
    rest.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

/// A frame of the server.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        // Shown to be below by the pattern.
        length @ 0..126 => frame.push(length as u8),
        length @ 126..65_536 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Used by both halves: pings and close frames are answered while reading.
struct Writer {
    socket: Mutex<Socket>,
    /// Whether a close frame was sent.
    closed: AtomicBool,
}

struct Write(Arc<Writer>);

struct Read {
    socket: Socket,
    writer: Arc<Writer>,
}

impl Writer {
    async fn frame(&self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        if opcode == CLOSE && self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.socket.lock().await.frame(FINAL | opcode, payload).await
    }
}

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let sent = match message {
            Message::Text(text) => self.0.frame(TEXT, text.as_bytes()).await,
            Message::Binary(bytes) => self.0.frame(BINARY, &bytes).await,
            Message::Ping(bytes) => self.0.frame(PING, &bytes).await,
            Message::Pong(bytes) => self.0.frame(PONG, &bytes).await,
            Message::Close(None) => self.0.frame(CLOSE, &[]).await,
            Message::Close(Some(frame)) => {
                let code = frame.code.to_be_bytes();
                self.0.frame(CLOSE, &[&code, frame.reason.as_bytes()].concat()).await
            }
        };
        sent.map_err(broken)
    }
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let mut text = true;
        let mut payload = Vec::new();
        loop {
            let frame = match self.socket.read_frame().await {
                Ok(frame) => frame,
                Err(_) if self.writer.closed.load(Ordering::Acquire) => return Ok(None),
                Err(error) => return Err(broken(error)),
            };
            match frame.first & 0x0F {
                PING => {
                    self.writer.frame(PONG, &frame.payload).await.map_err(broken)?;
                    return Ok(Some(Message::Ping(frame.payload.into())));
                }
                PONG => return Ok(Some(Message::Pong(frame.payload.into()))),
                CLOSE => {
                    self.writer.frame(CLOSE, &frame.payload).await.map_err(broken)?;
                    let _ = self.socket.0.get_ref().shutdown(Shutdown::Write);
                    return Ok(Some(Message::Close(close_frame(&frame.payload))));
                }
                opcode => {
                    text = if opcode == CONTINUATION { text } else { opcode == TEXT };
                    payload.extend(frame.payload);
                }
            }
            if frame.first & FINAL != 0 {
                let payload = Bytes::from(payload);
                return Ok(Some(if text { Message::Text(Text::declared(payload)) } else { Message::Binary(payload) }));
            }
        }
    }
}

fn close_frame(payload: &[u8]) -> Option<CloseFrame> {
    let (code, reason) = payload.split_first_chunk()?;
    Some(CloseFrame::new(u16::from_be_bytes(*code), String::from_utf8_lossy(reason)))
}

fn broken(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Io, error)
}
