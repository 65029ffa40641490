//! Requirements for transports that open WebSockets (RFC 6455): the upgrade, and frames of every kind.

use std::{collections::HashSet, io, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, channel::oneshot, future};
use http::{HeaderName, HeaderValue, StatusCode, header};
use realtime_core::transport::{CloseFrame, Message, TransportError, TransportErrorKind};

use super::{
    Ability,
    run::{Test, tests},
    server::{Arrival, BINARY, CLOSE, CONTINUATION, FINAL, PING, PONG, Socket, TEXT, frame},
    side::{Cx, Ending, Outcome, Side, apart, describe, ensure, tell},
};

tests! {
    frames: true;
    "request", "The request has what RFC 6455 asks for, and the headers and subprotocols of the handshake.", [], request;
    "upgrade-answer", "Only a valid answer to the request opens a connection.", [], upgrade_answer;
    "redirect", "A redirect is not followed, for the handshake carries credentials.", [], redirect;
    "segments", "It does not matter how bytes are cut into segments.", [], segments;
    "attempt-given-up", "Dropping an attempt that the server does not answer ends its stream.", [], attempt_given_up;
    "masked", "What is sent is masked, each time by another key.", [], masked;
    "fragmented", "A message in fragments arrives as one, whatever control frames are between them.", [], fragmented;
    "invalid-utf8", "A text that is not UTF-8 ends the connection.", [], invalid_utf8;
    "broken-frames", "A frame that breaks the rules ends the connection.", [], broken_frames;
    "limit-early", "A message over the limit is refused before it is held in memory, in fragments too.", [Limits],
        limit_early;
    "close-without-code", "A close frame without a code arrives as such.", [CloseFrames], close_without_code;
    "close-answered", "The peer's close frame is answered with one.", [], close_answered;
    "cut-frame", "An end within a frame is no end in order, and another connection may fare better.", [], cut_frame;
}

/// A connection: the transport's side, and the socket of the server.
pub(super) async fn open(cx: &Cx) -> Outcome<(Side, Socket)> {
    open_with(cx, usize::MAX).await
}

async fn open_with(cx: &Cx, limit: usize) -> Outcome<(Side, Socket)> {
    let server = cx.server()?;
    let mut handshake = server.handshake();
    handshake.max_message_size = handshake.max_message_size.min(limit);
    let accept = async {
        let mut arrival = server.arrival().await?;
        arrival.accept(&[]).await.map_err(lost)?;
        Ok(arrival.socket)
    };
    let (duplex, socket) = future::join(cx.transport.connect(handshake), accept).await;
    let socket: Outcome<Socket> = socket;
    // The server says what is wrong with a request.
    let socket = socket?;
    let duplex = duplex.map_err(|error| format!("connecting failed: {}", tell(&error)))?;
    Ok((cx.client(duplex), socket))
}

/// The client ended the connection when it should not have.
pub(super) fn lost(error: io::Error) -> String {
    format!("the server lost the connection: {error}")
}

/// What connecting gives with a server that does this.
async fn attempt(
    cx: &Cx,
    answer: impl AsyncFnOnce(&mut Arrival) -> io::Result<()>,
) -> Outcome<Result<(), TransportError>> {
    let server = cx.server()?;
    let serve = async {
        let mut arrival = server.arrival().await?;
        let _ = answer(&mut arrival).await;
        Ok(arrival)
    };
    let (result, open) = future::join(cx.transport.connect(server.handshake()), serve).await;
    let open: Outcome<Arrival> = open;
    open.map(|_| result.map(drop))
}

/// Sends these bytes, and gives what the transport makes of them.
async fn receive(cx: &Cx, bytes: &[u8], limit: usize) -> Outcome<Result<Message, Ending>> {
    let (mut client, mut socket) = open_with(cx, limit).await?;
    socket.write(bytes).await.map_err(lost)?;
    Ok(client.read.next().await)
}

