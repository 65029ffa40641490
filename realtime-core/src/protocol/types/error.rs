use std::fmt;

use crate::wire::Id;

wire! {
    /// What an `error` event says.
    pub struct ErrorBody as "message" {
        /// What sort of error it is: `invalid_request_error`, `server_error`, ..
        opt kind as "type": String,
        /// Which error it is: `invalid_value`, `conversation_already_has_active_response`, ..
        opt code: String,
        /// The error in words. Empty if the server has none.
        req_text message: String,
        /// The member of the client's event that is at fault.
        opt param: String,
        /// The client's event that is at fault, by the id that the client gave it.
        opt event_id: Id,
    }

    /// Why a response or a transcription failed.
    pub struct Failure as "message" {
        /// What sort of error it is.
        opt kind as "type": String,
        /// Which error it is.
        opt code: String,
        /// The error in words.
        opt_text message: String,
        /// The parameter that is at fault.
        opt param: String,
    }
}

/// The words, and which error it is.
impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.code.as_ref().or(self.kind.as_ref()) {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

/// An error of which nothing is said.
impl Default for ErrorBody {
    fn default() -> Self {
        Self::new("")
    }
}
