//! WebSockets on any runtime of the `futures` traits, by async-tungstenite.

use async_tungstenite::WebSocketStream;
use realtime_core::transport::Duplex;
use tungstenite::protocol::{Role, WebSocketConfig};

use crate::{halves::duplex, stream::ByteStream, upgrade::Upgraded};

/// The client's end of a WebSocket.
pub async fn client(upgraded: Upgraded, config: WebSocketConfig) -> Duplex {
    open(upgraded.stream, upgraded.rest, Role::Client, config).await
}

/// The server's end of a WebSocket, once its answer to the upgrade has been sent. `rest` is what the client sent behind
/// its request.
pub async fn serve(stream: ByteStream, rest: Vec<u8>, config: WebSocketConfig) -> Duplex {
    open(stream, rest, Role::Server, config).await
}

async fn open(stream: ByteStream, rest: Vec<u8>, role: Role, config: WebSocketConfig) -> Duplex {
    duplex(WebSocketStream::from_partially_read(stream, rest, role, Some(config)).await)
}
