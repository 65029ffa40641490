//! A Live session of the service, shared by its connections: a state machine to which time is passed.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use realtime_core::{
    transport::{CloseFrame, Instant, Message, Timer},
    types::AudioFormat,
};
use serde_json::{Map, Value, json};

use super::{
    super::{
        session::{Fault, ids::Ids},
        settings::Settings,
    },
    backend::Backend,
    config,
    voice::Voice,
};

/// Duration of the past events that are repeated to an attaching sideband.
const REPLAYED: Duration = Duration::from_secs(3);
/// Maximum number of repeated events.
const MOST_REPLAYED: usize = 4_096;
/// Queued bytes beyond which a connection loses audio, and beyond which it is dropped.
const LOSES_AUDIO: usize = 4 << 20;
const LET_GO: usize = 16 << 20;
/// Time that the service takes to finish a session.
const DRAIN: Duration = Duration::from_millis(600);
/// Maximum number of unacknowledged additions of context.
const MOST_PENDING: usize = 1_024;
/// Maximum number of bytes of history in a stored session.
const MOST_SAID: usize = 1 << 20;

/// The holder of a session's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Media {
    /// The connection that started it.
    Socket,
    /// A browser.
    WebRtc,
    /// A telephone.
    Sip,
}

/// Recipients of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    All,
    Sidebands,
}

/// A connection of the session.
struct Outlet {
    port: u64,
    is_sideband: bool,
    queue: VecDeque<Message>,
    bytes: usize,
    waker: Option<Waker>,
    closed: bool,
}

/// Context waiting for its position on the timeline.
pub(super) struct Pending {
    pub(super) kind: &'static str,
    pub(super) client_event_id: Option<String>,
    pub(super) content: String,
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
}

/// State of the session's end.
struct Closing {
    at: Instant,
    reason: &'static str,
    client_event_id: Option<String>,
}

pub(in crate::simulator) struct Room {
    pub(super) settings: Arc<Settings>,
    pub(super) ids: Ids,
    pub(super) now: Instant,
    wall: Duration,
    pub(in crate::simulator) media: Media,
    pub(in crate::simulator) id: String,
    pub(super) config: Value,
    expires: Instant,
    outlets: Vec<Outlet>,
    next_port: u64,
    /// Connections with messages to read.
    wakers: Vec<Waker>,
    log: VecDeque<(Instant, Arc<str>)>,
    started: Option<Arc<str>>,
    /// Position of the timeline, and when it can advance.
    pub(super) timeline_ms: u64,
    pub(super) next_piece: Option<Instant>,
    pub(super) input: VecDeque<u8>,
    pub(super) muted: bool,
    pub(super) paused_ms: u64,
    pub(super) voice: Voice,
    pub(super) pending: VecDeque<Pending>,
    pub(super) delegations: HashSet<String>,
    pub(super) backend: Backend,
    pub(super) decision_requests: HashSet<String>,
    pub(super) decision_items: Vec<String>,
    /// The user's last turn.
    pub(super) heard: String,
    /// History: roles and texts.
    said: VecDeque<(&'static str, String)>,
    said_bytes: usize,
    closing: Option<Closing>,
    over: bool,
}

impl Room {
    /// Creates a session without a configuration; `session.started` is not sent yet.
    pub(super) fn new(settings: Arc<Settings>, number: u64, media: Media, timer: &dyn Timer) -> Self {
        let now = timer.now();
        let mut ids = Ids::new(settings.seed, number);
        let id = ids.make("live");
        Self {
            expires: now + settings.max_duration,
            settings,
            ids,
            now,
            wall: timer.unix().unwrap_or_default().saturating_sub(now.since_origin()),
            media,
            id,
            config: Value::Null,
            outlets: Vec::new(),
            next_port: 0,
            wakers: Vec::new(),
            log: VecDeque::new(),
            started: None,
            timeline_ms: 0,
            next_piece: None,
            input: VecDeque::new(),
            muted: false,
            paused_ms: 0,
            voice: Voice::new(now),
            pending: VecDeque::new(),
            delegations: HashSet::new(),
            backend: Backend::default(),
            decision_requests: HashSet::new(),
            decision_items: Vec::new(),
            heard: String::new(),
            said: VecDeque::new(),
            said_bytes: 0,
            closing: None,
            over: false,
        }
    }

    pub(super) fn expires_at(&self) -> u64 {
        self.wall.saturating_add(self.expires.since_origin()).as_secs()
    }

