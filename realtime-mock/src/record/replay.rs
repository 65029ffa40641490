use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use realtime_core::{
    Protocol,
    endpoint::Handshake,
    transport::{Duplex, Instant, Message, ReadHalf, Timer, Transport, TransportError, TransportErrorKind, WriteHalf},
};

use super::{
    Cassette, EntryKind, Matching, Mismatch,
    player::{Next, Player},
    redact::Redactor,
};
use crate::MockSession;

/// A cassette prepared for replay. See [`Cassette::replay`].
#[derive(Clone, Debug)]
#[must_use = "nothing is played before there is a transport, or a session to play it to"]
pub struct Replay {
    cassette: Cassette,
    matching: Matching,
    paced: bool,
}

impl Cassette {
    /// Replays the server's side.
    ///
    /// ```
    /// use realtime_core::Client;
    /// use realtime_mock::{Cassette, VirtualClock};
    ///
    /// let cassette: Cassette = r#"
    /// {"cassette":1}
    /// {"ms":0,"link":1,"opened":"wss://api.openai.com/v1/realtime?model=m","headers":["authorization"]}
    /// {"ms":80,"link":1,"from":"server","event":{"type":"session.created","session":{"type":"realtime"}}}
    /// {"ms":90,"link":1,"from":"client","event":{"type":"input_audio_buffer.clear"}}
    /// {"ms":99,"link":1,"from":"server","event":{"type":"input_audio_buffer.cleared"}}
    /// "#.parse()?;
    /// let clock = VirtualClock::new();
    /// let replay = cassette.replay().transport(&clock);
    /// let client = Client::builder(replay.clone()).build();
    /// clock.block_on(async {
    ///     let connection = client.realtime().model("m").connect().await?;
    ///     connection.input_audio_buffer().clear()?.await?;
    ///     Ok::<(), realtime_core::Error>(())
    /// })?;
    /// assert!(replay.is_over());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay(&self) -> Replay {
        Replay { cassette: self.clone(), matching: Matching::default(), paced: false }
    }
}

impl Replay {
    /// Sets how closely the client must follow the recording. Strictly by default.
    pub fn matching(mut self, matching: Matching) -> Self {
        self.matching = matching;
        self
    }

    /// Sets whether to keep the recorded timing: a message is sent no earlier after the opening than it was recorded.
    /// Off by default: each message is sent once the client has sent everything recorded before it.
    pub fn paced(mut self, paced: bool) -> Self {
        self.paced = paced;
        self
    }

    /// Creates a transport whose connections are those of the cassette, in order.
    pub fn transport(&self, timer: &(impl Timer + Clone)) -> ReplayTransport {
        let mut links: Vec<u32> = self.cassette.entries().iter().map(|entry| entry.link).collect();
        links.sort_unstable();
        links.dedup();
        ReplayTransport(Arc::new(ReplayInner {
            replay: self.clone(),
            timer: Arc::new(timer.clone()),
            state: Mutex::new(Links { waiting: links.into(), open: Vec::new() }),
        }))
    }

    /// Replays one connection of the cassette, counted from 1, to a client connected to a
    /// [`MockServer`](crate::MockServer). Returns at the end of the recording; the session is then still open if the
    /// recorded one was. The recording includes the greeting, so turn off the server's own with
    /// [`greet_with`](crate::MockServer::greet_with).
    ///
    /// # Errors
    /// The client sent something else.
    pub async fn play<P: Protocol>(&self, link: u32, session: &MockSession<P>) -> Result<(), Mismatch> {
        let redactor = Redactor::new(session.handshake());
        let mut player = Player::new(self.cassette.link(link), self.matching, redactor);
        loop {
            match player.next() {
                Next::Say(message, _) => {
                    session.send_message(message);
                    player.said();
                }
                Next::Listen if player.missing() == 0 => return Ok(()),
                Next::Listen => match session.message().await {
                    Ok(Some(message)) => player.hear(&message)?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                Next::End { broken } => {
                    if broken {
                        session.drop_link();
                    }
                    return Ok(());
                }
            }
        }
    }
}

/// A transport that replays a cassette. See [`Cassette::replay`].
///
/// Writing an event that differs from the recording fails with an error that says so; [`mismatch`](Self::mismatch)
/// returns the difference. Clones are the same transport.
#[derive(Clone)]
pub struct ReplayTransport(Arc<ReplayInner>);

struct ReplayInner {
    replay: Replay,
    timer: Arc<dyn Timer>,
    state: Mutex<Links>,
}

struct Links {
    waiting: VecDeque<u32>,
    open: Vec<Arc<Line>>,
}

impl ReplayTransport {
    /// The first event of the client that differs from the recording, if any.
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.links().open.iter().find_map(|line| line.state().mismatch.clone())
    }

