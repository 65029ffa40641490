use std::{
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

/// A Live session that a browser or a telephone holds: what sidebands attach to.
///
/// A test plays the other side: it speaks, presses keys, and hangs up. What happens is told to the sidebands that are
/// attached, and they drive the session: without one, its time passes when the next one attaches.
#[derive(Clone)]
pub struct HeldSession {
    room: Shared,
    simulator: Simulator,
    timer: Arc<dyn Timer>,
}

impl Simulator {
    /// A session that a telephone holds, on this clock.
    pub fn phone_session(&self, config: MediaSessionConfig, timer: &(impl Timer + Clone)) -> HeldSession {
        HeldSession::new(self, config, Media::Sip, Arc::new(timer.clone()))
    }

    /// A session that a browser holds, on this clock.
    pub fn browser_session(&self, config: MediaSessionConfig, timer: &(impl Timer + Clone)) -> HeldSession {
        HeldSession::new(self, config, Media::WebRtc, Arc::new(timer.clone()))
    }
}

impl HeldSession {
    fn new(simulator: &Simulator, asked: MediaSessionConfig, media: Media, timer: Arc<dyn Timer>) -> Self {
        let mut room = Room::new(simulator.settings.clone(), simulator.sessions.number(), media, &*timer);
        let asked = serde_json::to_value(&asked).unwrap_or_default();
        let (id, expires_at) = (room.id.clone(), room.expires_at());
        // A configuration that the service would refuse leaves its defaults.
        let config = config::resolve(&asked, &id, expires_at)
            .or_else(|_| config::resolve(&json!({ "model": asked["model"] }), &id, expires_at));
        room.start(config.unwrap_or(Value::Null), None);
        let room = Arc::new(Mutex::new(room));
        simulator.live.add(&id, &room);
        Self { room, simulator: simulator.clone(), timer }
    }

    /// The session's id: what a sideband attaches to.
    pub fn id(&self) -> String {
        enter(&self.room).id.clone()
    }

    /// The user says this.
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

    /// The telephone that is called rings.
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
        self.change(|room| {
            room.close("remote_hangup", None);
            let now = room.now;
            room.advance(now);
        });
    }

    fn transport(&self, what: &str, mut members: Value) {
        self.change(|room| {
            members["session_id"] = room.id.as_str().into();
            room.emit(Audience::Sidebands, &format!("transport.{what}"), None, members);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Room)) {
        let mut room = enter(&self.room);
        room.advance(self.timer.now());
        if !room.is_over() {
            change(&mut room);
        }
        let (wakers, id) = (room.take_wakers(), room.id.clone());
        let over = room.is_over().then(|| room.stored());
        drop(room);
        if let Some(stored) = over {
            self.simulator.live.close(&id, stored);
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }
}

impl fmt::Debug for HeldSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSession").field("id", &self.id()).finish_non_exhaustive()
    }
}
