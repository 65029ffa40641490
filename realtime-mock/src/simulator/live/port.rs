//! One connection of a Live session.

use std::{
    sync::{Arc, Mutex},
    task::Waker,
};

use http::{HeaderMap, StatusCode};
use realtime_core::transport::{CloseFrame, Instant, Message, Timer, TransportError};
use serde_json::Value;

use super::{
    super::{
        request::{Request, SessionKind},
        session::{Fault, Incoming, shape::check_event, wire::Wire},
        settings::Settings,
    },
    config,
    room::{Media, Room, complaint},
    service::{Service, Shared, Stored, enter},
    shapes,
};

/// A connection that starts a session, or a sideband.
pub(in crate::simulator) struct Port {
    pub(in crate::simulator) wire: Wire,
    service: Arc<Service>,
    room: Shared,
    kind: PortKind,
    /// Its number in the session, once it has joined.
    number: Option<u64>,
}

enum PortKind {
    Primary,
    Fork(Box<Stored>),
    Sideband,
}

impl Port {
    /// Connects to the requested session. An unknown session is refused before the upgrade.
    pub(in crate::simulator) fn open(
        settings: Arc<Settings>,
        service: Arc<Service>,
        number: u64,
        request: &Request,
        timer: &dyn Timer,
    ) -> Result<Self, TransportError> {
        if let Some((status, fault)) = refusal(&settings, request) {
            return Err(rejected(status, fault));
        }
        let mut wire = Wire::new(&settings, number, timer);
        // The session limits its duration itself.
        wire.last_for_ever();
        let new = || Arc::new(Mutex::new(Room::new(settings.clone(), number, Media::Socket, timer)));
        let unknown = || rejected(StatusCode::NOT_FOUND, Fault::new("not_found", "There is no such session."));
        let id = request.session.as_deref().unwrap_or_default();
        let (kind, room, number) = match request.kind {
            SessionKind::LiveFork => {
                // One that has just ended is stored now.
                service.open(id, wire.now);
                let stored = service.stored(id).ok_or_else(unknown)?;
                (PortKind::Fork(Box::new(stored)), new(), None)
            }
            SessionKind::LiveAttach => {
                let room = service.open(id, wire.now).ok_or_else(unknown)?;
                let number = enter(&room).join(true);
                (PortKind::Sideband, room, Some(number))
            }
            _ => (PortKind::Primary, new(), None),
        };
        let mut port = Self { wire, service, room, kind, number };
        port.gather();
        Ok(port)
    }

    pub(in crate::simulator) fn receive(&mut self, Incoming { kind, members }: Incoming<'_>) -> Result<(), Fault> {
        let shape = match self.kind {
            PortKind::Primary => shapes::primary(kind),
            PortKind::Fork(_) => shapes::fork(kind),
            PortKind::Sideband => shapes::sideband(kind),
        };
        let Some(shape) = shape else { return Err(Fault::value("type", kind, shapes::KINDS)) };
        let checked = check_event(shape, members);
        let Some(_) = self.number else {
            // Nothing is sent before the start.
            return self.start(kind, members.get("session").unwrap_or(&Value::Null), members, checked);
        };
        checked?;
        let mut room = enter(&self.room);
        room.advance(self.wire.now);
        let result = room.command(kind, members);
        drop(room);
        self.gather();
        result
    }