fn fails_as(what: &str, got: Result<Message, Ending>, kind: TransportErrorKind) -> Outcome {
    match got {
        Ok(message) => Err(format!("{what} was received as {}", describe(&message))),
        Err(Ending::None) => Err(format!("{what} ended the connection in order")),
        Err(Ending::Failed(error)) => {
            ensure!(error.kind() == kind, "{what} became {:?}: {}", error.kind(), tell(&error));
            Ok(())
        }
    }
}

async fn request(cx: Cx) -> Outcome {
    let server = cx.server()?;
    let mut answers = HashSet::new();
    for _ in 0..2 {
        let mut handshake = server.handshake_to("/v1/realtime?model=a%20b&x=1");
        handshake.headers.insert(HeaderName::from_static("x-first"), HeaderValue::from_static("one"));
        handshake.headers.append(HeaderName::from_static("x-second"), HeaderValue::from_static("two"));
        handshake.subprotocols = vec!["realtime".into(), "other".into()];
        let serve = async {
            let mut arrival = server.arrival().await?;
            let _ = arrival.accept(&[]).await;
            Ok(arrival)
        };
        let (duplex, arrival) = future::join(cx.transport.connect(handshake.clone()), serve).await;
        let arrival: Outcome<Arrival> = arrival;
        let Arrival { request, .. } = &arrival?;
        duplex.map_err(|error| format!("connecting failed: {}", tell(&error)))?;
        let asked = request.handshake();
        ensure!(asked.uri == handshake.uri, "the request was for {}, not for {}", asked.uri, handshake.uri);
        ensure!(asked.subprotocols == handshake.subprotocols, "the subprotocols were {:?}", asked.subprotocols);
        for (name, value) in &handshake.headers {
            let got = asked.headers.get(name);
            ensure!(got == Some(value), "the header {name} was to be {value:?}, and it is {got:?}");
        }
        // Two keys are the same if their answers are.
        answers.extend(request.response().headers().get(header::SEC_WEBSOCKET_ACCEPT).cloned());
    }
    ensure!(answers.len() == 2, "two attempts have the same key");
    Ok(())
}

async fn upgrade_answer(cx: Cx) -> Outcome {
    let consent = |arrival: &Arrival, from: &str, to: &str| arrival.consent().replace(from, to);
    let changes = [
        ("another key's answer", "sec-websocket-accept: ", "sec-websocket-accept: x"),
        ("no answer to the key", "sec-websocket-accept", "x-accept"),
        ("another protocol", "upgrade: websocket", "upgrade: h2c"),
        ("a subprotocol that was not offered", "\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n"),
        ("an extension that was not offered", "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-zip\r\n\r\n"),
        ("an answer that is not HTTP", "HTTP/1.1", "SSH-2.0"),
    ];
    for (what, from, to) in changes {
        let answer = async |arrival: &mut Arrival| {
            let answer = consent(arrival, from, to);
            arrival.socket.write(answer.as_bytes()).await
        };
        match attempt(&cx, answer).await? {
            Ok(()) => return Err(format!("{what} opened a connection")),
            Err(error) => {
                ensure!(error.kind() == TransportErrorKind::Protocol, "{what} became {:?}", error.kind());
                ensure!(!error.is_retryable(), "{what} is to be tried again");
            }
        }
    }
    Ok(())
}

async fn redirect(cx: Cx) -> Outcome {
    let answer = async |arrival: &mut Arrival| {
        let uri = &arrival.request.handshake().uri;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let head = format!("HTTP/1.1 302 Found\r\nLocation: ws://{host}/elsewhere\r\nContent-Length: 0\r\n\r\n");
        arrival.socket.write(head.as_bytes()).await
    };
    match attempt(&cx, answer).await? {
        Err(error) if error.kind() == (TransportErrorKind::Rejected { status: StatusCode::FOUND }) => Ok(()),
        Err(error) => Err(format!("it became {:?}", error.kind())),
        Ok(()) => Err("it was followed".into()),
    }
}

