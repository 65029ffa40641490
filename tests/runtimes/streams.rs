//! Streams that the application brings.

use std::{
    io,
    os::unix::net::UnixListener,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use realtime::{
    Client, Error,
    endpoint::Handshake,
    transport::{Transport, TransportErrorKind},
    websocket::{ByteStream, Runtime, SocketTransport, Tls},
};

use crate::support::{authority::Authority, on_every_runtime, relay::tls_end, server, tell, transport_error};

on_every_runtime! {
    a_unix_socket_of_the_futures_traits
    one_stream_serves_once
    tls_is_spoken_inside
    a_stream_that_is_encrypted_already_is_left_alone
    a_stream_that_cannot_be_had_is_told
}

/// A service at a Unix socket.
struct Unix(PathBuf);

impl Unix {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("realtime-{}-{number}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || smol::block_on(server::serve(smol::Async::new(stream).unwrap())));
            }
        });
        Self(path)
    }
}

impl Drop for Unix {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn talk(transport: impl Transport, url: &str) -> Result<(), Error> {
    let client = Client::builder(transport).base_url(url).build();
    for _ in 0..2 {
        client.realtime().model("m").run(async |_| Ok::<(), Error>(())).await?;
    }
    Ok(())
}

async fn unix(path: PathBuf) -> io::Result<ByteStream> {
    smol::net::unix::UnixStream::connect(path).await.map(ByteStream::new)
}

async fn a_unix_socket_of_the_futures_traits<R: Runtime>() {
    let server = Unix::new();
    let path = server.0.clone();
    talk(SocketTransport::<R>::over(move |_| unix(path.clone())), "http://gateway/v1").await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_of_tokios() {
    use realtime::tokio::{TokioTransport, stream};

    let server = Unix::new();
    let path = server.0.clone();
    let connect = move |_: &Handshake| {
        let path = path.clone();
        async move { tokio::net::UnixStream::connect(path).await.map(stream) }
    };
    talk(TokioTransport::over(connect), "http://gateway/v1").await.unwrap();
}

async fn one_stream_serves_once<R: Runtime>() {
    let server = Unix::new();
    let transport = SocketTransport::<R>::once(unix(server.0.clone()).await.unwrap());
    let error = talk(transport, "http://gateway/v1").await.unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Connect);
    assert!(tell(&error).contains("the one stream of this transport is used up"), "{}", tell(&error));
}

/// An end of TLS for this name, and the authority that has vouched for it.
fn tls(name: &str) -> (u16, Authority) {
    let authority = Authority::new();
    let port = tls_end(authority.server(&[name]), server::Server::plain().port);
    (port, authority)
}

async fn tcp(port: u16) -> io::Result<ByteStream> {
    smol::net::TcpStream::connect(("127.0.0.1", port)).await.map(ByteStream::new)
}

async fn tls_is_spoken_inside<R: Runtime>() {
    let (port, authority) = tls("api.test");
    let transport = SocketTransport::<R>::over(move |_| tcp(port)).tls(Tls::new().ca_pem(authority.pem()));
    talk(transport.clone(), "https://api.test/v1").await.unwrap();
    let error = talk(transport, "https://other.test/v1").await.unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Tls, "{}", tell(&error));
}

async fn a_stream_that_is_encrypted_already_is_left_alone<R: Runtime>() {
    let server = server::Server::plain();
    let port = server.port;
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let connect = move |handshake: &Handshake| {
        assert_eq!(handshake.uri.host(), Some("api.test"));
        count.fetch_add(1, Ordering::Relaxed);
        tcp(port)
    };
    talk(SocketTransport::<R>::over(connect).already_encrypted(), "https://api.test/v1").await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

async fn a_stream_that_cannot_be_had_is_told<R: Runtime>() {
    let refused = |_: &Handshake| std::future::ready(Err(io::Error::other("no tunnel today")));
    let error = talk(SocketTransport::<R>::over(refused), "http://gateway/v1").await.unwrap_err();
    assert_eq!(transport_error(&error).kind(), TransportErrorKind::Connect);
    assert!(tell(&error).contains("no tunnel today"), "{}", tell(&error));
}
