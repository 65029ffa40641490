use crate::{realtime::types::ResponseConfig, wire::Id};

client_events! {
    /// Asks the model for a response. With turn detection the server asks by itself.
    ///
    /// The server answers with `response.created`, what the response consists of, and `response.done`; or with an
    /// `error`, as it does while another response of the same conversation is in progress.
    pub struct ResponseCreate {
        /// What is to be other than in the session's configuration.
        opt response: ResponseConfig,
    }

    /// Stops a response.
    ///
    /// The server answers with `response.done`, status cancelled; what was under way may still arrive. If there is
    /// none to stop, it answers with an `error` that does no harm.
    pub struct ResponseCancel {
        /// The response; left out, the one in progress in the session's conversation.
        opt response_id: Id,
    }
}