    /// Starts the session with the first event. A refused start creates no session.
    fn start(
        &mut self,
        kind: &str,
        asked: &Value,
        members: &serde_json::Map<String, Value>,
        checked: Result<(), Fault>,
    ) -> Result<(), Fault> {
        if kind != "session.start" {
            return Err(Fault::new("invalid_request", "The first event must be 'session.start'."));
        }
        let begun = checked.and_then(|()| {
            let mut room = enter(&self.room);
            let (id, expires_at) = (room.id.clone(), room.expires_at());
            let config = match &self.kind {
                PortKind::Fork(stored) => config::fork(&stored.session, asked, &id, expires_at)?,
                _ => {
                    config::check_model(&room.settings, asked)?;
                    config::resolve(asked, &id, expires_at)?
                }
            };
            room.advance(self.wire.now);
            self.number = Some(room.join(false));
            room.start(config, members.get("event_id").and_then(Value::as_str));
            Ok(id)
        });
        match begun {
            Ok(id) => {
                self.service.add(&id, &self.room);
                self.gather();
                Ok(())
            }
            Err(fault) => {
                let text =
                    complaint(self.wire.ids.make("event"), fault, members.get("event_id").and_then(Value::as_str));
                self.wire.push(Message::Text(text.into()));
                self.wire.close(None::<CloseFrame>);
                Ok(())
            }
        }
    }

    /// Sends an error about the client's event.
    pub(in crate::simulator) fn complain(&mut self, fault: Fault, event_id: Option<&str>) {
        match self.number {
            Some(number) => {
                enter(&self.room).complain(number, fault, event_id);
                self.gather();
            }
            None => {
                let text = complaint(self.wire.ids.make("event"), fault, event_id);
                self.wire.push(Message::Text(text.into()));
            }
        }
    }

    pub(in crate::simulator) fn due(&self) -> Option<Instant> {
        enter(&self.room).due().filter(|_| self.number.is_some())
    }

    pub(in crate::simulator) fn step(&mut self) {
        enter(&self.room).advance(self.wire.now);
        self.gather();
    }

    /// Takes the session's messages for this connection, and stores the session if it has ended.
    pub(in crate::simulator) fn gather(&mut self) {
        let Some(number) = self.number else { return };
        let mut room = enter(&self.room);
        while self.wire.has_room()
            && let Some(message) = room.take(number)
        {
            match message {
                Message::Close(frame) => self.wire.close(frame),
                message => self.wire.push(message),
            }
        }
        if room.is_over() {
            let (id, stored) = (room.id.clone(), room.stored());
            drop(room);
            self.service.close(&id, stored);
        }
    }

    /// Wakes this waker when the session has a message for the connection.
    pub(in crate::simulator) fn listen(&self, waker: &Waker) {
        if let Some(number) = self.number {
            enter(&self.room).listen(number, waker);
        }
    }

    /// Other connections of the session with messages to read.
    pub(in crate::simulator) fn take_wakers(&self) -> Vec<Waker> {
        enter(&self.room).take_wakers()
    }

    /// The client has disconnected. The session ends with the connection that started it.
    pub(in crate::simulator) fn abandon(&mut self) {
        self.wire.abandon();
        let Some(number) = self.number else { return };
        let mut room = enter(&self.room);
        room.leave(number);
        if !matches!(self.kind, PortKind::Sideband) {
            room.close("connection_lost", None);
            let now = room.now;
            room.advance(now);
        }
        drop(room);
        self.gather();
    }

    pub(in crate::simulator) fn config(&self) -> Value {
        enter(&self.room).config.clone()
    }

    pub(in crate::simulator) fn heard_ms(&self) -> u64 {
        enter(&self.room).timeline_ms
    }
}

/// Why a connection is refused.
fn refusal(settings: &Settings, request: &Request) -> Option<(StatusCode, Fault)> {
    let known = |key: &str| settings.keys.iter().any(|known| known.expose() == key);
    match &request.key {
        _ if settings.keys.is_empty() => None,
        Some(key) if known(key) => None,
        Some(_) => Some((StatusCode::UNAUTHORIZED, Fault::new("invalid_api_key", "Incorrect API key provided."))),
        None => Some((StatusCode::UNAUTHORIZED, Fault::new("invalid_api_key", "You did not provide an API key."))),
    }
}

fn rejected(status: StatusCode, fault: Fault) -> TransportError {
    let error = serde_json::json!({
        "error": { "message": fault.message, "type": "invalid_request_error", "code": fault.code, "param": null },
    });
    TransportError::rejected(status, HeaderMap::new(), error.to_string().into())
}
