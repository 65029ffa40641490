use std::{
    collections::VecDeque,
    error::Error,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::{
    AsyncRead, AsyncWrite,
    executor::block_on,
    future::{self, BoxFuture, FutureExt},
};
use realtime_core::transport::Instant;

use super::*;

/// Actions of a scripted server, one per read. After the last one it is silent.
#[derive(Clone, Copy)]
enum Step {
    Says(&'static str),
    Resets,
    Ends,
    /// Accepts the upgrade with this version of HTTP.
    Agrees(&'static str),
}

use Step::*;

/// A server that reads everything and then follows its script.
struct Scripted {
    steps: VecDeque<Step>,
    request: Arc<Mutex<String>>,
    refuses_writes: bool,
}

impl AsyncRead for Scripted {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let said = match self.steps.pop_front() {
            Some(Says(text)) => text.to_owned(),
            Some(Resets) => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            Some(Ends) => return Poll::Ready(Ok(0)),
            Some(Agrees(version)) => {
                let request = self.request.lock().unwrap();
                let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
                let accept = derive_accept_key(key.as_bytes());
                format!(
                    "{version} 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                )
            }
            None => return Poll::Pending,
        };
        buf[..said.len()].copy_from_slice(said.as_bytes());
        Poll::Ready(Ok(said.len()))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.refuses_writes {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        self.request.lock().unwrap().push_str(std::str::from_utf8(buf).unwrap());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A timer whose deadlines expire as soon as nothing else can make progress, and that records which were awaited.
#[derive(Debug, Default)]
struct Impatient(Mutex<Vec<Duration>>);

impl Timer for Impatient {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(deadline.since_origin());
        future::ready(()).boxed()
    }
}

fn stream(steps: &[Step]) -> (ByteStream, Arc<Mutex<String>>) {
    let request = Arc::default();
    let steps = steps.iter().copied().collect();
    (ByteStream::new(Scripted { steps, request: Arc::clone(&request), refuses_writes: false }), request)
}

fn handshake(url: &str) -> Handshake {
    Handshake::new(url.parse().unwrap())
}

fn refusal(steps: &[Step]) -> TransportError {
    block_on(upgrade(stream(steps).0, &handshake("ws://h/"), &Impatient::default())).expect_err("it was not refused")
}

#[test]
fn a_status_decides_as_soon_as_it_is_read_and_its_body_is_what_came() {
    let with_length = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n";
    let chunked = "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (what, steps, body) in [
        ("a body in the same segment", &[Says("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")][..], "no"),
        ("silence instead of a body", &[Says(with_length)], ""),
        ("silence in the middle of a body", &[Says(with_length), Says("half")], "half"),
        ("a reset instead of a body", &[Says(with_length), Resets], ""),
        ("a reset in the middle of a body", &[Says(with_length), Says("half"), Resets], "half"),
        ("an end in the middle of a body", &[Says(with_length), Says("half"), Ends], "half"),
        ("chunks", &[Says(chunked), Says("4\r\nwhy,"), Says("\r\n2\r\n o\r\n"), Says("0\r\n\r\n")], "why, o"),
        ("chunks without an end", &[Says(chunked), Says("4\r\nwhy,\r\n")], "why,"),
        ("a body without a length", &[Says("HTTP/1.1 401 No\r\n\r\n"), Says("wh"), Says("y"), Ends], "why"),
        ("silence within the headers", &[Says("HTTP/1.1 401 No\r\nServer: x")], ""),
        ("a reset within the headers", &[Says("HTTP/1.1 401 No\r\nServer: x"), Resets], ""),
        ("an end within the status line", &[Says("HTTP/1.1 401 Unauth"), Ends], ""),
        ("headers that are none", &[Says("HTTP/1.1 401 No\r\n: :\r\n\0\r\n\r\n")], ""),
        ("an old version", &[Says("HTTP/1.0 401 No\r\n\r\n"), Says("why"), Ends], "why"),
    ] {
        let error = refusal(steps);
        let status = StatusCode::UNAUTHORIZED;
        assert_eq!(error.kind(), TransportErrorKind::Rejected { status }, "{what}");
        assert_eq!(String::from_utf8_lossy(error.body().unwrap_or_default()), body, "{what}");
        assert!(!error.is_retryable(), "{what}");
    }
}

#[test]
fn a_body_is_waited_for_two_seconds_in_all() {
    let timer = Impatient::default();
    let says = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n";
    let (stream, _) = stream(&[Says(says), Says("a"), Says("b")]);
    let error = block_on(upgrade(stream, &handshake("ws://h/"), &timer)).unwrap_err();
    assert_eq!(error.body(), Some(&b"ab"[..]));
    assert_eq!(error.retry_after(None), Some(Duration::from_secs(7)));
    assert_eq!(*timer.0.lock().unwrap(), [REFUSAL_WAIT]);
}

#[test]
fn a_server_that_refuses_before_it_has_read_is_heard() {
    let steps = VecDeque::from([Says("HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n")]);
    let stream = ByteStream::new(Scripted { steps, request: Arc::default(), refuses_writes: true });
    let error = block_on(upgrade(stream, &handshake("ws://h/"), &Impatient::default())).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Rejected { status: StatusCode::TOO_MANY_REQUESTS });
}

#[test]
fn informational_answers_are_passed_over() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let refused = refusal(&[Says(early), Says("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")]);
    assert_eq!(refused.kind(), TransportErrorKind::Rejected { status: StatusCode::FORBIDDEN });
    let (agreeing, _) = stream(&[Says(early), Agrees("HTTP/1.1"), Ends]);
    block_on(upgrade(agreeing, &handshake("ws://h/"), &Impatient::default())).unwrap();
    for (steps, kind) in [
        (&[Says(early), Ends][..], TransportErrorKind::Io),
        (&[Says(early), Resets], TransportErrorKind::Io),
        (&[Ends], TransportErrorKind::Io),
        (&[Says("SSH-2.0-x\r\n")], TransportErrorKind::Protocol),
    ] {
        assert_eq!(refusal(steps).kind(), kind);
    }
}

#[test]
fn http_1_0_has_no_websocket() {
    let error = refusal(&[Agrees("HTTP/1.0")]);
    assert_eq!(error.kind(), TransportErrorKind::Protocol);
    assert!(error.source().unwrap().to_string().contains("HTTP/1.0"), "{error:?}");
    let (agreeing, _) = stream(&[Agrees("HTTP/1.1")]);
    block_on(upgrade(agreeing, &handshake("ws://h/"), &Impatient::default())).unwrap();
}

#[test]
fn the_host_header_names_a_port_only_where_it_is_not_the_default() {
    for (url, host) in [
        ("wss://api.example.com/v1", "api.example.com"),
        ("wss://api.example.com:443/v1", "api.example.com"),
        ("wss://api.example.com:80/v1", "api.example.com:80"),
        ("ws://api.example.com:80/v1", "api.example.com"),
        ("ws://api.example.com:443/v1", "api.example.com:443"),
        ("ws://[::1]:80/", "[::1]"),
        ("ws://[::1]:8080/", "[::1]:8080"),
    ] {
        let (stream, request) = stream(&[Agrees("HTTP/1.1")]);
        block_on(upgrade(stream, &handshake(url), &Impatient::default())).unwrap();
        let request = request.lock().unwrap();
        let sent = request.lines().find_map(|line| line.strip_prefix("Host: "));
        assert_eq!(sent, Some(host), "{url}");
    }
}
