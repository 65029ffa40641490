use std::fmt;

use super::{AudioConfig, Delegation, HistoryItem, Number, Trigger, config::ClientRights};
use crate::wire::Id;

wire! {
    /// A session as the server describes it.
    pub struct SessionResource {
        /// Id.
        req id: Id,
        /// End, in seconds since the Unix epoch.
        loose expires_at: Number,
        /// Always `active`, also in `session.closed`. Azure leaves it out.
        loose status: String,
        /// The model.
        loose model: String,
        /// The voice's instructions.
        loose instructions: String,
        /// Encoding and voice.
        loose audio: AudioConfig,
        /// The worker for tasks that the voice hands over.
        loose delegation: Delegation,
        /// The conversation before the session.
        loose input: Vec<HistoryItem>,
        /// Triggers of decisions.
        loose triggers: Vec<Trigger>,
        /// Permissions of a browser in the session.
        loose client: ClientRights,
        /// Whether the recording and the history are kept.
        loose store: bool,
        /// The stable id of the end user.
        loose safety_identifier: String,
    }

    /// Usage of the voice. Cumulative: the last report is the total.
    pub struct SessionUsage {
        /// Billed seconds of the session, silence included.
        loose seconds: Number,
        /// Seconds in which inference ran.
        loose active_seconds: Number,
        /// Seconds in which inference was paused.
        loose paused_seconds: Number,
    }

    /// Usage of the voice, as reported by `session.usage.updated`.
    pub struct ReportedUsage {
        /// Billed seconds of the session, silence included.
        req seconds: Number,
        /// Seconds in which inference ran.
        loose active_seconds: Number,
        /// Seconds in which inference was paused.
        loose paused_seconds: Number,
    }

    /// Utilization of the voice's context.
    pub struct ContextWindow {
        /// Fraction from 0 to 1. Decreases when the context is compacted.
        loose usage_ratio: Number,
    }

    /// Content of an `error` event.
    pub struct LiveError {
        /// Type of the error: `invalid_request_error`, `server_error`, ..
        loose kind as "type": String,
        /// Which error it is: `immutable_field_update`, `invalid_value`, ..
        loose code: String,
        /// The error in words.
        req_text message: String,
        /// The member of the client's event that is at fault.
        loose param: String,
        /// The client's event that is at fault, by the id that the client gave it.
        loose client_event_id: Id,
    }

    /// Why a telephone call could not be set up.
    pub struct CallError {
        /// Type of the error: `call_error`.
        loose kind as "type": String,
        /// Which error it is.
        loose code: String,
        /// The error in words.
        loose message: String,
        /// The parameter that is at fault.
        loose param: String,
    }
}

/// Error codes and types after which trying again is of no use.
const FATAL: [&str; 6] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "invalid_api_key",
    "account_deactivated",
    "billing_hard_limit_reached",
    "forbidden",
];

impl LiveError {
    /// Whether trying again is of no use: the account is exhausted, closed or not allowed to.
    pub fn is_final(&self) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|word| FATAL.contains(&&**word))
    }
}

/// The words, and which error it is.
impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.code.as_ref().or(self.kind.as_ref()) {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

open_enum! {
    /// Why a session ended.
    pub enum CloseReason {
        /// Somebody asked for it.
        CloseRequested = "close_requested",
        /// The session reached its maximum duration.
        Expired = "expired",
        /// Moderation ended it.
        Content = "content",
        /// The other end of the call hung up.
        RemoteHangup = "remote_hangup",
        /// Its primary connection was lost.
        ConnectionLost = "connection_lost",
    }
}

open_enum! {
    /// A key of a telephone.
    pub enum DtmfKey {
        /// 0.
        Zero = "0",
        /// 1.
        One = "1",
        /// 2.
        Two = "2",
        /// 3.
        Three = "3",
        /// 4.
        Four = "4",
        /// 5.
        Five = "5",
        /// 6.
        Six = "6",
        /// 7.
        Seven = "7",
        /// 8.
        Eight = "8",
        /// 9.
        Nine = "9",
        /// A.
        A = "A",
        /// B.
        B = "B",
        /// C.
        C = "C",
        /// D.
        D = "D",
        /// The star.
        Star = "*",
        /// The pound sign.
        Pound = "#",
    }
}