    /// Whether everything was replayed, including all events of the client.
    pub fn is_over(&self) -> bool {
        let links = self.links();
        let over = |line: &Arc<Line>| {
            let mut state = line.state();
            !matches!(state.player.next(), Next::Say(..)) && state.player.missing() == 0 && state.mismatch.is_none()
        };
        links.waiting.is_empty() && links.open.iter().all(over)
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ReplayTransport {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let ReplayInner { replay, timer, .. } = &*self.0;
        let mut links = self.links();
        let Some(link) = links.waiting.pop_front() else {
            return Err(TransportError::new(TransportErrorKind::Connect, "the cassette has no other connection"));
        };
        let mut opened = None;
        for (_, entry) in replay.cassette.link(link) {
            match entry.kind {
                EntryKind::Failed { error, status } => {
                    return Err(match status.and_then(|status| StatusCode::from_u16(status).ok()) {
                        Some(status) => TransportError::rejected(status, HeaderMap::new(), error.into()),
                        None => TransportError::new(TransportErrorKind::Connect, error),
                    });
                }
                _ => opened = opened.or(Some(entry.ms)),
            }
        }
        let player = Player::new(replay.cassette.link(link), replay.matching, Redactor::new(&handshake));
        let line = Arc::new(Line {
            // What is said at `ms` of the recording is said then.
            began: timer.now(),
            began_ms: opened.unwrap_or_default(),
            paced: replay.paced,
            timer: timer.clone(),
            state: Mutex::new(State { player, pongs: VecDeque::new(), mismatch: None, reader: None }),
        });
        links.open.push(line.clone());
        drop(links);
        let mut duplex = Duplex::new(Write(line.clone()), Read { line, alarm: None });
        duplex.can_ping = true;
        Ok(duplex)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.0.timer.clone()
    }
}

impl fmt::Debug for ReplayTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayTransport").field("matching", &self.0.replay.matching).finish_non_exhaustive()
    }
}

struct Line {
    began: Instant,
    began_ms: u64,
    paced: bool,
    timer: Arc<dyn Timer>,
    state: Mutex<State>,
}

struct State {
    player: Player,
    pongs: VecDeque<Message>,
    mismatch: Option<Mismatch>,
    reader: Option<Waker>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message, or until when there is none.
    fn poll(&self, cx: &Context<'_>) -> Result<Result<Option<Message>, TransportError>, Option<Instant>> {
        let mut state = self.state();
        if let Some(mismatch) = &state.mismatch {
            return Ok(Err(TransportError::new(TransportErrorKind::Protocol, mismatch.clone())));
        }
        if let Some(pong) = state.pongs.pop_front() {
            return Ok(Ok(Some(pong)));
        }
        let until = match state.player.next() {
            Next::Say(message, ms) => {
                let at = self.began + Duration::from_millis(ms.saturating_sub(self.began_ms));
                if !self.paced || self.timer.now() >= at {
                    state.player.said();
                    return Ok(Ok(Some(message)));
                }
                Some(at)
            }
            Next::End { broken: false } => return Ok(Ok(None)),
            Next::End { broken: true } => {
                return Ok(Err(TransportError::new(TransportErrorKind::Io, "the recorded connection broke here")));
            }
            Next::Listen => None,
        };
        let replaced = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Err(until)
    }
}

struct Write(Arc<Line>);

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let (heard, reader) = {
            let mut state = self.0.state();
            if let Message::Ping(payload) = &message {
                state.pongs.push_back(Message::Pong(payload.clone()));
            }
            let heard = match &state.mismatch {
                Some(mismatch) => Err(mismatch.clone()),
                None => state.player.hear(&message),
            };
            if let Err(mismatch) = &heard {
                state.mismatch = Some(mismatch.clone());
            }
            (heard, state.reader.take())
        };
        reader.into_iter().for_each(Waker::wake);
        heard.map_err(|mismatch| TransportError::new(TransportErrorKind::Protocol, mismatch))
    }
}

struct Read {
    line: Arc<Line>,
    /// Rings when the server was to go on.
    alarm: Option<(Instant, BoxFuture<'static, ()>)>,
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let Self { line, alarm } = self;
        poll_fn(|cx| {
            loop {
                let until = match line.poll(cx) {
                    Ok(message) => return Poll::Ready(message),
                    Err(until) => until,
                };
                let Some(until) = until else {
                    *alarm = None;
                    return Poll::Pending;
                };
                if alarm.as_ref().is_none_or(|(at, _)| *at != until) {
                    *alarm = Some((until, line.timer.sleep_until(until)));
                }
                if let Some((_, rings)) = alarm {
                    std::task::ready!(rings.as_mut().poll(cx));
                }
                *alarm = None;
            }
        })
        .await
    }
}
