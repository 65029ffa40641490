//! A session of the service: a state machine without a clock or a socket. Messages and the time are its inputs, and
//! messages its output.

mod agenda;
mod buffer;
mod config;
mod context;
mod conversation;
mod fault;
pub(super) mod hearing;
pub(super) mod ids;
mod input;
mod items;
mod listing;
pub(super) mod model;
mod plan;
mod responses;
mod running;
pub(super) mod shape;
mod shapes;
mod streaming;
mod talk;
mod transcripts;
mod translate;
mod usage;
pub(super) mod wire;

use std::{collections::VecDeque, sync::Arc, task::Waker};

use realtime_core::{
    Id,
    transport::{CloseFrame, Instant, Message, Timer},
    types::Item,
};
use serde_json::{Map, Value};

use super::{
    Received,
    jobs::Told,
    live::Port,
    request::{Request, SessionKind},
    settings::Settings,
};
pub(super) use context::Context;
pub(super) use conversation::StoredItem;
pub(super) use fault::Fault;
pub(super) use ids::Ids;
use model::{Ask, Demand};
use talk::Talk;
use translate::Translate;
use wire::Wire;

/// Number of the client's events that are kept.
const REMEMBERED: usize = 1 << 14;

pub(super) struct Session {
    work: Work,
    received: VecDeque<Received>,
}

/// The protocol of the session.
enum Work {
    Talk(Box<Talk>),
    Translate(Box<Translate>),
    Refused(Box<Wire>),
    Live(Box<Port>),
}

/// A client event.
pub(super) struct Incoming<'a> {
    pub(super) kind: &'a str,
    pub(super) members: &'a Map<String, Value>,
}

impl Session {
    /// Opens the requested session, or refuses it after the upgrade, like the service.
    pub(super) fn open(settings: Arc<Settings>, number: u64, request: &Request, timer: &dyn Timer) -> Self {
        let mut wire = Wire::new(&settings, number, timer);
        let work = match refusal(&settings, request) {
            Some((code, fault)) => {
                wire.refuse(code, fault);
                Work::Refused(Box::new(wire))
            }
            None if request.kind == SessionKind::Translation => {
                Work::Translate(Box::new(Translate::open(wire, settings, request)))
            }
            None => Work::Talk(Box::new(Talk::open(wire, settings, request))),
        };
        Self { work, received: VecDeque::new() }
    }

    /// Creates a connection of a Live session.
    pub(super) fn live(port: Port) -> Self {
        Self { work: Work::Live(Box::new(port)), received: VecDeque::new() }
    }

    /// Also wakes this waker when there are messages to read, which other connections of a Live session can cause.
    pub(super) fn listen(&self, waker: &Waker) {
        if let Work::Live(port) = &self.work {
            port.listen(waker);
        }
    }

    /// Other connections with messages to read.
    pub(super) fn take_wakers(&self) -> Vec<Waker> {
        match &self.work {
            Work::Live(port) => port.take_wakers(),
            _ => Vec::new(),
        }
    }

    /// Does what is due before a client message can be accepted. Returns whether that is complete; if not, the client has to
    /// read first.
    pub(super) fn is_ready(&mut self, now: Instant) -> bool {
        while self.wire().has_room() {
            if !self.advance(now) {
                return !matches!(&self.work, Work::Talk(talk) if talk.is_behind());
            }
        }
        false
    }

    /// Processes a client message, once the session [is ready](Self::is_ready).
    pub(super) fn receive(&mut self, message: Message, now: Instant) {
        self.wire_mut().now = now;
        match message {
            Message::Text(text) => self.receive_event(text.as_bytes()),
            Message::Binary(_) => {
                let fault = Fault::new("invalid_event", "Binary messages are not supported: send events as text.");
                self.reject("", None, fault);
            }
            Message::Ping(payload) => self.wire_mut().push(Message::Pong(payload)),
            Message::Pong(_) => {}
            Message::Close(frame) => self.wire_mut().close(frame),
        }
    }

