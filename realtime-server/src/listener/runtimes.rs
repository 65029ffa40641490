//! How each runtime listens.

use std::{fmt, io, net::SocketAddr};

use async_trait::async_trait;
use futures::stream::BoxStream;
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
use futures::{StreamExt, stream};
use realtime_websocket::Runtime;

use super::Socket;

/// A runtime that can listen. Implemented for the runtimes whose features are on.
#[async_trait]
pub trait Listen: Runtime {
    /// Opens a port. Must set `TCP_NODELAY` on the sockets, so that small messages are sent at once.
    ///
    /// # Errors
    /// The port is not available.
    async fn listen(address: SocketAddr) -> io::Result<Accepting>;
}

/// An open port.
#[non_exhaustive]
pub struct Accepting {
    /// The sockets that it accepts.
    pub sockets: BoxStream<'static, io::Result<Socket>>,
    /// Its address.
    pub address: Option<SocketAddr>,
}

impl Accepting {
    /// A port whose sockets these are.
    pub fn new(sockets: BoxStream<'static, io::Result<Socket>>, address: Option<SocketAddr>) -> Self {
        Self { sockets, address }
    }
}

impl fmt::Debug for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepting").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Implements [`Listen`] by a listener type with `bind`, `local_addr` and `accept`.
#[cfg(any(feature = "async-std", feature = "smol", feature = "tokio"))]
macro_rules! listen {
    ($runtime:ty, $listener:ty, $wrap:expr) => {
        #[async_trait]
        impl Listen for $runtime {
            async fn listen(address: SocketAddr) -> io::Result<Accepting> {
                let listener = <$listener>::bind(address).await?;
                let address = listener.local_addr().ok();
                let sockets = stream::unfold(listener, |listener| async move {
                    let accepted = listener.accept().await.and_then(|(stream, peer)| {
                        stream.set_nodelay(true)?;
                        Ok(($wrap(stream), Some(peer)))
                    });
                    Some((accepted, listener))
                });
                Ok(Accepting::new(sockets.boxed(), address))
            }
        }
    };
}

#[cfg(feature = "tokio")]
listen!(realtime_tokio::Tokio, tokio::net::TcpListener, realtime_tokio::stream);
#[cfg(feature = "smol")]
listen!(realtime_smol::Smol, async_net::TcpListener, realtime_websocket::ByteStream::new);
#[cfg(feature = "async-std")]
listen!(realtime_async_std::AsyncStd, async_std::net::TcpListener, realtime_websocket::ByteStream::new);
