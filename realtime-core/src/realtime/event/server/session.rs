use serde_json::value::RawValue;

use crate::{
    realtime::types::SessionInfo,
    wire::{Members, Notes},
};

server_events! {
    /// The session is open: the server's first event.
    pub struct SessionCreated mended by id_from_around {
        /// The session, as it is by default.
        soft session: SessionInfo,
    }

    /// The session's configuration has changed: the answer to `session.update`.
    pub struct SessionUpdated {
        /// The session, as it is now.
        soft session: SessionInfo,
    }
}

/// A server that does not describe the session may name it all the same.
fn id_from_around(mut event: SessionCreated, value: &RawValue, notes: &mut Notes) -> SessionCreated {
    if let SessionInfo::Realtime(session) = &mut event.session
        && session.id.is_none()
        && let Some(around) = Members::find(value, &["id"], None, None)
    {
        session.id = around.optional("id", &[], notes).flatten();
    }
    event
}
