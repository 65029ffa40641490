use crate::realtime::types::SessionConfig;

client_events! {
    /// Changes the session's configuration. Members that are not set keep their value.
    ///
    /// The server answers with `session.updated`, or with an `error` and no change.
    pub struct SessionUpdate {
        /// The changes.
        req session: SessionConfig,
    }
}
