use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    net::SocketAddr,
    task::Poll,
};

use futures::{SinkExt, StreamExt, channel::mpsc};
use realtime_core::{
    Error, Protocol,
    connection::{LinkSendError, LinkSender, OpenLink, SendErrorKind},
    event::{ErrorEvent, Event, Recognition},
    transport::{CloseFrame, Duplex, Handshake, Message, Text},
    types::ErrorBody,
};

use crate::{Acceptor, listener::Place};

/// An accepted upgrade, before it is decided what is spoken over it.
pub struct Accepted {
    duplex: Duplex,
    handshake: Handshake,
    acceptor: Acceptor,
    place: Option<Place>,
    address: Option<SocketAddr>,
}

impl Accepted {
    pub(crate) fn new(
        duplex: Duplex,
        handshake: Handshake,
        acceptor: Acceptor,
        place: Option<Place>,
        address: Option<SocketAddr>,
    ) -> Self {
        Self { duplex, handshake, acceptor, place, address }
    }

    /// A connection over a link of another kind, such as one in memory.
    pub fn over(duplex: Duplex, handshake: Handshake, acceptor: &Acceptor) -> Self {
        Self::new(duplex, handshake, acceptor.clone(), None, None)
    }

    /// The request.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The address of the client, if a [`Listener`](crate::Listener) has accepted it.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Opens a typed connection.
    pub fn open<P: Protocol>(self) -> ServerConnection<P> {
        let (link, handshake, place) = self.into_link();
        let sender = ServerSender { link: link.sender(), protocol: PhantomData };
        ServerConnection { link, handshake, sender, _place: place }
    }

    /// The raw link, without the protocol's types, and the request. The guard is this client's place in the listener, and
    /// must live as long as the link.
    pub fn into_parts(self) -> (OpenLink, Handshake, impl Send + 'static) {
        self.into_link()
    }

    pub(crate) fn into_link(self) -> (OpenLink, Handshake, Option<Place>) {
        let Self { duplex, handshake, acceptor, mut place, .. } = self;
        let link = OpenLink::new(duplex, acceptor.timer().clone(), acceptor.options.clone());
        if let Some(place) = &mut place {
            place.attach(link.sender());
        }
        (link, handshake, place)
    }

    /// The halves of the link. Draining the listener does not close it.
    pub fn into_duplex(self) -> (Duplex, impl Send + 'static) {
        (self.duplex, self.place)
    }

    /// Refuses as OpenAI does: by an `error` event after the upgrade, and then a close with 3000 for a refused credential
    /// or 4000 for a refused request. Browsers do not show the status of a refused upgrade, but they show these.
    ///
    /// ```
    /// use realtime_core::{Error, types::ErrorBody};
    /// use realtime_server::{Accepted, Denial};
    ///
    /// async fn deny(accepted: Accepted) -> Result<(), Error> {
    ///     accepted.deny(Denial::credential("Incorrect API key provided.")).await
    /// }
    /// ```
    ///
    /// # Errors
    /// The link failed before the client has closed.
    pub async fn deny(self, denial: Denial) -> Result<(), Error> {
        let (mut link, _, _place) = self.into_link();
        // The outbox of a new link has room.
        let _ = link.send(Message::Text(denial.event.encode()));
        link.finish(denial.close);
        link.closed().await
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}

/// A refusal after the upgrade: see [`Accepted::deny`].
#[derive(Clone, Debug)]
pub struct Denial {
    event: realtime_core::event::ServerEvent,
    close: CloseFrame,
}

impl Denial {
    /// Refuses the credential: `invalid_api_key`, close code 3000.
    pub fn credential(message: impl Into<String>) -> Self {
        Self::new(3000, "invalid_api_key", message)
    }

    /// Refuses the request: this error code, close code 4000.
    pub fn request(code: &str, message: impl Into<String>) -> Self {
        Self::new(4000, code, message)
    }

