use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use futures::{AsyncRead, AsyncWrite};
use futures_rustls::TlsAcceptor;
use realtime::{Realtime, server::Acceptor, smol::Smol, websocket::rustls::ServerConfig};
use smol::Async;

/// A service on this machine that opens sessions, and says nothing else. It lives in threads of its own, as long as
/// the process.
pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Spoken to without TLS.
    pub(crate) fn plain() -> Self {
        Self::new(None)
    }

    pub(crate) fn tls(config: Arc<ServerConfig>) -> Self {
        Self::new(Some(TlsAcceptor::from(config)))
    }

    fn new(tls: Option<TlsAcceptor>) -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let port = listen(move |stream| {
            count.fetch_add(1, Ordering::Relaxed);
            let stream = Async::new(stream).unwrap();
            smol::block_on(async {
                match &tls {
                    None => serve(stream).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream).await;
                        }
                    }
                }
            });
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
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Send + 'static) {
    let Ok(incoming) = Acceptor::on::<Smol>().accept(stream).await else { return };
    let Ok(accepted) = incoming.accept().await else { return };
    let mut connection = accepted.open::<Realtime>();
    let created = r#"{"type":"session.created","session":{"type":"realtime"}}"#;
    if connection.sender().send_text(created).is_ok() {
        while let Some(Ok(_)) = connection.next().await {}
    }
}
