use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use realtime::websocket::rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::Message;

/// A service on this machine that opens sessions, and says nothing else. It lives in threads of its own, as long as
/// the process.
pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Spoken to without TLS.
    pub(crate) fn plain() -> Self {
        Self::new(serve)
    }

    pub(crate) fn tls(config: Arc<ServerConfig>) -> Self {
        Self::new(move |stream| serve(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)))
    }

    fn new(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let port = listen(move |stream| {
            count.fetch_add(1, Ordering::Relaxed);
            serve(stream);
        });
        Self { port, connections }
    }

    /// The base URL for a client that knows the server by this name.
    pub(crate) fn url(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}://{name}:{}/v1", self.port)
    }

    /// How often it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Serves every connection to a port of this machine in a thread of its own.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A session, from its opening to its end.
pub(crate) fn serve(stream: impl Read + Write) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    let created = r#"{"type":"session.created","session":{"type":"realtime"}}"#;
    if socket.send(Message::text(created)).is_ok() {
        while socket.read().is_ok() {}
    }
}