    fn new(close: u16, code: &str, message: impl Into<String>) -> Self {
        let mut error = ErrorBody::new(message.into());
        error.kind = Some("invalid_request_error".into());
        error.code = Some(code.into());
        Self {
            event: ErrorEvent::new(error).into(),
            close: CloseFrame::new(close, format!("invalid_request_error.{code}")),
        }
    }
}

/// An event of the client, with the text that it came as.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Received<E> {
    /// The event. One that is unknown, malformed or invalid is an event too.
    pub event: E,
    /// The message. An event that is encoded again lacks the members that this crate does not know; the text has them.
    pub text: Text,
}

impl<E: Event> fmt::Debug for Received<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("event", &self.event).field("text", &self.text).finish()
    }
}

/// The server's end of a connection: events of the client in, events of the server out.
///
/// # Driving
/// Nothing is spawned. [`next`](Self::next) reads, writes, answers pings and keeps deadlines while it waits. An application
/// that does other things between events [splits](Self::split) the connection and spawns the driver.
///
/// # Bounds
/// The outbox is limited by [`LinkOptions::queue_bytes`](realtime_core::connection::LinkOptions::queue_bytes). Nothing is
/// read ahead: a client is slowed down while its events are not read.
///
/// # Examples
/// ```
/// use realtime_core::{Error, Realtime, event::{ClientEvent, ResponseDone}, types::{Response, ResponseStatus}};
/// use realtime_server::ServerConnection;
///
/// /// A server that answers with nothing.
/// async fn serve(mut connection: ServerConnection<Realtime>) -> Result<(), Error> {
///     while let Some(received) = connection.next().await {
///         if let ClientEvent::ResponseCreate(_) = received?.event {
///             let response = Response::default().status(ResponseStatus::Completed);
///             let _ = connection.send(ResponseDone::new(response)); // fails if the client reads nothing
///         }
///     }
///     connection.close(1000, "").await
/// }
/// ```
pub struct ServerConnection<P: Protocol> {
    link: OpenLink,
    handshake: Handshake,
    sender: ServerSender<P>,
    _place: Option<Place>,
}

impl<P: Protocol> ServerConnection<P> {
    /// The client's request.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The client's next event. `None` after the end: the client has closed with code 1000, or this side has closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    ///
    /// # Errors
    /// The reason for the end of the connection: the last item.
    pub async fn next(&mut self) -> Option<Result<Received<P::ClientEvent>, Error>> {
        Some(self.link.next().await?.map(read::<P>))
    }

    /// Queues an event.
    ///
    /// # Errors
    /// See [`ServerSender::send`].
    pub fn send(&self, event: impl Into<P::ServerEvent>) -> Result<(), SendErrorKind> {
        self.sender.send(event)
    }

    /// A handle that sends and closes, from any task or thread. Clones are the same outbox.
    pub fn sender(&self) -> ServerSender<P> {
        self.sender.clone()
    }

    /// Drives the connection until everything queued was written. Nothing is read meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// The reason for the end of the connection.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.link.flush().await
    }

    /// Writes what is queued, closes with this code and reason, and waits for the client to close, with the timeouts of
    /// [`LinkOptions`](realtime_core::connection::LinkOptions). What the client still sends is dropped.
    ///
    /// # Errors
    /// The connection failed first.
    pub async fn close(mut self, code: u16, reason: &str) -> Result<(), Error> {
        self.link.finish(CloseFrame::new(code, reason));
        self.link.closed().await
    }

    /// The close frame of the client, once it was received. Code 1005 stands for a frame without a code.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.link.peer_close()
    }

    /// Separates sending, receiving and driving. Spawn the driver: while it runs, events are sent, pings answered and
    /// deadlines kept, whatever the application does. It returns how the connection ended.
    ///
    /// At most two events wait to be received. If the receiver is dropped, the driver closes with 1011 unless a sender
    /// has [closed](ServerSender::finish).
    pub fn split(
        self,
    ) -> (ServerSender<P>, ServerReceiver<P>, impl Future<Output = Result<(), Error>> + Send + 'static) {
        let Self { link, sender, _place: place, .. } = self;
        let (events, receiver) = mpsc::channel(1);
        let driver = async move {
            let _place = place;
            drive::<P>(link, events).await
        };
        (sender, ServerReceiver(receiver), driver)
    }
}