    fn receive_event(&mut self, raw: &[u8]) {
        if self.wire().is_closed() {
            return;
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(raw) else {
            let fault = Fault::new("invalid_json", "The message is not a JSON object.");
            return self.reject("", None, fault);
        };
        let event_id = members.get("event_id").and_then(Value::as_str);
        let result = match members.get("type") {
            Some(Value::String(kind)) => {
                let incoming = Incoming { kind, members: &members };
                let result = match &mut self.work {
                    Work::Talk(talk) => talk.receive(incoming),
                    Work::Translate(translate) => translate.receive(incoming),
                    Work::Refused(_) => Ok(()),
                    Work::Live(port) => port.receive(incoming),
                };
                result.map_err(|fault| (&**kind, fault))
            }
            Some(_) => Err(("", Fault::new("invalid_type", "Invalid type for 'type': expected a string.").at("type"))),
            None => Err(("", Fault::missing("type"))),
        };
        match result {
            Ok(()) => {
                let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
                self.remember(kind, event_id, None);
            }
            Err((kind, fault)) => self.reject(kind, event_id, fault),
        }
    }

    fn reject(&mut self, kind: &str, event_id: Option<&str>, fault: Fault) {
        self.remember(kind, event_id, fault.code);
        match &mut self.work {
            Work::Live(port) => port.complain(fault, event_id),
            _ => self.wire_mut().error(fault, event_id),
        }
    }

    fn remember(&mut self, kind: &str, event_id: Option<&str>, refused: Option<&'static str>) {
        if self.received.len() == REMEMBERED {
            self.received.pop_front();
        }
        self.received.push_back(Received { kind: Id::new(kind), event_id: event_id.map(Id::from), refused });
    }

    /// The next message for the client, if one is due.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Message> {
        loop {
            if let Work::Live(port) = &mut self.work {
                port.gather();
            }
            if let Some(message) = self.wire_mut().pop() {
                return Some(message);
            }
            if !self.advance(now) {
                return None;
            }
        }
    }

    /// The next question for the responder. At most this many turns are transcribed at a time.
    pub(super) fn next_ask(&mut self, may_transcribe: bool) -> Option<Ask> {
        let Work::Talk(talk) = &mut self.work else { return None };
        let at = talk.asks.iter().position(|ask| may_transcribe || matches!(ask, Ask::Respond(..)))?;
        talk.asks.remove(at)
    }

    /// Whether a response wants its next part, or an item its transcript.
    pub(super) fn demand(&mut self, id: &str) -> Demand {
        match &mut self.work {
            Work::Talk(talk) => talk.demand(id),
            _ => Demand::Gone,
        }
    }

    /// Takes in what the responder says.
    pub(super) fn told(&mut self, id: &str, told: Told, now: Instant) {
        self.wire_mut().now = now;
        let Work::Talk(talk) = &mut self.work else { return };
        match told {
            Told::Transcript(heard) => talk.heard(id, heard),
            Told::Part(part) => talk.part(id, part),
        }
    }

    /// Performs the next action that is due. Returns whether there was one.
    fn advance(&mut self, now: Instant) -> bool {
        match self.next_deadline() {
            Some(due) if due <= now => {
                let first = self.wire().due() == Some(due);
                let wire = self.wire_mut();
                // Takes place at the time at which it was due, even if late.
                wire.now = wire.now.max(due);
                match &mut self.work {
                    _ if first => self.wire_mut().step(),
                    Work::Talk(talk) => talk.step(),
                    Work::Translate(translate) => translate.step(),
                    Work::Refused(_) => {}
                    Work::Live(port) => port.step(),
                }
                true
            }
            _ => false,
        }
    }

    /// Time of the next scheduled action.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        let work = match &self.work {
            Work::Talk(talk) => talk.due(),
            Work::Translate(translate) => translate.due(),
            Work::Refused(_) => None,
            Work::Live(port) => port.due(),
        };
        self.wire().due().into_iter().chain(work).min()
    }

    /// Whether the session has ended. Queued messages are still sent.
    pub(super) fn is_closed(&self) -> bool {
        self.wire().is_closed()
    }

    /// Ends the session from the service's side.
    pub(super) fn end(&mut self, frame: CloseFrame) {
        self.wire_mut().close(Some(frame));
    }

    /// The client has disconnected: nothing more is sent, and audio is dropped.
    pub(super) fn abandon(&mut self) {
        self.wire_mut().abandon();
        match &mut self.work {
            Work::Talk(talk) => talk.abandon(),
            Work::Live(port) => port.abandon(),
            Work::Translate(_) | Work::Refused(_) => {}
        }
    }

    pub(super) fn items(&self) -> Vec<Item> {
        match &self.work {
            Work::Talk(talk) => talk.conversation.iter().filter_map(StoredItem::typed).collect(),
            _ => Vec::new(),
        }
    }

    /// The session as reported by `session.updated`.
    pub(super) fn config(&self) -> Value {
        match &self.work {
            Work::Talk(talk) => talk.config.value.clone(),
            Work::Translate(translate) => translate.config.clone(),
            Work::Refused(_) => Value::Null,
            Work::Live(port) => port.config(),
        }
    }

    /// Duration of accepted audio, in milliseconds.
    pub(super) fn audio_ms(&self) -> u64 {
        match &self.work {
            Work::Talk(talk) => talk.buffer.end() / buffer::MS,
            Work::Translate(translate) => translate.heard_ms(),
            Work::Refused(_) => 0,
            Work::Live(port) => port.heard_ms(),
        }
    }

    pub(super) fn received(&self) -> impl Iterator<Item = &Received> {
        self.received.iter()
    }

    fn wire(&self) -> &Wire {
        match &self.work {
            Work::Talk(talk) => &talk.wire,
            Work::Translate(translate) => &translate.wire,
            Work::Live(port) => &port.wire,
            Work::Refused(wire) => wire,
        }
    }

    fn wire_mut(&mut self) -> &mut Wire {
        match &mut self.work {
            Work::Talk(talk) => &mut talk.wire,
            Work::Translate(translate) => &mut translate.wire,
            Work::Live(port) => &mut port.wire,
            Work::Refused(wire) => wire,
        }
    }
}

