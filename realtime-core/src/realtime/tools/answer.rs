//! Answers that come after the function has returned.

use std::{error, fmt};

use super::{ToolOutput, ToolReply};
use crate::{
    connection::{Connection, SendErrorKind, Sender},
    realtime::{Realtime, event::ConversationItemCreate, state::NotOpen, types::Item},
    wire::Id,
};

/// Why a call was not answered. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// No open call has this id: the functions were not called with it, or the session that called was replaced by one that
    /// does not have the call.
    Unknown,
    /// The call has its answer: from its function, from an earlier answer, or because its time limit has passed.
    Answered,
    /// The answer is [`Later`](super::Later), which is none.
    Unfinished,
    /// The event was not accepted for sending. The call is still open.
    Send(SendErrorKind),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no open call has this id: answer calls of the present session only"),
            Self::Answered => f.write_str("the call was answered before: answer each call once"),
            Self::Unfinished => f.write_str("`Later` is not an answer: give the output"),
            Self::Send(kind) => kind.fmt(f),
        }
    }
}

impl error::Error for AnswerError {}

impl From<NotOpen> for AnswerError {
    fn from(reason: NotOpen) -> Self {
        match reason {
            NotOpen::Unknown => Self::Unknown,
            NotOpen::Answered => Self::Answered,
        }
    }
}

impl Connection<Realtime> {
    /// Answers a function call whose function has returned [`Later`](super::Later), and requests a response, unless the output
    /// is [`Silent`](super::Silent).
    ///
    /// A call can be answered as long as it is open, also on another link, and also after its conversation was
    /// [resumed](crate::Connect::resume) in another process: [`Snapshot::open_calls`](crate::session::Snapshot::open_calls)
    /// lists the calls. If several responses have a call of this id, the oldest is answered. An `Err` is told to the model.
    ///
    /// A call that a function still runs for can be answered as well; what the function returns is then discarded.
    ///
    /// ```
    /// # use realtime_core::{Connection, Realtime};
    /// # fn example(connection: &Connection<Realtime>) {
    /// if let Err(error) = connection.answer_call("call_1", "the order has arrived") {
    ///     eprintln!("{error}"); // answered before, for example
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The call is not open, or the output was not accepted for sending: see [`AnswerError`].
    pub fn answer_call<M>(&self, call_id: impl Into<Id>, output: impl ToolOutput<M>) -> Result<(), AnswerError> {
        self.sender().answer_call(call_id, output)
    }
}

impl Sender<Realtime> {
    /// Answers a function call: see [`Connection::answer_call`].
    ///
    /// # Errors
    /// See there.
    pub fn answer_call<M>(&self, call_id: impl Into<Id>, output: impl ToolOutput<M>) -> Result<(), AnswerError> {
        answer(self, &call_id.into(), None, output)
    }
}

/// Answers an open call, of this response if it is known.
pub(super) fn answer<M>(
    sender: &Sender<Realtime>,
    call_id: &Id,
    response: Option<&Id>,
    output: impl ToolOutput<M>,
) -> Result<(), AnswerError> {
    let (text, follows) = match output.into_reply() {
        Ok(ToolReply::Output(text)) => (text, true),
        Ok(ToolReply::Silent(text)) => (text, false),
        Ok(ToolReply::Later) => return Err(AnswerError::Unfinished),
        Err(error) => (format!("error: {error}"), true),
    };
    let event = ConversationItemCreate::new(Item::function_call_output(call_id.clone(), text));
    sender.step(|step| {
        let response = step.change(|state| state.open_call(call_id, response))?;
        step.offer(event.into()).map_err(AnswerError::Send)?;
        step.change(|state| state.late_answer(&response, call_id, follows));
        Ok(())
    })
}
