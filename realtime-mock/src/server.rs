use std::{fmt, future::poll_fn, marker::PhantomData, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use realtime_core::{
    Protocol, Realtime,
    endpoint::Handshake,
    event::{Event, EventOf},
    transport::{CloseFrame, Duplex, Message, Text, TransportError},
};

use crate::{
    VirtualClock,
    link::End,
    transport::{Arrival, ConnectAnswer, NetworkInner},
};

/// The scripted server of a [`MockTransport`](crate::MockTransport).
///
/// By default, connections succeed and are greeted with `session.created`. [`accept`](Self::accept) returns a
/// connection to script. Clones are the same server.
#[derive(Clone)]
pub struct MockServer {
    pub(crate) shared: Arc<NetworkInner>,
}

impl MockServer {
    /// Waits for the next connection.
    pub async fn accept(&self) -> MockSession {
        self.accept_as().await
    }

    /// Waits for the next connection, for another protocol than Realtime.
    pub async fn accept_as<P: Protocol>(&self) -> MockSession<P> {
        MockSession::new(self.shared.accept().await, self.shared.clock.clone())
    }

    /// Returns the oldest pending connection, if any.
    pub fn try_accept_as<P: Protocol>(&self) -> Option<MockSession<P>> {
        self.shared.try_accept().map(|arrival| MockSession::new(arrival, self.shared.clock.clone()))
    }

    /// Sets the greeting of future connections, or turns it off. By default, it is a `session.created` that matches the
    /// handshake.
    pub fn greet_with(&self, greeting: Option<impl Into<Text>>) {
        self.shared.set_greeting(greeting.map(Into::into));
    }

    /// Sets the capacity of future connections, in messages per direction. Unlimited by default.
    pub fn capacity(&self, messages: usize) {
        self.shared.set_capacity(messages);
    }

    /// Delays the next connection attempt.
    pub fn delay_next(&self, time: Duration) {
        self.shared.answer_next(ConnectAnswer::Accept { after: time });
    }

    /// Refuses the next connection attempt with this status.
    pub fn refuse_next(&self, status: StatusCode, headers: HeaderMap, body: impl Into<String>) {
        self.shared.answer_next(ConnectAnswer::Refuse { status, headers, body: body.into() });
    }

    /// Fails the next connection attempt.
    pub fn fail_next(&self, error: TransportError) {
        self.shared.answer_next(ConnectAnswer::Fail(error));
    }

    /// Never answers the next connection attempt.
    pub fn hang_next(&self) {
        self.shared.answer_next(ConnectAnswer::Never);
    }

    /// The clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.shared.clock
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer").field("clock", &self.shared.clock).finish_non_exhaustive()
    }
}

/// The server's end of a connection. Dropping it breaks the link.
///
/// Sending needs no `await`, because there is always room. Messages arrive in order.
///
/// # Examples
/// ```
/// use realtime_core::{Client, event::ResponseCreate};
/// use realtime_mock::MockTransport;
///
/// # let (transport, server) = MockTransport::new();
/// # let client = Client::builder(transport).build();
/// # server.clock().clone().block_on(async {
/// let connection = client.realtime().model("m").connect().await?;
/// let session = server.accept().await;
/// let response = connection.response().create(Default::default())?;
/// connection.flush().await?;
/// session.expect::<ResponseCreate>().await;
/// session.send_raw(r#"{"type":"response.created","response":{"id":"r1"}}"#);
/// session.send_raw(r#"{"type":"response.done","response":{"id":"r1","status":"completed"}}"#);
/// assert_eq!(response.await?.id.as_deref(), Some("r1"));
/// # Ok::<(), realtime_core::Error>(())
/// # })?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
pub struct MockSession<P: Protocol = Realtime> {
    handshake: Handshake,
    end: End,
    clock: VirtualClock,
    protocol: PhantomData<fn() -> P>,
}

impl<P: Protocol> MockSession<P> {
    fn new(arrival: Arrival, clock: VirtualClock) -> Self {
        Self { handshake: arrival.handshake, end: arrival.end, clock, protocol: PhantomData }
    }

