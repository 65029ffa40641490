//! The other end: a process of its own, so that what it costs is not counted. It does as little as it can: what it sends
//! was framed beforehand.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use realtime_websocket::Tls;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::rustls;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::frames;

const ROLE: &str = "REALTIME_BENCH_SERVER";

/// What asks for a blast, or for an answer. Peers' clients can say it too.
pub const GO: &str = r#"{"type":"response.create"}"#;

/// What is answered by nothing.
pub const COMMIT: &str = r#"{"type":"input_audio_buffer.commit"}"#;

/// The answer of a server that answers.
pub const ANSWER: &str = r#"{"type":"output_audio_buffer.started","event_id":"event_Dg1PS2DVOJ11kLrb89Awe","response_id":"resp_DgFZUvfFm6NT4jfguF4CQ"}"#;

/// A server, until it is dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    /// In hexadecimal, if it speaks TLS.
    certificate: Vec<u8>,
}

impl Server {
    /// Opens a session at once, and at every [`GO`] sends the mix so many times.
    pub fn blasting(mixes: usize, tls: bool) -> Self {
        Self::start(&format!("{mixes} {tls}"))
    }

    /// Opens a session at once, and answers every [`GO`].
    pub fn answering(tls: bool) -> Self {
        Self::start(&format!("0 {tls}"))
    }

    fn start(role: &str) -> Self {
        let mut child =
            Command::new(env::current_exe().unwrap()).env(ROLE, role).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, certificate) = line.trim().split_once(' ').unwrap();
        let certificate: Vec<u8> =
            (0..certificate.len() / 2).map(|at| u8::from_str_radix(&certificate[2 * at..2 * at + 2], 16).unwrap()).collect();
        Self { child, port: port.parse().unwrap(), certificate }
    }

    pub fn base(&self) -> String {
        let scheme = if self.certificate.is_empty() { "http" } else { "https" };
        format!("{scheme}://localhost:{}/v1", self.port)
    }

    pub fn url(&self) -> String {
        format!("{}/realtime?model=m", self.base().replacen("http", "ws", 1))
    }

    /// How its certificate is trusted.
    pub fn client_config(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.certificate.clone())).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }

    pub fn tls(&self) -> Tls {
        Tls::rustls(self.client_config())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server if this process was started as one, and then never returns.
pub fn serve_if_asked() {
    let Ok(role) = env::var(ROLE) else { return };
    let (mixes, tls) = role.split_once(' ').unwrap();
    let mixes: usize = mixes.parse().unwrap();
    let blast: Arc<[u8]> = if mixes == 0 {
        framed(ANSWER.as_bytes()).into()
    } else {
        frames::answer().iter().flat_map(|frame| framed(frame.as_bytes())).collect::<Vec<_>>().repeat(mixes).into()
    };
    let identity = (tls == "true").then(identity);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let certificate = identity.iter().flat_map(|(_, certificate)| certificate).map(|byte| format!("{byte:02x}"));
    println!("{} {}", listener.local_addr().unwrap().port(), certificate.collect::<String>());
    for socket in listener.incoming() {
        let (socket, blast) = (socket.unwrap(), blast.clone());
        let config = identity.as_ref().map(|(config, _)| config.clone());
        // Thousands of them wait at once.
        let thread = thread::Builder::new().stack_size(256 << 10);
        thread.spawn(move || {
            socket.set_nodelay(true).unwrap();
            match config {
                Some(config) => converse(StreamOwned::new(ServerConnection::new(config).unwrap(), socket), &blast),
                None => converse::<TcpStream>(socket, &blast),
            }
        })
        .unwrap();
    }
}

fn converse<S: Read + Write>(stream: S, answer: &[u8]) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    let created = framed(frames::created().as_bytes());
    if socket.get_mut().write_all(&created).and_then(|()| socket.get_mut().flush()).is_err() {
        return;
    }
    while let Ok(message) = socket.read() {
        let asked = matches!(&message, Message::Text(text) if text.contains("response.create"));
        let stream = socket.get_mut();
        if asked && stream.write_all(answer).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

/// A text frame as a server sends it.
pub fn framed(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..65_536 => {
            frame.push(126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

fn identity() -> (Arc<ServerConfig>, Vec<u8>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let der = certificate.der().to_vec();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap()), der)
}
