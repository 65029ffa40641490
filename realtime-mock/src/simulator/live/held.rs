use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex},
};

use realtime_core::{
    live::types::{DtmfKey, MediaSessionConfig},
    transport::Timer,
};
use serde_json::{Value, json};

use super::{
    super::Simulator,
    config,
    room::{Audience, Media, Room},
    service::{Shared, enter},
};

/// A Live session held by a browser or a telephone, to which sidebands attach.
///
/// A test plays the other side: it speaks, presses keys, and hangs up. Events are sent to the attached sidebands, which
/// drive the session. Without one, the session catches up when the next sideband attaches.
#[derive(Clone)]
pub struct HeldSession {
    room: Shared,
    simulator: Simulator,
    timer: Arc<dyn Timer>,
}

impl Simulator {
    /// Creates a session held by a telephone, on this clock.
    pub fn phone_session(&self, config: MediaSessionConfig, timer: &(impl Timer + Clone)) -> HeldSession {
        HeldSession::new(self, config, Media::Sip, Arc::new(timer.clone()))
    }

    /// Creates a session held by a browser, on this clock.
    pub fn browser_session(&self, config: MediaSessionConfig, timer: &(impl Timer + Clone)) -> HeldSession {
        HeldSession::new(self, config, Media::WebRtc, Arc::new(timer.clone()))
    }

    /// The session of this id that a browser or a telephone holds, if it is open: one that the REST API has created or
    /// accepted.
    pub fn held_session(&self, id: &str, timer: &(impl Timer + Clone)) -> Option<HeldSession> {
        let room = self.live.open(id, timer.now()).filter(|room| enter(room).media != Media::Socket)?;
        Some(HeldSession { room, simulator: self.clone(), timer: Arc::new(timer.clone()) })
    }

    /// Begins a session that a browser or a telephone holds, with this id if it has one already. The configuration is made
    /// for an id and an end, in seconds since 1970.
    pub(in crate::simulator) fn hold<E>(
        &self,
        id: Option<&str>,
        media: Media,
        timer: &dyn Timer,
        configure: impl FnOnce(&str, u64) -> Result<Value, E>,
    ) -> Result<Shared, E> {
        let mut room = Room::new(self.settings.clone(), self.sessions.number(), media, timer);
        room.id = id.map_or(room.id, String::from);
        let id = room.id.clone();
        let config = configure(&id, room.expires_at())?;
        room.start(config, None);
        let room = Arc::new(Mutex::new(room));
        self.live.add(&id, &room);
        Ok(room)
    }
}

impl HeldSession {
    fn new(simulator: &Simulator, asked: MediaSessionConfig, media: Media, timer: Arc<dyn Timer>) -> Self {
        let asked = serde_json::to_value(&asked).unwrap_or_default();
        // An invalid configuration is replaced by the defaults.
        let configure = |id: &str, expires_at| {
            let default = || config::resolve(&json!({ "model": asked["model"] }), id, expires_at);
            Ok::<_, Infallible>(config::resolve(&asked, id, expires_at).or_else(|_| default()).unwrap_or(Value::Null))
        };
        match simulator.hold(None, media, &*timer, configure) {
            Ok(room) => Self { room, simulator: simulator.clone(), timer },
            Err(never) => match never {},
        }
    }

    /// The session's id, for attaching a sideband.
    pub fn id(&self) -> String {
        enter(&self.room).id.clone()
    }

    /// The user says this text.
    pub fn say(&self, text: impl AsRef<str>) {
        self.change(|room| {
            room.resume();
            let start = room.timeline_ms - room.timeline_ms % 200;
            room.heard_words(text.as_ref(), start);
        });
    }

    /// The user presses a key.
    pub fn press(&self, key: impl Into<DtmfKey>) {
        let key = key.into();
        self.change(|room| {
            room.emit(Audience::Sidebands, "transport.dtmf.received", None, json!({ "event": key.as_str() }));
        });
    }

    /// The called telephone rings.
    pub fn ring(&self) {
        self.transport("ringing", json!({}));
    }

    /// The call is answered.
    pub fn answer(&self) {
        self.transport("answered", json!({}));
    }

    /// The call cannot be set up, for a reason with this code.
    pub fn fail(&self, code: &str) {
        let error = json!({ "type": "call_error", "code": code, "message": "provider rejected the call", "param": "" });
        self.transport("failed", json!({ "error": error }));
    }

    /// The user hangs up: the session ends.
    pub fn hang_up(&self) {
        self.change(|room| room.close("remote_hangup", None));
    }

    fn transport(&self, what: &str, members: Value) {
        self.change(|room| room.tell_transport(what, members));
    }

    fn change(&self, change: impl FnOnce(&mut Room)) {
        self.simulator.live.visit(&self.room, self.timer.now(), change);
    }
}

impl fmt::Debug for HeldSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSession").field("id", &self.id()).finish_non_exhaustive()
    }
}
