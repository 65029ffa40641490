use crate::{realtime::types::ResponseConfig, wire::Id};

client_events! {
    /// Requests a response from the model. With turn detection, the server requests one itself.
    ///
    /// The server answers with `response.created`, the events of the response, and `response.done`; or with an `error`,
    /// for example while another response of the same conversation is in progress.
    pub struct ResponseCreate {
        /// Settings that override the session's configuration for this response.
        opt response: ResponseConfig,
    }

    /// Cancels a response.
    ///
    /// The server answers with `response.done` and status `cancelled`; events in flight may still arrive. If no
    /// response is active, it answers with an `error`, which has no other effect.
    pub struct ResponseCancel {
        /// Id of the response. If unset, the active response of the conversation is cancelled.
        opt response_id: Id,
    }
}
