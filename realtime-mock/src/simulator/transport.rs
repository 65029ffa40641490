use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use realtime_core::{
    endpoint::Handshake,
    transport::{
        CloseFrame, Duplex, Http, Instant, Message, ReadHalf, Timer, Transport, TransportError, TransportErrorKind,
        WriteHalf,
    },
};

use super::{
    Simulator,
    handle::SimulatedSession,
    jobs::{Jobs, Told},
    live::Port,
    request::{Request, SessionKind},
    session::Session,
};

/// In-memory transport to a [`Simulator`]: no socket, no runtime, no task. Reading drives the session.
///
/// Like any other transport, it can be wrapped to inject faults or to record.
#[derive(Clone)]
pub struct SimulatorTransport {
    simulator: Simulator,
    timer: Arc<dyn Timer>,
}

impl SimulatorTransport {
    pub(super) fn new(simulator: Simulator, timer: Arc<dyn Timer>) -> Self {
        Self { simulator, timer }
    }
}

#[async_trait]
impl Transport for SimulatorTransport {
    async fn connect(&self, handshake: Handshake) -> Result<Duplex, TransportError> {
        let mut request = Request::read(&handshake)?;
        self.simulator.admit(&mut request, &*self.timer);
        let is_talk = matches!(request.kind, SessionKind::Realtime | SessionKind::Transcription);
        if self.simulator.settings.responder.is_some() && !is_talk {
            let body = r#"{"error":{"message":"This model only holds conversations.","type":"invalid_request_error"}}"#;
            return Err(TransportError::rejected(StatusCode::NOT_FOUND, HeaderMap::new(), body.into()));
        }
        let jobs = Jobs::new(&self.simulator.settings);
        let (settings, sessions) = (self.simulator.settings.clone(), &self.simulator.sessions);
        let number = sessions.number();
        let session = if request.kind.is_live() {
            Session::live(Port::open(settings, self.simulator.live.clone(), number, &request, &*self.timer)?)
        } else {
            Session::open(settings, number, &request, &*self.timer)
        };
        let line = Arc::new(Line::new(session));
        sessions.add(SimulatedSession { handshake, line: line.clone() });
        let end = Arc::new(End { line, timer: self.timer.clone() });
        let mut duplex = Duplex::new(Write(end.clone()), Read { end, alarm: None, jobs });
        duplex.can_ping = true;
        Ok(duplex)
    }

    fn timer(&self) -> Arc<dyn Timer> {
        self.timer.clone()
    }

    fn http(&self) -> Option<Arc<dyn Http>> {
        Some(Arc::new(self.clone()))
    }
}

/// The REST API of the same service.
#[async_trait]
impl Http for SimulatorTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Ok(self.simulator.answer_rest(&request, &*self.timer))
    }
}

impl fmt::Debug for SimulatorTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorTransport").field("timer", &self.timer).finish_non_exhaustive()
    }
}

/// How often a responder is asked in one turn without a message for the client.
const PARTS_A_TURN: usize = 32;

/// A session, and its waker.
pub(super) struct Line(Mutex<State>);

struct State {
    session: Session,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Line {
    fn new(session: Session) -> Self {
        Self(Mutex::new(State { session, reader: None, writer: None }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session from the service's side.
    pub(super) fn end(&self, frame: CloseFrame) {
        let mut state = self.state();
        state.session.end(frame);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Passes on what the responder says. A client that was kept from sending may go on.
    pub(super) fn tell(&self, id: &str, told: Told, now: Instant) {
        let mut state = self.state();
        state.session.told(id, told, now);
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }

    pub(super) fn session(&self) -> impl std::ops::DerefMut<Target = Session> + '_ {
        SessionGuard(self.state())
    }
}

struct SessionGuard<'a>(MutexGuard<'a, State>);

impl std::ops::Deref for SessionGuard<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0.session
    }
}

impl std::ops::DerefMut for SessionGuard<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.0.session
    }
}

/// The client's end. Dropping both halves disconnects the client.
struct End {
    line: Arc<Line>,
    timer: Arc<dyn Timer>,
}

impl End {
    /// Passes a message to the session, once it has room for the answers.
    fn poll_send(&self, message: &mut Option<Message>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut state = self.line.state();
        if state.session.is_closed() {
            let reason = "the service has closed the connection";
            return Poll::Ready(Err(TransportError::new(TransportErrorKind::Io, reason)));
        }
        let now = self.timer.now();
        if !state.session.is_ready(now) {
            // Wakes readers, because only reading makes room.
            let reader = state.reader.take();
            let replaced = state.writer.replace(cx.waker().clone());
            let others = state.session.take_wakers();
            drop(state);
            drop(replaced);
            reader.into_iter().chain(others).for_each(Waker::wake);
            return Poll::Pending;
        }
        if let Some(message) = message.take() {
            state.session.receive(message, now);
        }
        let reader = state.reader.take();
        let others = state.session.take_wakers();
        drop(state);
        reader.into_iter().chain(others).for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }

    /// The next message of the session, or the time of the next action.
    fn poll_receive(&self, cx: &mut Context<'_>) -> Result<Option<Message>, Option<Instant>> {
        let mut state = self.line.state();
        let message = state.session.poll(self.timer.now());
        if message.is_none() && !state.session.is_closed() {
            let deadline = state.session.next_deadline();
            let replaced = state.reader.replace(cx.waker().clone());
            state.session.listen(cx.waker());
            let others = state.session.take_wakers();
            drop(state);
            drop(replaced);
            others.into_iter().for_each(Waker::wake);
            return Err(deadline);
        }
        let writer = state.writer.take();
        let others = state.session.take_wakers();
        drop(state);
        writer.into_iter().chain(others).for_each(Waker::wake);
        Ok(message)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let others = {
            let mut session = self.line.session();
            session.abandon();
            session.take_wakers()
        };
        others.into_iter().for_each(Waker::wake);
    }
}

struct Write(Arc<End>);

struct Read {
    end: Arc<End>,
    /// Timer for the next scheduled action.
    alarm: Option<(Instant, BoxFuture<'static, ()>)>,
    /// What the responder is doing. Dropped with the client's end.
    jobs: Jobs,
}

#[async_trait]
impl WriteHalf for Write {
    async fn send(&mut self, message: Message) -> Result<(), TransportError> {
        let mut message = Some(message);
        poll_fn(|cx| self.0.poll_send(&mut message, cx)).await
    }
}

#[async_trait]
impl ReadHalf for Read {
    async fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let Self { end, alarm, jobs } = self;
        let message = poll_fn(|cx| {
            jobs.sweep(&end.line);
            let mut parts = 0;
            loop {
                let deadline = match end.poll_receive(cx) {
                    Ok(message) => return Poll::Ready(message),
                    Err(deadline) => deadline,
                };
                if jobs.poll(&end.line, &*end.timer, cx) {
                    parts += 1;
                    if parts == PARTS_A_TURN {
                        // A responder without an end that says nothing keeps nobody else waiting.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    continue;
                }
                let Some(deadline) = deadline.into_iter().chain(jobs.deadline()).min() else { return Poll::Pending };
                if alarm.as_ref().is_none_or(|(at, _)| *at != deadline) {
                    *alarm = Some((deadline, end.timer.sleep_until(deadline)));
                }
                if let Some((_, rings)) = alarm
                    && rings.as_mut().poll(cx).is_pending()
                {
                    return Poll::Pending;
                }
                *alarm = None;
            }
        })
        .await;
        Ok(message)
    }
}
