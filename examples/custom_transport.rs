//! A custom transport: events over plain TCP, each preceded by its length in four bytes.
//!
//! A gateway or a local process might use such a protocol. The transport is the thirty lines in the middle; events,
//! sessions, deadlines and everything else come with the crate. `tests/conformance` runs the conformance suite on this
//! transport.
//!
//! ```sh
//! cargo run --example custom_transport
//! ```

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
};

use async_trait::async_trait;
use futures::TryStreamExt;
use realtime::{
    Client, Error,
    endpoint::Handshake,
    tokio::TokioTimer,
    transport::{Duplex, Message, ReadHalf, Text, Timer, Transport, TransportError, TransportErrorKind, WriteHalf},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

#[derive(Debug)]
pub(crate) struct Framed {
    pub(crate) gateway: SocketAddr,
}

#[async_trait]
impl Transport for Framed {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let stream = TcpStream::connect(self.gateway).await;
        let stream = stream.map_err(|error| TransportError::new(TransportErrorKind::Connect, error))?;
        stream.set_nodelay(true).map_err(broken)?;
        Ok(duplex(stream, handshake.max_message_size))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(TokioTimer::new())
    }
}

pub(crate) fn duplex(stream: TcpStream, limit: usize) -> Duplex {
    let (read, write) = stream.into_split();
    Duplex::new(Writer(write), Reader(BufReader::new(read), limit))
}

struct Writer(OwnedWriteHalf);

#[async_trait]
impl WriteHalf for Writer {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        match message {
            Message::Text(text) => {
                let length = u32::try_from(text.as_bytes().len()).map_err(io::Error::other).map_err(broken)?;
                let framed = [&length.to_be_bytes(), text.as_bytes()].concat();
                self.0.write_all(&framed).await.map_err(broken)
            }
            Message::Close(_) => self.0.shutdown().await.map_err(broken),
            // Never sent: the protocol has no binary messages, and `can_ping` is false.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }
}

struct Reader(BufReader<OwnedReadHalf>, usize);

#[async_trait]
impl ReadHalf for Reader {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let length = match self.0.read_u32().await {
            Ok(length) => length as usize,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(broken(error)),
        };
        if length > self.1 {
            return Err(TransportError::new(TransportErrorKind::TooLarge, format!("{length} bytes")));
        }
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).await.map_err(broken)?;
        Ok(Some(Message::Text(Text::declared(text.into()))))
    }
}

fn broken(error: io::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Io, error)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let gateway = listener.local_addr().expect("it listens");
    tokio::spawn(serve(listener));

    let client = Client::builder(Framed { gateway }).build();
    let answer = client.realtime().model("gpt-realtime").run(async |connection| {
        let mut response = connection.respond("Hello!").await?;
        response.text().try_collect::<String>().await
    });
    println!("{}", answer.await?);
    Ok(())
}

/// A gateway with a single answer.
async fn serve(listener: TcpListener) -> Result<(), TransportError> {
    let (stream, _) = listener.accept().await.map_err(broken)?;
    let Duplex { mut write, mut read, .. } = duplex(stream, usize::MAX);
    write.send(Message::Text(r#"{"type":"session.created","session":{"type":"realtime"}}"#.into())).await?;
    while let Some(message) = read.receive().await? {
        let Message::Text(text) = message else { continue };
        if text.to_str().is_ok_and(|text| text.contains(r#""response.create""#)) {
            for event in [
                r#"{"type":"response.created","response":{"id":"r1"}}"#,
                r#"{"type":"response.output_text.delta","response_id":"r1","item_id":"i1","output_index":0,"content_index":0,"delta":"Hello, "}"#,
                r#"{"type":"response.output_text.delta","response_id":"r1","item_id":"i1","output_index":0,"content_index":0,"delta":"stranger."}"#,
                r#"{"type":"response.done","response":{"id":"r1","status":"completed"}}"#,
            ] {
                write.send(Message::Text(event.into())).await?;
            }
        }
    }
    write.send(Message::Close(None)).await
}
