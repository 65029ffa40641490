//! The handshake with a proxy.

use std::{error::Error, io::ErrorKind, net::IpAddr};

use base64_turbo::STANDARD;
use http::StatusCode;
use realtime_core::transport::{TransportError, TransportErrorKind};

use super::{Proxy, ProxyKind, refused};
use crate::{
    convert::io,
    head::{Head, Progress},
    stream::ByteStream,
};

/// Asks the proxy at the other end of the stream for a tunnel to a server. The stream is that tunnel afterwards.
pub(crate) async fn through(
    proxy: &Proxy,
    stream: &mut ByteStream,
    host: &str,
    port: u16,
) -> Result<(), TransportError> {
    match proxy.kind {
        ProxyKind::Http | ProxyKind::Https => connect(proxy, stream, host, port).await,
        ProxyKind::Socks5 => socks(proxy, stream, host, port).await,
    }
}

async fn connect(proxy: &Proxy, stream: &mut ByteStream, host: &str, port: u16) -> Result<(), TransportError> {
    let server = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        let credentials = STANDARD.encode(format!("{user}:{}", password.expose()));
        request.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    request.push_str("\r\n");
    stream.say(request.as_bytes()).await?;
    let mut received = Vec::new();
    let (status, is_silent) = loop {
        let goes_on = stream.read_more(&mut received).await;
        match Head::read(&received) {
            Ok(Progress::Head(head)) => break (head.status, head.length == received.len()),
            Ok(Progress::Status(status)) if !matches!(goes_on, Ok(true)) => break (status, true),
            Ok(Progress::Open | Progress::Status(_)) => {}
            Err(error) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                return Err(refused(format!("it speaks no HTTP: {reason}")));
            }
        }
        if !goes_on.map_err(io)? {
            return Err(io(ErrorKind::UnexpectedEof.into()));
        }
    };
    match status {
        status if status.is_success() && is_silent => Ok(()),
        status if status.is_success() => Err(refused("it spoke in the server's place")),
        status if is_temporary(status) => {
            Err(TransportError::new(TransportErrorKind::Connect, format!("it answered {status}")))
        }
        status => Err(refused(format!("it answered {status}"))),
    }
}

/// Whether the proxy accepted the request but cannot reach the server at the moment, so a retry may succeed.
fn is_temporary(status: StatusCode) -> bool {
    let never = [
        StatusCode::NOT_IMPLEMENTED,
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED,
    ];
    matches!(status.as_u16(), 408 | 425 | 429) || (status.is_server_error() && !never.contains(&status))
}

/// SOCKS5 (RFC 1928) with optional user name and password (RFC 1929).
async fn socks(proxy: &Proxy, stream: &mut ByteStream, host: &str, port: u16) -> Result<(), TransportError> {
    const NO_NAME: u8 = 0;
    const BY_PASSWORD: u8 = 2;

    stream.say(if proxy.credentials.is_some() { &[5, 2, NO_NAME, BY_PASSWORD] } else { &[5, 1, NO_NAME] }).await?;
    match (stream.hear().await?, &proxy.credentials) {
        ([5, NO_NAME], _) => {}
        ([5, BY_PASSWORD], Some((user, password))) => {
            let mut message = vec![1];
            push_short(&mut message, user)?;
            push_short(&mut message, password.expose())?;
            stream.say(&message).await?;
            let [_, status] = stream.hear().await?;
            if status != 0 {
                return Err(refused("it does not know this user and password"));
            }
        }
        ([5, _], Some(_)) => return Err(refused("it wants another proof than a user and a password")),
        ([5, _], None) => return Err(refused("it wants a user and a password")),
        _ => return Err(refused("it speaks no SOCKS5")),
    }
    let mut request = vec![5, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(3);
            push_short(&mut request, host)?;
        }
    }
    request.extend(port.to_be_bytes());
    stream.say(&request).await?;
    let [version, status, _, family] = stream.hear().await?;
    let unreachable = |why: &str| TransportError::new(TransportErrorKind::Connect, why.to_owned());
    match status {
        _ if version != 5 => return Err(refused("it speaks no SOCKS5")),
        0 => {}
        1 => return Err(unreachable("it failed, and does not say why (status 1)")),
        2 => return Err(refused("its rules do not allow this server")),
        3 => return Err(unreachable("network unreachable")),
        4 => return Err(unreachable("host unreachable")),
        5 => return Err(unreachable("connection refused")),
        6 => return Err(unreachable("no answer in time")),
        status => return Err(refused(format!("it failed with status {status}"))),
    }
    // The address and port that the proxy connects from are not used.
    let length = match family {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.hear::<1>().await?[0]),
        _ => return Err(refused("it speaks no SOCKS5")),
    };
    for _ in 0..length + 2 {
        stream.hear::<1>().await?;
    }
    Ok(())
}

fn push_short(message: &mut Vec<u8>, text: &str) -> Result<(), TransportError> {
    let length = u8::try_from(text.len()).map_err(|_| refused("SOCKS5 has no room for more than 255 bytes"))?;
    message.push(length);
    message.extend(text.as_bytes());
    Ok(())
}
