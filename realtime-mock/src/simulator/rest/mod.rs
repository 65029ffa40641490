//! The REST API of the service: keys, calls, Live sessions. There is no media.

mod body;
mod calls;
mod live;
mod secrets;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, Request as HttpRequest, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use realtime_core::transport::{CloseFrame, Timer};
use serde_json::{Map, Value, json};

#[cfg(feature = "webhooks")]
pub use calls::RingingCall;
pub use calls::{CallState, SimulatedCall};

use super::{
    Simulator,
    request::{Request, key},
    session::{Fault, Ids},
};

/// Maximum number of keys, and of calls.
const REMEMBERED: usize = 4096;

/// Keys and calls created by the REST API.
#[derive(Default)]
pub(super) struct Desk(Mutex<State>);

#[derive(Default)]
struct State {
    ids: Option<Ids>,
    secrets: secrets::Secrets,
    calls: calls::Calls,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn id(&mut self, seed: u64, prefix: &str) -> String {
        // Session numbers start at 1.
        self.ids.get_or_insert_with(|| Ids::new(seed, 0)).make(prefix)
    }
}

/// Why a request is refused.
struct Refusal(StatusCode, Fault);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(StatusCode::BAD_REQUEST, fault)
    }
}

type Answered = Result<Response<Bytes>, Refusal>;

/// A request, and the data for its answer.
struct Asked<'a> {
    simulator: &'a Simulator,
    request: &'a HttpRequest<Bytes>,
    timer: &'a dyn Timer,
    /// Seconds since the Unix epoch.
    now: u64,
}

impl Simulator {
    /// Answers a request of the REST API.
    pub(super) fn answer_rest(&self, request: &HttpRequest<Bytes>, timer: &dyn Timer) -> Response<Bytes> {
        let asked = Asked { simulator: self, request, timer, now: unix(timer) };
        let mut answer = asked.route().unwrap_or_else(|Refusal(status, fault)| refused(status, fault));
        let id = self.desk.state().id(self.settings.seed, "req");
        if let Ok(id) = HeaderValue::try_from(id) {
            answer.headers_mut().insert("x-request-id", id);
        }
        answer
    }

    /// Checks the key and the call of a WebSocket request.
    pub(super) fn admit(&self, request: &mut Request, timer: &dyn Timer) {
        // Live has no keys of its own, and checks the attached session itself.
        if request.kind.is_live() {
            return;
        }
        let mut state = self.desk.state();
        if let Some(key) = &request.key {
            match state.secrets.open(key, unix(timer), self.settings.secret_uses) {
                None => {}
                Some(Ok(secret)) => secret.apply(request),
                Some(Err(fault)) => request.refused = Some((3000, fault)),
            }
        }
        if let Some(call) = request.call.as_deref()
            && request.refused.is_none()
            && !state.calls.is_empty()
        {
            match state.calls.joined(call) {
                Some(session) => request.preset = Some(session),
                None => request.refused = Some((4000, no_call(call))),
            }
        }
    }

    /// Ends the sessions that joined a call.
    fn end_sessions_of(&self, call: &str) {
        for session in self.sessions.all().iter().filter(|session| session.joins(call)) {
            session.line.end(CloseFrame::new(1000, "the call has ended"));
        }
    }
}

impl Asked<'_> {
    fn route(&self) -> Answered {
        let path = self.request.uri().path().split('/').filter(|segment| !segment.is_empty());
        let path: Vec<_> = path.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect();
        let path: Vec<&str> = path.iter().map(|segment| &**segment).collect();
        let first = path.iter().position(|segment| matches!(*segment, "realtime" | "live"));
        let path = first.and_then(|first| path.get(first..)).unwrap_or_default();
        match (self.request.method(), path) {
            (&Method::POST, ["realtime", "client_secrets"]) => self.create_secret(false),
            (&Method::POST, ["realtime", "translations", "client_secrets"]) => self.create_secret(true),
            (&Method::POST, ["realtime", "calls"]) => self.create_call(),
            (&Method::POST, ["realtime", "calls", id, action]) => self.decide(id, action),
            (&Method::POST, ["live", "sessions"]) => self.create_live(),
            (&Method::POST, ["live", "sessions", id, "fork"]) => self.fork_live(id),
            (&Method::GET, ["live", "sessions", id, "content"]) => self.content(id),
            (&Method::POST, ["live", "sessions", id, action]) => self.decide_live(id, action),
            (method, _) => {
                let message = format!("Invalid URL ({method} {})", self.request.uri().path());
                Err(Refusal(StatusCode::NOT_FOUND, Fault::new("invalid_url", message)))
            }
        }
    }

    /// Checks that the key is a full API key.
    fn authorize(&self) -> Result<(), Refusal> {
        let settings = &self.simulator.settings;
        match key(self.request.headers()) {
            Some(key) if self.simulator.desk.state().secrets.knows(&key) => {
                Err(unauthorized("A client secret cannot be used for this request: use an API key of the project."))
            }
            Some(key) if settings.keys.is_empty() || settings.knows(&key) => Ok(()),
            None if settings.keys.is_empty() => Ok(()),
            Some(_) => Err(unauthorized("Incorrect API key provided.")),
            None => Err(unauthorized("You did not provide an API key.")),
        }
    }

    /// The body as a JSON object. An empty one counts as an object without members.
    fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let body = self.request.body();
        if body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Fault::new("invalid_json", "The body is not a JSON object.").into()),
        }
    }

    fn id(&self, prefix: &str) -> String {
        self.simulator.desk.state().id(self.simulator.settings.seed, prefix)
    }
}

fn unix(timer: &dyn Timer) -> u64 {
    timer.unix().unwrap_or_else(|| timer.now().since_origin()).as_secs()
}

fn unauthorized(message: &str) -> Refusal {
    Refusal(StatusCode::UNAUTHORIZED, Fault::new("invalid_api_key", message))
}

fn no_call(id: &str) -> Fault {
    Fault::new("call_not_found", format!("There is no call with id '{id}', or it is over."))
}

fn answered(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut answer = Response::new(value.to_string().into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn refused(status: StatusCode, Fault { code, message, param }: Fault) -> Response<Bytes> {
    let error = json!({ "message": message, "type": "invalid_request_error", "param": param, "code": code });
    answered(status, &json!({ "error": error }))
}
