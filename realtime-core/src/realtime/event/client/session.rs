use crate::realtime::types::SessionConfig;

client_events! {
    /// Changes the session's configuration: what it names, nothing else.
    ///
    /// The server answers with `session.updated`, or with an `error` and no change at all.
    pub struct SessionUpdate {
        /// What is to change.
        req session: SessionConfig,
    }
}