    /// Opens the session with this configuration.
    pub(super) fn start(&mut self, config: Value, client_event_id: Option<&str>) {
        self.config = config;
        if self.media != Media::Socket {
            self.next_piece = Some(self.now);
        }
        let session = json!({ "session": self.config });
        self.started = Some(self.emit(Audience::All, "session.started", client_event_id, session));
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn format(&self) -> AudioFormat {
        config::format(&self.config)
    }

    /// Adds a connection. A sideband receives the description of the session, and the events of the last three seconds.
    pub(super) fn join(&mut self, is_sideband: bool) -> u64 {
        let port = self.next_port;
        self.next_port += 1;
        let mut outlet = Outlet { port, is_sideband, queue: VecDeque::new(), bytes: 0, waker: None, closed: false };
        if is_sideband {
            let since = self.now;
            let recent = self.log.iter().filter(|(at, _)| since - *at <= REPLAYED).map(|(_, text)| text);
            let again = self.started.iter().chain(recent.filter(|text| Some(*text) != self.started.as_ref()));
            for text in again {
                outlet.push(Message::Text(String::from(&**text).into()));
            }
        }
        self.outlets.push(outlet);
        port
    }

    /// Removes a connection.
    pub(super) fn leave(&mut self, port: u64) {
        self.outlets.retain(|outlet| outlet.port != port);
    }

    /// The next message for a connection.
    pub(super) fn take(&mut self, port: u64) -> Option<Message> {
        let outlet = self.outlets.iter_mut().find(|outlet| outlet.port == port)?;
        let message = outlet.queue.pop_front()?;
        outlet.bytes -= message.len();
        Some(message)
    }

    /// The waker of a connection.
    pub(super) fn listen(&mut self, port: u64, waker: &Waker) {
        if let Some(outlet) = self.outlets.iter_mut().find(|outlet| outlet.port == port) {
            outlet.waker = Some(waker.clone());
        }
    }

    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers)
    }

    /// Sends an event to all connections or to the sidebands, with the same text and id for all.
    pub(super) fn emit(
        &mut self,
        audience: Audience,
        kind: &str,
        client_event_id: Option<&str>,
        members: Value,
    ) -> Arc<str> {
        let Value::Object(mut members) = members else { return "".into() };
        if let Some(id) = client_event_id {
            members.insert("client_event_id".into(), id.into());
        }
        let (text, _) = self.write(kind, members);
        self.tell(audience, &text);
        text
    }

    /// Like [`emit`](Self::emit), and returns the event's id.
    pub(super) fn emit_id(&mut self, kind: &str, members: Map<String, Value>) -> String {
        let (text, id) = self.write(kind, members);
        self.tell(Audience::All, &text);
        id
    }

    fn write(&mut self, kind: &str, mut members: Map<String, Value>) -> (Arc<str>, String) {
        let id = self.ids.make("event");
        members.insert("type".into(), kind.into());
        members.insert("event_id".into(), id.clone().into());
        (Value::Object(members).to_string().into(), id)
    }

    fn tell(&mut self, audience: Audience, text: &Arc<str>) {
        if self.log.len() == MOST_REPLAYED || self.log.front().is_some_and(|(at, _)| self.now - *at > REPLAYED) {
            self.log.pop_front();
        }
        self.log.push_back((self.now, text.clone()));
        for outlet in &mut self.outlets {
            if audience == Audience::All || outlet.is_sideband {
                outlet.push(Message::Text(String::from(&**text).into()));
                self.wakers.extend(outlet.waker.take());
            }
        }
    }

    /// Tells the sidebands what has become of a telephone call.
    pub(in crate::simulator) fn tell_transport(&mut self, what: &str, mut members: Value) {
        members["session_id"] = self.id.as_str().into();
        self.emit(Audience::Sidebands, &format!("transport.{what}"), None, members);
    }

    /// Sends audio, which has no id and is not repeated, to the primary connection and to sidebands.
    pub(super) fn tell_audio(&mut self, primary: Option<String>, sidebands: Option<String>) {
        for outlet in &mut self.outlets {
            let text = if outlet.is_sideband { &sidebands } else { &primary };
            if let Some(text) = text.as_ref().filter(|_| outlet.bytes <= LOSES_AUDIO) {
                outlet.push(Message::Text(text.clone().into()));
                self.wakers.extend(outlet.waker.take());
            }
        }
    }

    /// Whether any connection receives what sidebands receive.
    pub(super) fn is_watched(&self) -> bool {
        self.outlets.iter().any(|outlet| outlet.is_sideband)
    }

    /// Sends a connection an error about its event.
    pub(super) fn complain(&mut self, port: u64, fault: Fault, client_event_id: Option<&str>) {
        let text = complaint(self.ids.make("event"), fault, client_event_id);
        if let Some(outlet) = self.outlets.iter_mut().find(|outlet| outlet.port == port) {
            outlet.push(Message::Text(text.into()));
            self.wakers.extend(outlet.waker.take());
        }
    }

    /// Adds to the history of a stored session.
    pub(super) fn remember(&mut self, role: &'static str, text: &str) {
        self.said_bytes += text.len();
        match self.said.back_mut() {
            Some((last, words)) if *last == role => words.push_str(text),
            _ => self.said.push_back((role, text.trim_start().into())),
        }
        while self.said_bytes > MOST_SAID {
            let Some((_, oldest)) = self.said.pop_front() else { break };
            self.said_bytes = self.said_bytes.saturating_sub(oldest.len());
        }
    }

