//! Two tungstenite streams, joined.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use futures_rustls::TlsAcceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{accept_async, connect_async};
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};

use crate::{
    cpu,
    peers::{self, Tls},
};

/// One session. The nanoseconds that it took, without the handshake of TLS.
pub(crate) async fn once(service: SocketAddr, tls: Option<&Tls>) -> f64 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    peers::drain_in_thread(listener.local_addr().expect("an address"), tls.map(|tls| tls.client.clone()));
    let (stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    match tls {
        None => join(service, stream).await,
        Some(tls) => {
            let stream = TlsAcceptor::from(tls.server.clone()).accept(stream.compat()).await.expect("a handshake");
            join(service, stream.compat()).await
        }
    }
}

async fn join(service: SocketAddr, stream: impl AsyncRead + AsyncWrite + Unpin) -> f64 {
    let begin = cpu("thread-self");
    let client = accept_async(stream).await.expect("an upgrade");
    let (upstream, _) = connect_async(format!("ws://{service}/v1/realtime")).await.expect("a service");
    let ((mut up_write, mut up_read), (mut down_write, mut down_read)) = (upstream.split(), client.split());
    let down = async {
        while let Some(Ok(message)) = up_read.next().await {
            // After a close frame a client waits for the end of the stream, which the service leaves to it.
            let last = message.is_close();
            if down_write.send(message).await.is_err() || last {
                break;
            }
        }
    };
    let up = async {
        while let Some(Ok(message)) = down_read.next().await {
            let last = message.is_close();
            if up_write.send(message).await.is_err() || last {
                break;
            }
        }
    };
    futures::future::join(down, up).await;
    (cpu("thread-self") - begin) as f64
}
