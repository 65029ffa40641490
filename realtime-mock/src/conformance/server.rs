//! A WebSocket server that can also violate the protocol.
//!
//! Requests are read and accepted by `realtime-server`. Only what breaks the rules is written by hand.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_io::Async;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use http::StatusCode;
use realtime_core::{connection::LinkOptions, endpoint::Handshake, transport::Duplex};
use realtime_server::{Acceptor, Refusal, UpgradeRequest};
use serde_json::Value;

use crate::SystemClock;

use super::side::{Outcome, ensure};

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;
/// Of a message's last frame.
pub(super) const FINAL: u8 = 0x80;

/// The largest message and the largest frame that are taken, in bytes.
const MAX_MESSAGE: usize = 64 << 20;

/// A WebSocket server on a loopback port. Works in any executor.
///
/// Requests that RFC 6455 does not allow are refused, and the response says why.
#[derive(Debug)]
pub struct RawServer {
    listener: Async<TcpListener>,
    address: SocketAddr,
    acceptor: Acceptor,
}

/// A connection whose request has been read.
pub(super) struct Arrival {
    pub(super) request: UpgradeRequest,
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
        let acceptor = Acceptor::new(Arc::new(SystemClock::new()));
        Ok(Self { listener, address, acceptor: acceptor.options(LinkOptions::default().max_inbound(MAX_MESSAGE)) })
    }

    /// A handshake that connects to this server.
    pub fn handshake(&self) -> Handshake {
        self.handshake_to("/v1/realtime?model=conformance")
    }

    pub(super) fn handshake_to(&self, target: &str) -> Handshake {
        let uri = format!("ws://{}{target}", self.address).parse();
        Handshake::new(uri.unwrap_or_else(|error| panic!("{target} is no target: {error}")))
    }

    /// Accepts the next connection. Cancelled attempts and refused requests are skipped.
    pub async fn accept(&self) -> Duplex {
        loop {
            let Ok(incoming) = self.acceptor.accept(self.socket().await).await else { continue };
            if let Ok(accepted) = incoming.accept().await {
                // No listener has accepted it, so there is no place in one to keep.
                return accepted.into_duplex().0;
            }
        }
    }

    /// Refuses the next connection attempt.
    pub async fn refuse(&self, status: StatusCode) {
        // A request that breaks the rules was refused already.
        let Ok(mut arrival) = self.arrival().await else { return };
        let body = r#"{"error":{"message":"refused"}}"#;
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // In two segments, as many servers write it.
        if arrival.socket.write(head.as_bytes()).await.is_ok() {
            let _ = arrival.socket.write(body.as_bytes()).await;
        }
        arrival.socket.ended().await;
    }

    /// The next connection, and what it asks for. Cancelled attempts are skipped.
    pub(super) async fn arrival(&self) -> Outcome<Arrival> {
        loop {
            let socket = self.socket().await;
            match self.acceptor.accept(socket.clone()).await {
                Ok(incoming) => {
                    let (request, _, rest, _) = incoming.into_parts();
                    ensure!(rest.is_empty(), "{} bytes came before the request was answered", rest.len());
                    return Ok(Arrival { request, socket });
                }
                Err(error) => {
                    if let Some(refusal) = error.refusal() {
                        return Err(format!("the server refused the request: {}", reason(refusal)));
                    }
                }
            }
        }
    }

    async fn socket(&self) -> Socket {
        loop {
            if let Ok((stream, _)) = self.listener.accept().await {
                let _ = stream.get_ref().set_nodelay(true);
                return Socket(Arc::new(stream));
            }
        }
    }
}

/// What the response says is wrong.
fn reason(refusal: &Refusal) -> String {
    let body: Value = serde_json::from_slice(refusal.body()).unwrap_or_default();
    body["error"]["message"].as_str().map_or_else(|| refusal.status().to_string(), String::from)
}

impl Arrival {
    /// The server's consent, to be changed.
    pub(super) fn consent(&self) -> String {
        String::from_utf8_lossy(&self.request.encode_response()).into_owned()
    }

    /// Sends the consent, and these bytes right behind it.
    pub(super) async fn accept(&mut self, behind: &[u8]) -> io::Result<()> {
        self.socket.write(&[&*self.request.encode_response(), behind].concat()).await
    }
}

impl Socket {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await
    }

    pub(super) async fn read<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes).await?;
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
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_MESSAGE);
        let length = length.ok_or_else(|| io::Error::other("a frame of more than 64 MiB"))?;
        let mask = if second & 0x80 == 0 { None } else { Some(self.read::<4>().await?) };
        let mut payload = vec![0; length];
        self.read_exact(&mut payload).await?;
        if let Some(mask) = mask {
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        Ok(Frame { first, mask, payload })
    }

    /// Waits until the client has ended the connection, passing over what it still sends.
    pub(super) async fn ended(&mut self) {
        while self.read::<1>().await.is_ok() {}
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_close(cx)
    }
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