fn read<P: Protocol>(message: Message) -> Received<P::ClientEvent> {
    match message {
        Message::Binary(bytes) => {
            Received { event: P::ClientEvent::binary(bytes.clone()), text: Text::declared(bytes) }
        }
        Message::Text(text) => Received { event: P::ClientEvent::decode(text.as_bytes()), text },
        // A link delivers nothing else.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {
            Received { event: P::ClientEvent::decode(b""), text: Text::default() }
        }
    }
}

async fn drive<P: Protocol>(
    mut link: OpenLink,
    mut events: mpsc::Sender<Received<P::ClientEvent>>,
) -> Result<(), Error> {
    loop {
        let next = poll_fn(|cx| {
            let room = events.poll_ready(cx);
            let gone = matches!(room, Poll::Ready(Err(_)));
            match link.poll_message(cx, room.is_ready()) {
                Poll::Ready(next) => Poll::Ready(Some(next)),
                Poll::Pending if gone => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match next.await {
            Some(Some(Ok(message))) => {
                let received = read::<P>(message);
                if events.feed(received).await.is_err() {
                    break;
                }
            }
            Some(Some(Err(error))) => return Err(error),
            Some(None) => return link.end().cloned().unwrap_or(Ok(())),
            None => break,
        }
    }
    link.finish(CloseFrame::new(1011, "the session ended"));
    link.closed().await
}

impl<P: Protocol> fmt::Debug for ServerConnection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConnection").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}

/// Sends events of the server, and closes. Clones are the same outbox.
pub struct ServerSender<P: Protocol> {
    link: LinkSender,
    protocol: PhantomData<fn(P)>,
}

impl<P: Protocol> ServerSender<P> {
    /// Queues an event.
    ///
    /// # Errors
    /// [`Full`](SendErrorKind::Full): await [`ready`](Self::ready) and send again. [`Closed`](SendErrorKind::Closed),
    /// [`TooLarge`](SendErrorKind::TooLarge). [`NoEvent`](SendErrorKind::NoEvent): a malformed or invalid event.
    pub fn send(&self, event: impl Into<P::ServerEvent>) -> Result<(), SendErrorKind> {
        let event = event.into();
        if let Recognition::Malformed(_) | Recognition::Invalid(_) = event.recognition() {
            return Err(SendErrorKind::NoEvent);
        }
        self.send_text(event.encode()).map_err(|error| error.kind)
    }

    /// Queues any text, such as an event that was received from elsewhere.
    ///
    /// # Errors
    /// As for [`send`](Self::send), with the message.
    pub fn send_text(&self, text: impl Into<Text>) -> Result<(), LinkSendError> {
        self.link.send(Message::Text(text.into()))
    }

    /// Waits until there is room. It does not drive the connection.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    ///
    /// # Errors
    /// [`Closed`](SendErrorKind::Closed).
    pub async fn ready(&self) -> Result<(), SendErrorKind> {
        self.link.ready().await
    }

    /// Closes with this code and reason once everything queued was written. Nothing more is accepted.
    pub fn finish(&self, code: u16, reason: &str) {
        self.link.finish(CloseFrame::new(code, reason));
    }
}

impl<P: Protocol> Clone for ServerSender<P> {
    fn clone(&self) -> Self {
        Self { link: self.link.clone(), protocol: PhantomData }
    }
}

impl<P: Protocol> fmt::Debug for ServerSender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSender").finish_non_exhaustive()
    }
}

/// Receives the events of a [split](ServerConnection::split) connection.
pub struct ServerReceiver<P: Protocol>(mpsc::Receiver<Received<P::ClientEvent>>);

impl<P: Protocol> ServerReceiver<P> {
    /// The client's next event. `None` after the end, which the driver returns the reason for.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Received<P::ClientEvent>> {
        self.0.next().await
    }
}

impl<P: Protocol> fmt::Debug for ServerReceiver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerReceiver").finish_non_exhaustive()
    }
}
