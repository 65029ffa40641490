//! Against servers that refuse, break the rules or say odd things, on every runtime.

#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc::{Receiver, channel},
    thread,
};

use realtime::{
    Client, ErrorKind,
    endpoint::Handshake,
    transport::{CloseFrame, Duplex, Message, Transport, TransportErrorKind},
    websocket::{Runtime, SocketTransport},
};
use support::{on_every_runtime, server::listen, tell, transport_error};
use tungstenite::WebSocket;

on_every_runtime! {
    a_refusal_tells_the_servers_words_and_no_secret
    close_frames_are_told_as_they_were_received
    a_server_that_breaks_the_protocol_is_told_why
}

/// Serves WebSockets, and afterwards does this with the raw stream; what the client closes with then is passed on.
fn serve(act: impl Fn(&mut TcpStream) + Clone + Send + 'static) -> (u16, Receiver<Option<u16>>) {
    let (sender, closes) = channel();
    let port = listen(move |stream| {
        let Ok(mut socket) = tungstenite::accept(stream) else { return };
        act(socket.get_mut());
        let _ = sender.send(close_of(&mut socket));
    });
    (port, closes)
}

fn close_of(socket: &mut WebSocket<TcpStream>) -> Option<u16> {
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn connect<R: Runtime>(port: u16, max_message_size: usize) -> Duplex {
    let mut handshake = Handshake::new(format!("ws://127.0.0.1:{port}/").parse().unwrap());
    handshake.max_message_size = max_message_size;
    SocketTransport::<R>::new().connect(handshake).await.unwrap()
}

async fn a_refusal_tells_the_servers_words_and_no_secret<R: Runtime>() {
    const KEY: &str = "sk-a-long-secret";
    let port = listen(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let body = format!(r#"{{"error":{{"message":"Wrong key: {KEY}","type":"t","code":"invalid_api_key"}}}}"#);
        let _ = write!(stream, "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n");
        // In pieces, and without an end: the connection stays open until the client has had enough.
        for piece in body.as_bytes().chunks(20) {
            let _ = write!(stream, "{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece));
        }
        let _ = write!(stream, "0\r\n\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let client = Client::builder(SocketTransport::<R>::new())
        .base_url(format!("http://127.0.0.1:{port}/v1/realtime"))
        .api_key(KEY)
        .build();
    let error = client.realtime().model("m").connect().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    assert!(!error.is_retryable());
    let said = &error.server().expect("the server said something").error;
    assert_eq!((&*said.message, said.code.as_deref()), ("Wrong key: ***", Some("invalid_api_key")));
    assert!(tell(&error).contains("Wrong key: *** (invalid_api_key)"), "{}", tell(&error));
    assert!(tell(&error).contains("401 Unauthorized") && !tell(&error).contains(KEY), "{}", tell(&error));
    assert!(transport_error(&error).body().is_some());
}

async fn close_frames_are_told_as_they_were_received<R: Runtime>() {
    for (code, reason) in [
        (1000, ""),
        (1001, "going away"),
        (1004, "reserved"),
        (1005, ""),
        (1006, "never sent"),
        (1014, "bad gateway"),
        (1015, "tls"),
        (1016, "unassigned"),
        (2999, "unassigned"),
        (999, "too low"),
        (0, "none"),
        (4000, "no such model"),
        (5000, "too high"),
        (65_535, "the highest"),
    ] {
        let (port, _closes) = serve(move |stream| {
            let mut frame = vec![0x88, 2 + reason.len() as u8];
            frame.extend_from_slice(&u16::to_be_bytes(code));
            frame.extend_from_slice(reason.as_bytes());
            // A message before it, and both in pieces.
            let _ = stream.write_all(b"\x82\x02\x88\x02");
            for byte in frame {
                let _ = stream.write_all(&[byte]);
                thread::yield_now();
            }
        });
        let mut duplex = connect::<R>(port, 1 << 20).await;
        let close = loop {
            match duplex.read.receive().await.unwrap().expect("a close frame") {
                Message::Close(close) => break close,
                message => assert_eq!(message.len(), 2),
            }
        };
        assert_eq!(close, Some(CloseFrame::new(code, reason)));
    }
}

async fn a_server_that_breaks_the_protocol_is_told_why<R: Runtime>() {
    for (what, bytes, kind, told) in [
        ("reserved bits", &b"\xc1\x01x"[..], TransportErrorKind::Protocol, 1002),
        ("a masked frame", b"\x81\x81\0\0\0\0x", TransportErrorKind::Protocol, 1002),
        ("an unknown frame", b"\x83\x01x", TransportErrorKind::Protocol, 1002),
        ("a fragmented ping", b"\x09\x01x", TransportErrorKind::Protocol, 1002),
        ("text that is no UTF-8", b"\x81\x02\xc3\x28", TransportErrorKind::Protocol, 1007),
        ("a message over the limit", b"\x81\x7e\x07\xd0xxx", TransportErrorKind::TooLarge, 1009),
    ] {
        let (port, closes) = serve(move |stream| {
            let _ = stream.write_all(bytes);
        });
        let mut duplex = connect::<R>(port, 1000).await;
        let error = duplex.read.receive().await.expect_err(what);
        assert_eq!(error.kind(), kind, "{what}");
        drop(duplex);
        assert_eq!(closes.recv().unwrap(), Some(told), "{what}");
    }
}
