use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use realtime_core::{Id, endpoint::Handshake, types::Item};
use serde_json::Value;

use super::transport::Line;

/// Number of ended sessions that are kept.
const KEPT: usize = 64;

/// The sessions of a simulator, in opening order.
#[derive(Default)]
pub(super) struct Sessions(Mutex<(u64, VecDeque<SimulatedSession>)>);

impl Sessions {
    /// Number of the next session.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        state.0
    }

    pub(super) fn add(&self, session: SimulatedSession) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = &mut state.1;
        sessions.push_back(session);
        while sessions.iter().filter(|session| session.is_closed()).count() > KEPT {
            let Some(at) = sessions.iter().position(SimulatedSession::is_closed) else { break };
            sessions.remove(at);
        }
    }

    pub(super) fn all(&self) -> Vec<SimulatedSession> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned().collect()
    }
}

/// The server's side of a session, for assertions.
#[derive(Clone)]
pub struct SimulatedSession {
    pub(super) handshake: Handshake,
    pub(super) line: Arc<Line>,
}

/// An event received by the service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Received {
    /// Type. Empty if it had none.
    pub kind: Id,
    /// Id set by the client.
    pub event_id: Option<Id>,
    /// Code of the error in the answer, if any.
    pub refused: Option<&'static str>,
}

impl SimulatedSession {
    /// The client's handshake.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The items of the conversation, in order.
    pub fn items(&self) -> Vec<Item> {
        self.line.session().items()
    }

    /// The session's configuration, as in `session.updated`.
    pub fn config(&self) -> Value {
        self.line.session().config()
    }

    /// Duration of the accepted audio, in milliseconds.
    pub fn audio_ms(&self) -> u64 {
        self.line.session().audio_ms()
    }

    /// The events received, in order: the last 16,384.
    pub fn received(&self) -> Vec<Received> {
        self.line.session().received().cloned().collect()
    }

    /// Whether the session joined the call with this id.
    pub(super) fn joins(&self, call: &str) -> bool {
        let query = self.handshake.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "call_id" && value == call)
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.line.session().is_closed()
    }
}

impl fmt::Debug for SimulatedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedSession").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}
