use std::{collections::VecDeque, time::Duration};

use realtime_core::transport::{CloseFrame, Instant, Message, Timer};
use serde_json::{Map, Value, json};

use super::{Fault, config::merge, ids::Ids};
use crate::simulator::Settings;

/// Queued bytes beyond which nothing more is generated, and the client is kept from sending.
const WAITING: usize = 4 << 20;

/// Output of a session: queued messages, ids, the clock, pings and the maximum duration.
pub(in crate::simulator) struct Wire {
    pub(in crate::simulator) ids: Ids,
    /// Time of the current action.
    pub(in crate::simulator) now: Instant,
    /// The wall clock at the timer's origin, since the Unix epoch.
    wall: Duration,
    queue: VecDeque<Message>,
    bytes: usize,
    obfuscate: bool,
    ping: Option<(Instant, Duration)>,
    /// When the session reaches its maximum duration, and that duration.
    end: Option<(Instant, Duration)>,
    closed: bool,
}

impl Wire {
    pub(in crate::simulator) fn new(settings: &Settings, session: u64, timer: &dyn Timer) -> Self {
        let now = timer.now();
        Self {
            ids: Ids::new(settings.seed, session),
            now,
            wall: timer.unix().unwrap_or_default().saturating_sub(now.since_origin()),
            queue: VecDeque::new(),
            bytes: 0,
            obfuscate: settings.obfuscation,
            ping: settings.ping_every.filter(|every| !every.is_zero()).map(|every| (now + every, every)),
            end: Some((now + settings.max_duration, settings.max_duration)),
            closed: false,
        }
    }

    /// Disables the maximum duration for this connection.
    pub(in crate::simulator) fn last_for_ever(&mut self) {
        self.end = None;
    }

    /// When the session ends, in seconds since the Unix epoch.
    pub(in crate::simulator) fn expires_at(&self) -> u64 {
        let end = self.end.map_or(self.now, |(end, _)| end);
        self.wall.saturating_add(end.since_origin()).as_secs()
    }

    /// Sends an event with this type, a new id, and these members.
    pub(in crate::simulator) fn send(&mut self, kind: &str, members: Value) {
        let mut text = format!(r#"{{"type":"{kind}","event_id":"{}""#, self.ids.make("event"));
        let members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        for (name, value) in members {
            text.push(',');
            text.push_str(&Value::from(name).to_string());
            text.push(':');
            text.push_str(&value.to_string());
        }
        text.push('}');
        self.push(Message::Text(text.into()));
    }

    /// Sends a text delta, padded like the service's.
    pub(in crate::simulator) fn send_delta(&mut self, kind: &str, mut members: Value) {
        if self.obfuscate {
            merge(&mut members, &json!({ "obfuscation": self.ids.padding() }));
        }
        self.send(kind, members);
    }

    /// Sends an error about the client's event.
    pub(in crate::simulator) fn error(&mut self, fault: Fault, event_id: Option<&str>) {
        let Fault { code, message, param } = fault;
        let error = json!({
            "type": "invalid_request_error", "code": code, "message": message, "param": param, "event_id": event_id,
        });
        self.send("error", json!({ "error": error }));
    }

    /// Refuses the session, like the service after the upgrade: with an event and a close code.
    pub(in crate::simulator) fn refuse(&mut self, code: u16, fault: Fault) {
        let reason = format!("invalid_request_error.{}", fault.code.unwrap_or("invalid_request"));
        self.error(fault, None);
        self.close(CloseFrame::new(code, reason));
    }

    pub(in crate::simulator) fn push(&mut self, message: Message) {
        if !self.closed {
            self.bytes += message.len();
            self.queue.push_back(message);
        }
    }

    /// Closes the connection after the queued messages. Nothing is sent afterwards.
    pub(in crate::simulator) fn close(&mut self, frame: impl Into<Option<CloseFrame>>) {
        self.push(Message::Close(frame.into()));
        self.closed = true;
    }

    /// Drops the queued messages of a disconnected client.
    pub(in crate::simulator) fn abandon(&mut self) {
        self.closed = true;
        self.queue.clear();
        self.bytes = 0;
    }

    pub(in crate::simulator) fn pop(&mut self) -> Option<Message> {
        let message = self.queue.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }

    /// Whether the queue has room. If not, nothing more is generated.
    pub(in crate::simulator) fn has_room(&self) -> bool {
        self.bytes <= WAITING
    }

    pub(in crate::simulator) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Time of the next ping or of the end.
    pub(in crate::simulator) fn due(&self) -> Option<Instant> {
        let moments = self.ping.map(|(at, _)| at).into_iter().chain(self.end.map(|(at, _)| at));
        moments.min().filter(|_| !self.closed)
    }

    /// Does what is due at `now`.
    pub(in crate::simulator) fn step(&mut self) {
        if let Some((end, lasted)) = self.end
            && end <= self.now
        {
            let minutes = lasted.as_secs() / 60;
            let message = format!("Your session hit the maximum duration of {minutes} minutes.");
            self.error(Fault::new("session_expired", &*message), None);
            self.close(CloseFrame::new(1001, message));
        } else if let Some((at, every)) = &mut self.ping
            && *at <= self.now
        {
            *at = self.now + *every;
            let payload = (self.now.since_origin().as_secs() as u32).to_be_bytes();
            self.push(Message::Ping(payload.to_vec().into()));
        }
    }
}
