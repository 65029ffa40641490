use serde_json::value::RawValue;

use crate::{
    realtime::types::SessionInfo,
    wire::{Members, Notes},
};

server_events! {
    /// The session is open. The server's first event.
    pub struct SessionCreated mended by id_from_around {
        /// The session with its default configuration.
        soft_session session: SessionInfo,
    }

    /// The session's configuration has changed. Answers `session.update`.
    pub struct SessionUpdated {
        /// The session with its new configuration.
        soft_session session: SessionInfo,
    }
}

/// Reads the session's id from the event if the session is not described.
fn id_from_around(mut event: SessionCreated, value: &RawValue, notes: &mut Notes) -> SessionCreated {
    if let SessionInfo::Realtime(session) = &mut event.session
        && session.id.is_none()
        && let Some(around) = Members::find(value, &["id"], None, None)
    {
        session.id = around.optional("id", &[], notes).flatten();
    }
    event
}
