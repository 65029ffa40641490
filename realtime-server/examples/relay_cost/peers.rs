//! The far ends: a service and clients that know frames alone.

use std::{
    future::pending,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures::{executor::block_on, io::AllowStdIo};
use futures_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use realtime_server::Acceptor;
use realtime_websocket::SystemTimer;

/// A close frame with code 1000.
pub(crate) const CLOSE: [u8; 4] = [0x88, 2, 3, 0xE8];

/// What the service sends: pairs of an audio delta of 100 ms and a transcript's delta.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pairs: usize,
    /// Time between the pairs.
    pause: Duration,
}

impl Mix {
    /// As fast as it goes.
    pub(crate) const BURST: Self = Self { pairs: 2_000, pause: Duration::ZERO };
    /// Each pair reaches the relay by itself.
    pub(crate) const ONE_BY_ONE: Self = Self { pairs: 500, pause: Duration::from_micros(400) };

    pub(crate) fn events(self) -> usize {
        2 * self.pairs
    }
}

/// Both ends of TLS.
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
        let (cert, key) = (made.cert.der().clone(), PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![cert.clone()], PrivateKeyDer::from(key))
            })
            .expect("a configuration");
        let mut roots = RootCertStore::empty();
        roots.add(cert).expect("an authority");
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("a configuration")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { server: server.into(), client: client.into() }
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// The frames of an audio delta of 100 ms, and of a transcript's delta.
pub(crate) fn pair() -> Vec<u8> {
    let ids = r#""event_id":"event_1234567890","response_id":"resp_1234567890","item_id":"item_1234567890""#;
    let audio = format!(r#"{{"type":"response.output_audio.delta",{ids},"delta":"{}"}}"#, "QUJD".repeat(1600));
    let text = format!(r#"{{"type":"response.output_audio_transcript.delta",{ids},"delta":" hello"}}"#);
    [audio, text].map(|text| frame(text.as_bytes())).concat()
}

/// A service that upgrades, sends the mix of events, and closes.
pub(crate) fn service(mix: Mix) -> SocketAddr {
    let pair = pair();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, pair) = (stream.expect("a client"), pair.clone());
            thread::spawn(move || {
                stream.set_nodelay(true).expect("a socket");
                upgrade(&mut stream);
                for _ in 0..mix.pairs {
                    stream.write_all(&pair).expect("the events");
                    if !mix.pause.is_zero() {
                        thread::sleep(mix.pause);
                    }
                }
                stream.write_all(&CLOSE).expect("the close frame");
                // Until the other side has closed.
                while stream.read(&mut [0; 256]).is_ok_and(|length| length > 0) {}
            });
        }
    });
    address
}

/// Answers a request with an upgrade.
pub(crate) fn upgrade(stream: &mut TcpStream) {
    // Nothing is late: reading waits as long as it takes.
    let acceptor = Acceptor::new(Arc::new(SystemTimer::new(|_| Box::pin(pending()))));
    let asked = AllowStdIo::new(stream.try_clone().expect("a socket"));
    let incoming = block_on(acceptor.accept(asked)).expect("a request");
    stream.write_all(&incoming.request().encode_response()).expect("the answer");
}

fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

/// Requests an upgrade, and reads the answer.
pub(crate) fn request(stream: &mut (impl Read + Write)) {
    let request = "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nAuthorization: Bearer gw-demo\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the request");
    let head = head(stream);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
}

/// A client in a thread: upgrades, and reads until the close frame, which it answers.
pub(crate) fn drain_in_thread(address: SocketAddr, tls: Option<Arc<ClientConfig>>) {
    let (started, starts) = mpsc::channel();
    thread::spawn(move || {
        let stream = TcpStream::connect(address).expect("the relay");
        started.send(()).expect("the test waits");
        match tls {
            None => drain(stream),
            Some(config) => {
                let name = ServerName::try_from("localhost").expect("a name");
                drain(StreamOwned::new(ClientConnection::new(config, name).expect("a client"), stream));
            }
        }
    });
    starts.recv().expect("the thread");
}

fn drain(mut stream: impl Read + Write) {
    request(&mut stream);
    let mut piece = vec![0; 64 << 10];
    let mut tail = Vec::new();
    while !tail.ends_with(&CLOSE) {
        let length = stream.read(&mut piece).expect("events");
        assert!(length > 0, "the relay closes with a frame");
        tail.extend_from_slice(&piece[..length]);
        tail.drain(..tail.len().saturating_sub(CLOSE.len()));
    }
    // Masked with zeros.
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]).expect("the answer");
    stream.flush().expect("the answer");
    while stream.read(&mut piece).is_ok_and(|length| length > 0) {}
}