    /// The stored form of the session, if storage was requested.
    pub(super) fn stored(&self) -> Option<Value> {
        if self.config["store"] != true {
            return None;
        }
        let mut session = self.config.clone();
        let said = self.said.iter().map(|(role, text)| {
            let kind = if *role == "user" { "input_text" } else { "output_text" };
            json!({ "role": role, "content": [{ "type": kind, "text": text }] })
        });
        let before = session["input"].as_array().cloned().unwrap_or_default();
        session["input"] = before.into_iter().chain(said).collect();
        Some(session)
    }

    /// Schedules added context on the timeline.
    pub(super) fn append(&mut self, pending: Pending) -> Result<(), Fault> {
        if self.pending.len() == MOST_PENDING {
            return Err(Fault::new("invalid_request", "Too much context waits for its place on the timeline."));
        }
        self.pending.push_back(pending);
        Ok(())
    }

    /// Begins to end the session. On request of the client, work in progress continues for a short time.
    pub(in crate::simulator) fn close(&mut self, reason: &'static str, client_event_id: Option<&str>) {
        if self.closing.is_none() && !self.over {
            let at = if reason == "close_requested" { self.now + DRAIN } else { self.now };
            self.closing = Some(Closing { at, reason, client_event_id: client_event_id.map(Into::into) });
            self.backend.cancel_queued();
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some() || self.over
    }

    /// Duration for which the voice was used.
    pub(super) fn usage(&self) -> Value {
        let seconds = self.timeline_ms as f64 / 1000.0;
        if self.paused_ms == 0 {
            return json!({ "seconds": whole(seconds) });
        }
        let paused = self.paused_ms as f64 / 1000.0;
        json!({ "seconds": whole(seconds), "active_seconds": whole(seconds - paused), "paused_seconds": whole(paused) })
    }

    pub(super) fn report_usage(&mut self) {
        let usage = self.usage();
        let ratio = (self.timeline_ms as f64 / 1e7).min(0.9);
        self.emit(
            Audience::All,
            "session.usage.updated",
            None,
            json!({ "usage": usage, "context_window": { "usage_ratio": ratio } }),
        );
    }

    fn finish(&mut self, Closing { reason, client_event_id, .. }: Closing) {
        for _ in 0..self.pending.len() {
            let message = "The session closed before the estimated context injection completed.";
            let error = json!({ "type": "server_error", "code": "context_injection_incomplete", "message": message });
            self.emit(Audience::All, "error", None, json!({ "error": error }));
        }
        self.pending.clear();
        let closed = json!({ "reason": reason, "session": self.config, "usage": self.usage() });
        self.emit(Audience::All, "session.closed", client_event_id.as_deref(), closed);
        self.over = true;
        self.next_piece = None;
        for outlet in &mut self.outlets {
            outlet.close(CloseFrame::new(1000, ""));
            self.wakers.extend(outlet.waker.take());
        }
    }

    /// Time of the next scheduled action.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let work = [self.next_piece, self.backend.due(), self.closing.as_ref().map(|closing| closing.at)];
        let expires = self.is_started().then_some(self.expires);
        work.into_iter().flatten().chain(expires).min()
    }

    /// Does what is due at `now`.
    pub(super) fn step(&mut self) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= self.now);
        if due(self.next_piece) {
            self.next_piece();
        } else if due(self.backend.due()) {
            self.next_backend_event();
        } else if let Some(closing) = self.closing.take_if(|closing| closing.at <= self.now) {
            self.finish(closing);
        } else if self.expires <= self.now {
            self.close("expired", None);
        }
        self.outlets.retain(|outlet| outlet.bytes <= LET_GO);
    }

    /// Advances the session to this time.
    pub(super) fn advance(&mut self, now: Instant) {
        while let Some(due) = self.due().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            self.step();
        }
        self.now = self.now.max(now);
    }
}

impl Outlet {
    fn push(&mut self, message: Message) {
        if !self.closed {
            self.bytes += message.len();
            self.queue.push_back(message);
        }
    }

    fn close(&mut self, frame: CloseFrame) {
        self.push(Message::Close(Some(frame)));
        self.closed = true;
    }
}

/// The text of an `error`.
pub(super) fn complaint(event_id: String, fault: Fault, client_event_id: Option<&str>) -> String {
    let mut error = json!({ "type": "invalid_request_error", "code": fault.code, "message": fault.message });
    if let Some(param) = fault.param {
        error["param"] = param.into();
    }
    if let Some(id) = client_event_id {
        error["client_event_id"] = id.into();
    }
    json!({ "type": "error", "event_id": event_id, "error": error }).to_string()
}

/// Writes whole seconds without a fraction.
fn whole(seconds: f64) -> Value {
    if seconds.fract() == 0.0 { (seconds as u64).into() } else { seconds.into() }
}