/// The report of a session with this configuration before it is opened.
pub(super) fn described(
    request: &Request,
    id: &str,
    expires_at: u64,
    session: &Map<String, Value>,
) -> Result<Value, Fault> {
    if request.kind == SessionKind::Translation {
        let mut config = translate::described(id, request.model.as_deref(), expires_at);
        if let Some(audio) = session.get("audio").filter(|audio| audio.is_object()) {
            translate::update(&mut config, audio);
        }
        return Ok(config);
    }
    let mut event = Map::new();
    event.insert("session".into(), Value::Object(session.clone()));
    if let Some(shape) = shapes::realtime("session.update") {
        shape::check_event(shape, &event)?;
    }
    let model = request.model.as_deref().unwrap_or(DEFAULT_MODEL);
    let mut session = session.clone();
    session.remove("model");
    Ok(config::Config::new(request.kind, id, model, expires_at).updated(&session, false)?.value)
}

/// The default model.
const DEFAULT_MODEL: &str = "gpt-realtime";

/// Why a session is refused, and the close code.
fn refusal(settings: &Settings, request: &Request) -> Option<(u16, Fault)> {
    if request.beta {
        let message = "The beta shape of the API is not served any more: leave the OpenAI-Beta header out.";
        return Some((4000, Fault::new("beta_api_shape_disabled", message)));
    }
    if let Some(refused) = &request.refused {
        return Some(refused.clone());
    }
    match &request.key {
        _ if settings.keys.is_empty() || request.is_admitted => {}
        Some(key) if settings.knows(key) => {}
        Some(_) => return Some((3000, Fault::new("invalid_api_key", "Incorrect API key provided."))),
        None => return Some((3000, Fault::new("invalid_api_key", "You did not provide an API key."))),
    }
    if let Some(intent) = &request.intent
        && request.kind == SessionKind::Realtime
    {
        return Some((4000, Fault::new("invalid_intent", format!("Invalid intent {intent}"))));
    }
    let model = request.model.as_ref()?;
    if request.kind == SessionKind::Transcription {
        let message = "You must not provide a model parameter for transcription sessions.";
        return Some((4000, Fault::new("invalid_model", message)));
    }
    if settings.models.is_empty() || settings.models.contains(model) {
        return None;
    }
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    Some((4000, Fault::new("model_not_found", message)))
}

/// Decodes the audio of an `append`.
fn decode(members: &Map<String, Value>) -> Result<realtime_core::Audio, Fault> {
    /// Maximum number of bytes per append: 15 MiB.
    const MOST: usize = 15 << 20;

    match strict_base64(&members["audio"]) {
        Some(audio) if audio.len() > MOST => {
            let message = format!("Invalid 'audio': at most {MOST} bytes can be appended at once.");
            Err(Fault::new("invalid_value", message).at("audio"))
        }
        Some(audio) => Ok(audio),
        None => {
            let message = "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.";
            Err(Fault::new("invalid_value", message).at("audio"))
        }
    }
}

/// Decodes base64 as strictly as the service. [`Audio`](realtime_core::Audio) itself accepts every form.
pub(super) fn strict_base64(value: &Value) -> Option<realtime_core::Audio> {
    base64_turbo::STANDARD.decode(value.as_str()?.as_bytes()).ok().map(Into::into)
}
