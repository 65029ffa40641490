//! The other end: a process of its own, so that what it costs is not counted. It does as little as it can: what it sends
//! was framed beforehand.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, SystemTime},
};

use core_affinity::CoreId;
use futures::SinkExt;
use realtime_websocket::Tls;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::frames;

const ROLE: &str = "REALTIME_BENCH_SERVER";

/// Number of the processor that a server keeps to, if it does.
const PROCESSOR: &str = "REALTIME_BENCH_PROCESSOR";
static FIRST: OnceLock<CoreId> = OnceLock::new();

/// Keeps servers that are started later to the first processor, and this thread, with those that it starts, to the last.
///
/// On a processor that both share, what a server wrote is still in the cache when it is read, as nothing from a network
/// is. Where the kernel chooses, it shares one in some runs and not in others.
pub fn keep_apart() {
    if let Some([first, .., last]) = core_affinity::get_core_ids().as_deref()
        && core_affinity::set_for_current(*last)
    {
        println!("# the server on processor {}, its readers on {}", first.id, last.id);
        FIRST.set(*first).unwrap();
    }
}

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

    /// Opens a session at once, and sends it ten audio deltas of 4,800 bytes a second, each with the time in its id.
    pub fn speaking() -> Self {
        Self::start("speak false")
    }

    fn start(role: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        if let Some(first) = FIRST.get() {
            command.env(PROCESSOR, first.id.to_string());
        }
        let mut child = command.env(ROLE, role).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, certificate) = line.trim_end_matches('\n').split_once(' ').unwrap();
        let certificate: Vec<u8> = (0..certificate.len() / 2)
            .map(|at| u8::from_str_radix(&certificate[2 * at..2 * at + 2], 16).unwrap())
            .collect();
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
    if let Ok(id) = env::var(PROCESSOR) {
        assert!(core_affinity::set_for_current(CoreId { id: id.parse().unwrap() }));
    }
    let (mixes, tls) = role.split_once(' ').unwrap();
    if mixes == "speak" {
        return speak();
    }
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
        thread
            .spawn(move || {
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

/// A moment, as an event's id: microseconds since the epoch.
fn stamp() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64
}

/// How long ago the event was sent, in milliseconds.
pub fn age(event_id: &str) -> f64 {
    let sent: u64 = event_id.trim_start_matches("event_").parse().unwrap();
    stamp().saturating_sub(sent) as f64 / 1e3
}

#[tokio::main(flavor = "current_thread")]
async fn speak() {
    const STAMP: &str = "event_Dg0000000000000000001";
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    println!("{} ", listener.local_addr().unwrap().port());
    let frame = framed(frames::audio_delta(1, 4_800).as_bytes());
    let place = frame.windows(STAMP.len()).position(|bytes| bytes == STAMP.as_bytes()).unwrap();
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        number += 1;
        let mut frame = frame.clone();
        tokio::spawn(async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            socket.send(Message::text(frames::created())).await.unwrap();
            let (mut read, mut write) = socket.get_mut().split();
            // Each at a time of its own.
            tokio::time::sleep(Duration::from_micros(number * 7_919 % 100_000)).await;
            let mut clock = tokio::time::interval(Duration::from_millis(100));
            let mut heard = vec![0; 16 << 10];
            loop {
                tokio::select! {
                    _ = clock.tick() => {
                        let stamp = format!("event_{:021}", stamp());
                        frame[place..place + STAMP.len()].copy_from_slice(stamp.as_bytes());
                        if write.write_all(&frame).await.is_err() {
                            return;
                        }
                    }
                    read = read.read(&mut heard) => {
                        if read.is_ok_and(|read| read == 0) {
                            return;
                        }
                    }
                }
            }
        });
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
