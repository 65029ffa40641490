use crate::types::SessionInfo;

server_events! {
    /// The session is open: the server's first event.
    pub struct SessionCreated {
        /// The session, as it is by default.
        req session: SessionInfo,
    }

    /// The session's configuration has changed: the answer to `session.update`.
    pub struct SessionUpdated {
        /// The session, as it is now.
        req session: SessionInfo,
    }
}