    /// The client's handshake.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The next message of any kind. `None` once the client has closed.
    ///
    /// # Errors
    /// The link broke.
    pub async fn message(&self) -> Result<Option<Message>, TransportError> {
        let _waiting = self.clock.waiting(|| "a message of the client".into());
        poll_fn(|cx| self.end.poll_receive(cx)).await
    }

    /// The client's next event. `None` once it has closed or the link broke.
    pub async fn next(&self) -> Option<P::ClientEvent> {
        loop {
            match self.message().await.ok()?? {
                Message::Text(text) => return Some(P::ClientEvent::decode(text.as_bytes())),
                Message::Binary(bytes) => return Some(P::ClientEvent::binary(bytes)),
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
            }
        }
    }

    /// The client's next event, which must be an `E`.
    ///
    /// # Panics
    /// Panics if it is another event, or there is none. The message says what was expected and what was received.
    #[track_caller]
    pub fn expect<E: EventOf<P::ClientEvent>>(&self) -> impl Future<Output = E> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let _waiting = self.clock.waiting(|| format!("`{}` at {caller}", E::KIND));
            match self.next().await.map(E::take) {
                Some(Ok(event)) => event,
                Some(Err(other)) => panic!(
                    "{caller}: expected `{}`, and `{}` came: {}",
                    E::KIND,
                    other.kind(),
                    other.encode().to_str().unwrap_or("(no UTF-8)"),
                ),
                None => panic!("{caller}: expected `{}`, and the client closed the connection", E::KIND),
            }
        }
    }

    /// The client's next `E`. Other events before it are skipped.
    ///
    /// # Panics
    /// Panics if the client closes first.
    pub async fn until<E: EventOf<P::ClientEvent>>(&self) -> E {
        let _waiting = self.clock.waiting(|| format!("`{}`", E::KIND));
        loop {
            match self.next().await {
                Some(event) => {
                    if let Ok(event) = E::take(event) {
                        return event;
                    }
                }
                None => panic!("expected `{}`, and the client closed the connection", E::KIND),
            }
        }
    }

    /// Waits until the client has closed the connection, skipping what it still sends. Returns its close frame.
    pub async fn closed(&self) -> Option<CloseFrame> {
        loop {
            match self.message().await {
                Ok(Some(Message::Close(frame))) => return frame,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Sends an event.
    pub fn send(&self, event: impl Into<P::ServerEvent>) {
        self.send_raw(event.into().encode());
    }

    /// Sends any text.
    pub fn send_raw(&self, text: impl Into<Text>) {
        self.send_message(Message::Text(text.into()));
    }

    /// Sends a binary message, which the service never does.
    pub fn send_binary(&self, bytes: impl Into<Bytes>) {
        self.send_message(Message::Binary(bytes.into()));
    }

    /// Sends any message.
    pub fn send_message(&self, message: Message) {
        match message {
            Message::Close(frame) => self.end.close(frame),
            message => self.end.outgoing.push(message),
        }
    }

    /// Closes the connection gracefully. The client answers.
    pub fn close(&self, code: u16, reason: &str) {
        self.end.close(Some(CloseFrame::new(code, reason)));
    }

    /// Breaks the link without a close frame. What was sent before still arrives.
    pub fn drop_link(&self) {
        self.end.cut();
    }

    /// Stalls the client's writes, or resumes them.
    pub fn stall_writes(&self, stalled: bool) {
        self.end.incoming.stall_writer(stalled);
    }

    /// Stalls the client's reads, or resumes them.
    pub fn stall_reads(&self, stalled: bool) {
        self.end.outgoing.stall_reader(stalled);
    }

    /// Makes the link half-open: nothing arrives on either side, and neither side is notified. `false` repairs it.
    pub fn half_open(&self, half_open: bool) {
        self.end.incoming.stall_reader(half_open);
        self.end.outgoing.stall_reader(half_open);
    }

    /// This end as a transport's two halves. The read half answers pings and close frames.
    pub fn into_duplex(self) -> Duplex {
        self.end.into_duplex(usize::MAX)
    }

    /// Number of messages of the client that were not received yet.
    pub fn waiting(&self) -> usize {
        self.end.incoming.len()
    }
}

impl<P: Protocol> fmt::Debug for MockSession<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockSession").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}
