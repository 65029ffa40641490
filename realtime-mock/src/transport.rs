use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use realtime_core::{
    endpoint::Handshake,
    transport::{Duplex, Message, Text, Timer, Transport, TransportError},
};

use crate::{
    clock::VirtualClock,
    link::{self, End},
    server::MockServer,
};

/// An in-memory transport that connects to a [`MockServer`].
///
/// It opens no socket, needs no runtime, and uses a [`VirtualClock`]. Clones connect to the same server.
///
/// # Examples
/// ```
/// use realtime_core::Client;
/// use realtime_mock::MockTransport;
///
/// let (transport, server) = MockTransport::new();
/// let client = Client::builder(transport).build();
/// server.clock().block_on(async {
///     let connection = client.realtime().model("m").connect().await?;
///     let session = server.accept().await;
///     assert_eq!(session.handshake().uri.query(), Some("model=m"));
///     session.close(1000, "");
///     while let Some(event) = connection.next().await {
///         println!("{:?}", event?); // `session.created`
///     }
///     Ok::<(), realtime_core::Error>(())
/// })?;
/// # Ok::<(), realtime_core::Error>(())
/// ```
#[derive(Clone)]
pub struct MockTransport {
    pub(crate) shared: Arc<NetworkInner>,
}

/// State shared by the transport and its server.
pub(crate) struct NetworkInner {
    pub(crate) clock: VirtualClock,
    state: Mutex<State>,
}

struct State {
    capacity: usize,
    greeting: Greeting,
    arrivals: VecDeque<Arrival>,
    /// Outcomes of the next connection attempts, in order. After that, all succeed.
    answers: VecDeque<ConnectAnswer>,
    accepting: Option<Waker>,
}

enum Greeting {
    /// A `session.created` that matches the handshake.
    Fitting,
    Fixed(Option<Text>),
}

/// A connection attempt that the server has not accepted yet.
pub(crate) struct Arrival {
    pub(crate) handshake: Handshake,
    pub(crate) end: End,
}

/// Outcome of a connection attempt.
pub(crate) enum ConnectAnswer {
    Accept { after: Duration },
    Refuse { status: StatusCode, headers: HeaderMap, body: String },
    Fail(TransportError),
    Never,
}

impl MockTransport {
    /// Creates a transport and its server, on their own clock.
    pub fn new() -> (Self, MockServer) {
        Self::on(&VirtualClock::new())
    }

    /// Creates a transport and its server, on this clock.
    pub fn on(clock: &VirtualClock) -> (Self, MockServer) {
        let state = State {
            capacity: usize::MAX,
            greeting: Greeting::Fitting,
            arrivals: VecDeque::new(),
            answers: VecDeque::new(),
            accepting: None,
        };
        let shared = Arc::new(NetworkInner { clock: clock.clone(), state: Mutex::new(state) });
        (Self { shared: shared.clone() }, MockServer { shared })
    }

    /// The clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.shared.clock
    }
}

impl NetworkInner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_capacity(&self, messages: usize) {
        self.state().capacity = messages;
    }

    pub(crate) fn set_greeting(&self, greeting: Option<Text>) {
        self.state().greeting = Greeting::Fixed(greeting);
    }

    pub(crate) fn answer_next(&self, answer: ConnectAnswer) {
        self.state().answers.push_back(answer);
    }

    pub(crate) async fn accept(&self) -> Arrival {
        let _waiting = self.clock.waiting(|| "a connection".into());
        poll_fn(|cx| {
            let mut state = self.state();
            match state.arrivals.pop_front() {
                Some(arrival) => Poll::Ready(arrival),
                None => {
                    let replaced = state.accepting.replace(cx.waker().clone());
                    drop(state);
                    drop(replaced);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The latest pending connection, if any.
    pub(crate) fn try_accept(&self) -> Option<Arrival> {
        self.state().arrivals.pop_front()
    }
}

/// The `session.created` for the session requested by the handshake.
fn greeting(handshake: &Handshake) -> Text {
    let query = handshake.uri.query().unwrap_or_default();
    let value = |name| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    let kind = match () {
        () if handshake.uri.path().ends_with("/translations") => "translation",
        () if value("intent").as_deref() == Some("transcription") => "transcription",
        () => "realtime",
    };
    let mut session = serde_json::json!({ "type": kind, "id": "sess_mock", "object": "realtime.session" });
    if let Some(model) = value("model") {
        session["model"] = model.into();
    }
    let event = serde_json::json!({ "type": "session.created", "event_id": "event_mock", "session": session });
    event.to_string().into()
}

#[async_trait]
impl Transport for MockTransport {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let answer = self.shared.state().answers.pop_front();
        match answer {
            None => {}
            Some(ConnectAnswer::Accept { after }) => self.shared.clock.sleep(after).await,
            Some(ConnectAnswer::Refuse { status, headers, body }) => {
                return Err(TransportError::rejected(status, headers, body.into()));
            }
            Some(ConnectAnswer::Fail(error)) => return Err(error),
            Some(ConnectAnswer::Never) => std::future::pending().await,
        }
        let (near, end) = link::ends(self.shared.state().capacity);
        let limit = handshake.max_message_size;
        let waker = {
            let mut state = self.shared.state();
            let greeting = match &state.greeting {
                Greeting::Fitting => Some(greeting(&handshake)),
                Greeting::Fixed(greeting) => greeting.clone(),
            };
            if let Some(greeting) = greeting {
                end.outgoing.push(Message::Text(greeting));
            }
            state.arrivals.push_back(Arrival { handshake, end });
            state.accepting.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(near.into_duplex(limit))
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.shared.clock.clone())
    }
}

impl fmt::Debug for MockTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockTransport").field("clock", &self.shared.clock).finish_non_exhaustive()
    }
}
