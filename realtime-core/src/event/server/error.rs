use crate::types::ErrorBody;

server_events! {
    /// Something went wrong: with what the client sent, or on the server. By itself it does not end the session.
    pub struct ErrorEvent {
        /// What went wrong.
        req error: ErrorBody,
    }
}