async fn segments(cx: Cx) -> Outcome {
    let server = cx.server()?;
    let frames = [frame(FINAL | TEXT, b"first"), frame(FINAL | TEXT, &[b'x'; 300])].concat();
    let expected = [b"first".to_vec(), vec![b'x'; 300]];
    for piecemeal in [false, true] {
        let serve = async {
            let mut arrival = server.arrival().await?;
            if !piecemeal {
                // All in one: the first frames lie behind the answer.
                arrival.accept(&frames).await.map_err(lost)?;
                return Ok(arrival);
            }
            let bytes = [arrival.consent().into_bytes(), frames.clone()].concat();
            for byte in bytes {
                arrival.socket.write(&[byte]).await.map_err(lost)?;
            }
            Ok(arrival)
        };
        let connect = async {
            let duplex = cx.transport.connect(server.handshake()).await;
            let mut client = cx.client(duplex.map_err(|error| format!("connecting failed: {}", tell(&error)))?);
            for expected in &expected {
                client.read.expect_text(String::from_utf8_lossy(expected).into_owned()).await?;
            }
            Ok(())
        };
        let (connected, served): (Outcome, Outcome<Arrival>) = future::join(connect, serve).await;
        connected?;
        served?;
    }
    Ok(())
}

async fn attempt_given_up(cx: Cx) -> Outcome {
    let server = cx.server()?;
    let (asked, arrived) = oneshot::channel();
    let timer = cx.transport.timer();
    let give_up = async {
        let alarm = async {
            // Not before the server has read the request, and then a deadline ends it.
            let _ = arrived.await;
            timer.sleep_until(timer.now() + Duration::from_millis(20)).await;
        };
        match future::select(cx.transport.connect(server.handshake()), alarm.boxed()).await {
            future::Either::Left((Ok(_), _)) => Err("it opened without an answer".into()),
            future::Either::Left((Err(error), _)) => Err(format!("it failed: {}", tell(&error))),
            future::Either::Right(_) => Ok(()),
        }
    };
    let serve = async {
        let mut arrival = server.arrival().await?;
        let _ = asked.send(());
        arrival.socket.ended().await;
        Ok(())
    };
    apart([give_up.boxed(), serve.boxed()]).await
}

async fn masked(cx: Cx) -> Outcome {
    let (mut client, mut socket) = open(&cx).await?;
    let mut masks = HashSet::new();
    for _ in 0..3 {
        client.write.text("hello").await?;
        let frame = socket.read_frame().await.map_err(lost)?;
        ensure!(frame.first == FINAL | TEXT, "the frame begins with {:#04x}", frame.first);
        ensure!(frame.payload == b"hello", "its payload is another");
        masks.extend(frame.mask);
    }
    ensure!(masks.len() > 1, "the keys are {masks:?}");
    Ok(())
}

async fn fragmented(cx: Cx) -> Outcome {
    let (mut client, mut socket) = open(&cx).await?;
    // A character of four bytes is cut in two.
    let text = "one two \u{1F980}";
    let (first, rest) = text.as_bytes().split_at(10);
    let bytes = [
        frame(TEXT, first),
        frame(FINAL | PING, b"between"),
        frame(CONTINUATION, &rest[..1]),
        frame(CONTINUATION, b""),
        frame(FINAL | PONG, b"unasked"),
        frame(FINAL | CONTINUATION, &rest[1..]),
        frame(BINARY, b"a"),
        frame(FINAL | CONTINUATION, b"b"),
    ];
    socket.write(&bytes.concat()).await.map_err(lost)?;
    client.read.expect_text(text).await?;
    if !cx.harness.lacks().contains(&Ability::Binary) {
        client.read.expect(&Message::Binary(Bytes::from_static(b"ab"))).await?;
    }
    Ok(())
}

