//! WebSockets over the `futures` I/O traits, on any runtime, with async-tungstenite.

use async_tungstenite::WebSocketStream;
use realtime_core::transport::Duplex;
use tungstenite::protocol::{Role, WebSocketConfig};

use crate::{close::ReceivedClose, halves::duplex, stream::ByteStream, upgrade::Upgraded};

/// Client end of a WebSocket.
pub async fn client(upgraded: Upgraded, config: WebSocketConfig) -> Duplex {
    let Upgraded { stream, rest, close, .. } = upgraded;
    open(stream, rest, &close, Role::Client, config).await
}

/// Server end of a WebSocket whose upgrade response has been sent. `rest` is what the client sent after its request.
pub async fn serve(mut stream: ByteStream, rest: Vec<u8>, config: WebSocketConfig) -> Duplex {
    let close = stream.follow(&rest);
    open(stream, rest, &close, Role::Server, config).await
}

async fn open(stream: ByteStream, rest: Vec<u8>, close: &ReceivedClose, role: Role, config: WebSocketConfig) -> Duplex {
    duplex(WebSocketStream::from_partially_read(stream, rest, role, Some(config)).await, close)
}
