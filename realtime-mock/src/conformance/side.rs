//! One side of a connection under test, with words for what goes wrong.

use std::{
    collections::BTreeMap,
    error::Error,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use futures::{
    FutureExt, Sink, SinkExt, StreamExt, TryFutureExt,
    future::{self, BoxFuture},
    stream::FuturesUnordered,
};
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Message, Reader, Received, Text, Transport, TransportError},
};

use super::{Harness, RawServer};

/// Why a case is broken: a sentence that begins after "But".
pub(super) type Outcome<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}
pub(super) use ensure;

/// What a case works with.
#[derive(Clone)]
pub(super) struct Cx {
    pub(super) harness: Arc<dyn Harness>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) waits: Waits,
}

/// What a case waits for, in words: what is to be told if it waits for ever.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits(Arc<Mutex<BTreeMap<u64, String>>>);

impl Waits {
    /// Describes a wait while the guard exists.
    fn begin(&self, what: String) -> Waiting {
        let mut waits = self.lock();
        let id = waits.last_key_value().map_or(0, |(last, _)| last + 1);
        waits.insert(id, what);
        drop(waits);
        Waiting { waits: self.clone(), id }
    }

    /// All that is waited for, as the end of a sentence. Empty if that is nothing.
    pub(super) fn tell(&self) -> String {
        let waits: Vec<_> = self.lock().values().cloned().collect();
        if waits.is_empty() { String::new() } else { format!(": {}", waits.join("; ")) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Waiting {
    waits: Waits,
    id: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A clock that stands still panics, and what was waited for then is to be told.
        if !thread::panicking() {
            self.waits.lock().remove(&self.id);
        }
    }
}

/// One side of a connection.
pub(super) struct Side {
    pub(super) write: Out,
    pub(super) read: In,
    pub(super) can_ping: bool,
}

/// What goes out, as a connection writes it.
pub(super) struct Out(&'static str, Pin<Box<dyn Sink<Message, Error = TransportError> + Send>>);

/// What comes in, as a connection reads it. None after the end.
pub(super) struct In {
    name: &'static str,
    incoming: Option<Box<dyn Reader>>,
    /// Whether the next text may be lent without being validated. It changes with every message.
    is_raw: bool,
    waits: Waits,
}

/// How a side's messages came to their end.
#[derive(Debug)]
pub(super) enum Ending {
    /// In order.
    None,
    Failed(TransportError),
}

impl Cx {
    /// A connection: the transport's side, and the peer's.
    pub(super) async fn pair(&self) -> Outcome<(Side, Side)> {
        self.pair_with(self.harness.handshake()).await
    }

    pub(super) async fn pair_with(&self, handshake: Handshake) -> Outcome<(Side, Side)> {
        let connect = self.transport.connect(handshake).map_err(|error| format!("connecting failed: {}", tell(&error)));
        let (client, peer) = future::try_join(connect, self.peer().map(Ok)).await?;
        Ok((self.client(client), peer))
    }

    /// The transport's side of a connection.
    pub(super) fn client(&self, duplex: Duplex) -> Side {
        Side::new("the transport", duplex, &self.waits)
    }

    /// The peer's side of the next connection.
    pub(super) async fn peer(&self) -> Side {
        Side::new("the peer", self.harness.accept().await, &self.waits)
    }

    /// The server, in a case about frames.
    pub(super) fn server(&self) -> Outcome<&RawServer> {
        self.harness.websocket().ok_or_else(|| "there is no server".into())
    }
}

impl Side {
    fn new(name: &'static str, duplex: Duplex, waits: &Waits) -> Self {
        Self {
            write: Out(name, duplex.write.into_sink()),
            read: In { name, incoming: Some(duplex.read.into_reader()), is_raw: true, waits: waits.clone() },
            can_ping: duplex.can_ping,
        }
    }
}

impl Out {
    pub(super) async fn send(&mut self, message: Message) -> Outcome {
        let what = describe(&message);
        self.1.send(message).await.map_err(|error| format!("{} could not send {what}: {}", self.0, tell(&error)))
    }

    /// Sends a message together with those that follow, until they are flushed.
    pub(super) async fn feed(&mut self, message: Message) -> Outcome {
        let what = describe(&message);
        self.1.feed(message).await.map_err(|error| format!("{} could not take {what}: {}", self.0, tell(&error)))
    }

    pub(super) async fn flush(&mut self) -> Outcome {
        self.1.flush().await.map_err(|error| format!("{} could not send what it took: {}", self.0, tell(&error)))
    }

    pub(super) async fn text(&mut self, text: impl Into<Text>) -> Outcome {
        self.send(Message::Text(text.into())).await
    }
}

impl In {
    /// The next message of any kind, or the end.
    pub(super) async fn any(&mut self) -> Result<Message, Ending> {
        let Some(incoming) = &mut self.incoming else { return Err(Ending::None) };
        let _waiting = self.waits.begin(format!("{} waits for a message, or the end", self.name));
        let is_raw = self.is_raw;
        self.is_raw = !is_raw;
        let ending = loop {
            let next = future::poll_fn(|cx| {
                let next = if is_raw { incoming.poll_receive_raw(cx) } else { incoming.poll_receive(cx) };
                next.map_ok(Received::into_message)
            });
            match next.await {
                // Given back, as a connection does. What is wrong with it comes next.
                Some(Ok(Message::Text(text))) if is_raw && text.to_str().is_err() && incoming.reject_text() => {}
                Some(Ok(message)) => return Ok(message),
                Some(Err(error)) => break Ending::Failed(error),
                None => break Ending::None,
            }
        };
        self.incoming = None;
        Err(ending)
    }

    /// The next message other than pings and pongs, or the end.
    pub(super) async fn next(&mut self) -> Result<Message, Ending> {
        loop {
            match self.any().await {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => return other,
            }
        }
    }

    pub(super) async fn expect(&mut self, expected: &Message) -> Outcome {
        let _waiting = self.waits.begin(format!("{} was to receive {}", self.name, describe(expected)));
        let got = match self.next().await {
            Ok(message) if message == *expected => return Ok(()),
            Ok(message) => describe(&message),
            Err(Ending::None) => "the end".into(),
            Err(Ending::Failed(error)) => format!("an error: {}", tell(&error)),
        };
        let expected = describe(expected);
        let other = if got == expected { " with other contents" } else { "" };
        Err(format!("{} was to receive {expected}, and received {got}{other}", self.name))
    }

    pub(super) async fn expect_text(&mut self, text: impl Into<Text>) -> Outcome {
        self.expect(&Message::Text(text.into())).await
    }

    /// Reads to the end, which must come without another message of the application. Whether in order, and whether a
    /// close frame came.
    pub(super) async fn end(&mut self) -> Outcome<(Ending, bool)> {
        let mut closed = false;
        loop {
            match self.next().await {
                Ok(Message::Close(_)) => closed = true,
                Ok(message) => return Err(format!("{} received {} at the end", self.name, describe(&message))),
                Err(ending) => return Ok((ending, closed)),
            }
        }
    }
}

/// Runs all of them to their ends, or to the first failure. Each is polled only when its own waker was woken.
pub(super) async fn apart<const N: usize>(futures: [BoxFuture<'_, Outcome>; N]) -> Outcome {
    let mut futures: FuturesUnordered<_> = futures.into_iter().collect();
    while let Some(outcome) = futures.next().await {
        outcome?;
    }
    Ok(())
}

/// Runs the first to its end, and the second for as long. Each is polled only when its own waker was woken.
pub(super) async fn beside(first: BoxFuture<'_, Outcome>, second: BoxFuture<'_, ()>) -> Outcome {
    let second = second.then(|()| future::pending()).boxed();
    let mut futures: FuturesUnordered<_> = [first, second].into_iter().collect();
    futures.next().await.unwrap_or(Ok(()))
}

/// A message in a few words: a payload has no place in a report.
pub(super) fn describe(message: &Message) -> String {
    let bytes = message.len();
    match message {
        Message::Text(_) => format!("a text of {bytes} bytes"),
        Message::Binary(_) => format!("a binary message of {bytes} bytes"),
        Message::Ping(_) => format!("a ping of {bytes} bytes"),
        Message::Pong(_) => format!("a pong of {bytes} bytes"),
        Message::Close(Some(frame)) => format!("a close frame with {frame}"),
        Message::Close(None) => "a close frame without a code".into(),
    }
}

/// An error with what caused it.
pub(super) fn tell(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