async fn invalid_utf8(cx: Cx) -> Outcome {
    for bytes in [frame(FINAL | TEXT, b"\xFF"), frame(FINAL | TEXT, b"\xF0\x9F"), frame(FINAL | TEXT, b"\xED\xA0\x80")]
    {
        fails_as("invalid UTF-8", receive(&cx, &bytes, usize::MAX).await?, TransportErrorKind::Protocol)?;
        let (mut client, mut socket) = open(&cx).await?;
        socket.write(&[frame(FINAL | TEXT, b"x"), bytes].concat()).await.map_err(lost)?;
        client.read.expect_text("x").await?;
        fails_as("invalid UTF-8 behind a text", client.read.next().await, TransportErrorKind::Protocol)?;
    }
    let halves = [frame(TEXT, b"\xF0\x9F"), frame(FINAL | CONTINUATION, b"x")].concat();
    fails_as("half a character", receive(&cx, &halves, usize::MAX).await?, TransportErrorKind::Protocol)
}

async fn broken_frames(cx: Cx) -> Outcome {
    for (what, bytes) in [
        ("a reserved bit", frame(FINAL | 0x40 | TEXT, b"x")),
        ("an unknown kind of data", frame(FINAL | 3, b"x")),
        ("an unknown kind of control", frame(FINAL | 11, b"x")),
        ("a continuation of nothing", frame(FINAL | CONTINUATION, b"x")),
        ("a message within another", [frame(TEXT, b"x"), frame(FINAL | TEXT, b"y")].concat()),
        ("a ping in fragments", frame(PING, b"x")),
        ("a ping of 126 bytes", frame(FINAL | PING, &[b'x'; 126])),
        ("a masked frame", vec![FINAL | TEXT, 0x81, 0, 0, 0, 0, b'x']),
        ("a close frame of one byte", frame(FINAL | CLOSE, b"x")),
    ] {
        fails_as(what, receive(&cx, &bytes, usize::MAX).await?, TransportErrorKind::Protocol)?;
    }
    Ok(())
}

async fn limit_early(cx: Cx) -> Outcome {
    let announced = [&[FINAL | TEXT, 127][..], &(1_u64 << 40).to_be_bytes()].concat();
    fails_as("a terabyte", receive(&cx, &announced, 1000).await?, TransportErrorKind::TooLarge)?;
    let pieces: Vec<u8> =
        [TEXT, CONTINUATION, CONTINUATION].iter().flat_map(|first| frame(*first, &[b'x'; 400])).collect();
    fails_as("1200 bytes in fragments", receive(&cx, &pieces, 1000).await?, TransportErrorKind::TooLarge)
}

async fn close_without_code(cx: Cx) -> Outcome {
    let (mut client, mut socket) = open(&cx).await?;
    socket.frame(FINAL | CLOSE, b"").await.map_err(lost)?;
    client.read.expect(&Message::Close(None)).await
}

async fn close_answered(cx: Cx) -> Outcome {
    let (mut client, mut socket) = open(&cx).await?;
    let close = async {
        let payload = [&1001_u16.to_be_bytes()[..], b"going away"].concat();
        socket.frame(FINAL | CLOSE, &payload).await.map_err(lost)?;
        let answer = socket.read_frame().await.map_err(|_| "there was no answer".to_owned())?;
        ensure!(answer.first == FINAL | CLOSE, "the answer begins with {:#04x}", answer.first);
        ensure!(answer.payload.starts_with(&payload[..2]), "the answer has another code");
        Ok(())
    };
    let receive = async {
        client.read.expect(&Message::Close(Some(CloseFrame::new(1001, "going away")))).await?;
        // What is called until the end has answered by then, whenever it does.
        let _ = client.read.next().await;
        Ok(())
    };
    apart([close.boxed(), receive.boxed()]).await
}

async fn cut_frame(cx: Cx) -> Outcome {
    let (mut client, mut socket) = open(&cx).await?;
    socket.write(&[FINAL | TEXT, 10, b'h', b'a', b'l', b'f']).await.map_err(lost)?;
    drop(socket);
    match client.read.next().await {
        Err(Ending::Failed(error)) if error.is_retryable() => Ok(()),
        Err(Ending::Failed(error)) => Err(format!("it is not retryable: {}", tell(&error))),
        Err(Ending::None) => Err("the end came in order".into()),
        Ok(message) => Err(format!("{} was received", describe(&message))),
    }
}
