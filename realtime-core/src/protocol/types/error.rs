use std::fmt;

use crate::wire::Id;

wire! {
    /// The content of an `error` event.
    pub struct ErrorBody as "message" within "error" {
        /// Type of the error: `invalid_request_error`, `server_error`, ..
        opt kind as "type": String,
        /// Code of the error: `invalid_value`, `conversation_already_has_active_response`, ..
        opt code: String,
        /// Message. Empty if the server sent none.
        req_text message: String,
        /// Path of the member of the client event that caused the error.
        opt param: String,
        /// Id of the client event that caused the error.
        opt event_id | "client_event_id": Id,
    }

    /// Why a response or a transcription failed.
    pub struct Failure as "message" {
        /// Type of the error.
        opt kind as "type": String,
        /// Code of the error.
        opt code: String,
        /// Message.
        opt_text message: String,
        /// The parameter that caused the error.
        opt param: String,
    }
}

/// Prints the message and the code.
impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.code.as_ref().or(self.kind.as_ref()) {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

/// Creates an error without any details.
impl Default for ErrorBody {
    fn default() -> Self {
        Self::new("")
    }
}
