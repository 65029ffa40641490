use async_trait::async_trait;
use futures::{
    Sink, SinkExt, Stream, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::HeaderMap;
use realtime_core::transport::{Duplex, Message, ReadHalf, TransportError, WriteHalf};
use tungstenite::{Error, Message as Wire};

use crate::convert::{error, from_wire, to_wire};

/// Makes a connection of an open WebSocket, as tokio-tungstenite and async-tungstenite have it.
pub fn duplex<S>(socket: S, headers: HeaderMap) -> Duplex
where
    S: Stream<Item = Result<Wire, Error>> + Sink<Wire, Error = Error> + Send + 'static,
{
    let (write, read) = socket.split();
    let mut duplex = Duplex::new(Write(write), Read(read));
    duplex.headers = headers;
    duplex.can_ping = true;
    duplex
}

struct Write<S>(SplitSink<S, Wire>);
struct Read<S>(SplitStream<S>);

#[async_trait]
impl<S: Sink<Wire, Error = Error> + Send + 'static> WriteHalf for Write<S> {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        self.0.send(to_wire(message)).await.map_err(error)
    }
}

#[async_trait]
impl<S: Stream<Item = Result<Wire, Error>> + Send + 'static> ReadHalf for Read<S> {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        loop {
            match self.0.next().await {
                Some(Ok(message)) => {
                    if let Some(message) = from_wire(message) {
                        return Ok(Some(message));
                    }
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => return Ok(None),
                Some(Err(failure)) => return Err(error(failure)),
            }
        }
    }
}
