use std::sync::Arc;

use async_trait::async_trait;
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Timer, Transport, TransportError, TransportErrorKind},
};
use realtime_websocket::{Upgrade, config, io, unreachable};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use crate::{timer::TokioTimer, tls};

/// Opens WebSockets on tokio. Every call that opens or waits needs a tokio runtime with I/O and time.
#[derive(Clone, Debug)]
pub struct TokioTransport {
    timer: TokioTimer,
    read_buffer: usize,
}

impl TokioTransport {
    /// With the defaults.
    pub fn new() -> Self {
        Self { timer: TokioTimer::new(), read_buffer: 16 << 10 }
    }

    /// Bytes of the buffer that the socket is read into, one for each connection. 16 KiB by default: enough for audio
    /// at its own pace. A larger one is faster for bursts and costs its size in memory.
    #[must_use]
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.max(1);
        self
    }

    async fn upgrade<S>(&self, mut stream: S, handshake: &Handshake) -> Result<Duplex, TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let upgrade = Upgrade::new(handshake)?;
        stream.write_all(upgrade.request()).await.map_err(io)?;
        stream.flush().await.map_err(io)?;
        let mut received = Vec::with_capacity(1024);
        let accepted = loop {
            if stream.read_buf(&mut received).await.map_err(io)? == 0 {
                let reason = "the server closed the connection during the handshake";
                return Err(TransportError::new(TransportErrorKind::Protocol, reason));
            }
            if let Some(accepted) = upgrade.answer(&received)? {
                break accepted;
            }
        };
        let rest = received.split_off(accepted.length);
        let config = config(handshake.max_message_size, self.read_buffer);
        let socket = WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await;
        Ok(realtime_websocket::duplex(socket, accepted.headers))
    }
}

impl Default for TokioTransport {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for TokioTransport {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let secure = handshake.uri.scheme_str() == Some("wss");
        let host = handshake.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = handshake.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
        // Without it a small message waits 40 ms for the acknowledgement of the one before it.
        stream.set_nodelay(true).map_err(io)?;
        if secure {
            let stream = tls::connect(host, stream).await?;
            self.upgrade(stream, &handshake).await
        } else {
            self.upgrade(stream, &handshake).await
        }
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.timer)
    }
}
