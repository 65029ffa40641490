//! Streams that lead somewhere else: an end of TLS, and proxies of both kinds.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future};
use futures_rustls::TlsAcceptor;
use realtime::websocket::{ByteStream, rustls::ServerConfig};
use smol::net::{TcpListener, TcpStream};

/// Ends TLS, and passes what is inside on to this port. The port that it listens to.
pub(crate) fn tls_end(config: Arc<ServerConfig>, port: u16) -> u16 {
    listen(Some(config), move |stream| async move {
        relay(stream, connect(port).await?).await;
        Ok(())
    })
}

/// How a proxy treats its clients.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    /// Whom it serves, if not everybody.
    pub(crate) user: Option<(&'static str, &'static str)>,
    /// What it answers in place of serving: the status line of HTTP, or the status of SOCKS.
    pub(crate) refusal: Option<&'static str>,
    /// How it is itself spoken to by TLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// A proxy on this machine that knows the way to one server, under any name.
pub(crate) struct TestProxy {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// An HTTP proxy.
    pub(crate) fn http(server: u16, manners: Manners) -> Self {
        Self::new(server, manners, Kind::Http)
    }

    /// A SOCKS proxy.
    pub(crate) fn socks(server: u16, manners: Manners) -> Self {
        Self::new(server, manners, Kind::Socks)
    }

    fn new(server: u16, manners: Manners, kind: Kind) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let book = asked.clone();
        let port = listen(manners.tls.clone(), move |mut stream| {
            let (manners, book) = (manners.clone(), book.clone());
            async move {
                let asked = match kind {
                    Kind::Http => http(&mut stream, &manners).await?,
                    Kind::Socks => socks(&mut stream, &manners).await?,
                };
                if let Some(asked) = asked {
                    book.lock().unwrap().push(asked);
                    relay(stream, connect(server).await?).await;
                }
                Ok(())
            }
        });
        Self { port, asked }
    }

    /// The servers that it was asked for and led to.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Socks,
}

/// Serves every connection to a port of this machine, as long as the process lives.
fn listen<F>(tls: Option<Arc<ServerConfig>>, serve: impl Fn(ByteStream) -> F + Clone + Send + 'static) -> u16
where
    F: Future<Output = io::Result<()>> + Send,
{
    let listener = smol::block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    smol::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (serve, tls) = (serve.clone(), tls.clone().map(TlsAcceptor::from));
            smol::spawn(async move {
                stream.set_nodelay(true)?;
                let stream = match tls {
                    Some(tls) => ByteStream::new(tls.accept(stream).await?),
                    None => ByteStream::new(stream),
                };
                serve(stream).await
            })
            .detach();
        }
    })
    .detach();
    port
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Passes bytes on in both directions, until one of them ends.
async fn relay(near: impl AsyncRead + AsyncWrite, far: impl AsyncRead + AsyncWrite) {
    let (near_read, mut near_write) = near.split();
    let (far_read, mut far_write) = far.split();
    let up = Box::pin(pass(near_read, &mut far_write));
    let down = Box::pin(pass(far_read, &mut near_write));
    future::select(up, down).await;
    let _ = future::join(near_write.close(), far_write.close()).await;
}

/// Copies, and flushes each piece: what TLS still holds would wait for the next one, which may never come.
async fn pass(mut from: impl AsyncRead + Unpin, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut bytes = vec![0; 8192];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..length]).await?;
        to.flush().await?;
    }
}

async fn http(stream: &mut ByteStream, manners: &Manners) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read::<1>(stream).await?);
    }
    let head = String::from_utf8(head).unwrap();
    let asked = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
    let shown = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
    let known = manners.user.is_none_or(|(user, password)| {
        let credentials = shown.map(|shown| base64_turbo::STANDARD.decode(shown).unwrap());
        credentials.is_some_and(|credentials| credentials == format!("{user}:{password}").as_bytes())
    });
    let answer = match manners.refusal {
        Some(refusal) => refusal,
        None if known => "200 Connection established",
        None => "407 Proxy Authentication Required",
    };
    stream.write_all(format!("HTTP/1.1 {answer}\r\nServer: test\r\n\r\n").as_bytes()).await?;
    Ok(answer.starts_with("200").then(|| asked.to_owned()))
}

async fn socks(stream: &mut ByteStream, manners: &Manners) -> io::Result<Option<String>> {
    let [5, count] = read(stream).await? else { return Ok(None) };
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods).await?;
    match manners.user {
        None => stream.write_all(&[5, 0]).await?,
        Some(_) if !methods.contains(&2) => {
            stream.write_all(&[5, 0xFF]).await?;
            return Ok(None);
        }
        Some((user, password)) => {
            stream.write_all(&[5, 2]).await?;
            assert_eq!(read(stream).await?, [1]);
            let known = short(stream).await? == user;
            let known = short(stream).await? == password && known;
            stream.write_all(&[1, u8::from(!known)]).await?;
            if !known {
                return Ok(None);
            }
        }
    }
    assert_eq!(read(stream).await?, [5, 1, 0]);
    let host = match read(stream).await? {
        [1] => Ipv4Addr::from(read::<4>(stream).await?).to_string(),
        [3] => short(stream).await?,
        _ => format!("[{}]", std::net::Ipv6Addr::from(read::<16>(stream).await?)),
    };
    let port = u16::from_be_bytes(read(stream).await?);
    let status = manners.refusal.map_or(0, |status| status.parse().unwrap());
    // It says that it speaks from a name, which is of any length.
    stream.write_all(&[&[5, status, 0, 3, 4], &b"name"[..], &[0, 80]].concat()).await?;
    Ok((status == 0).then(|| format!("{host}:{port}")))
}

async fn read<const N: usize>(stream: &mut ByteStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn short(stream: &mut ByteStream) -> io::Result<String> {
    let [length] = read(stream).await?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8(bytes).unwrap())
}
