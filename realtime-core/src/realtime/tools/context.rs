//! What a function learns of its call, and what it can do besides giving an output.

use std::{fmt, sync::Arc};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{self, Shared},
};

use super::{
    ToolOutput,
    answer::{AnswerError, answer},
};
use crate::{
    connection::{Ack, Sender},
    protocol::Protocol,
    realtime::{
        Realtime,
        event::{ConversationItemAdded, ConversationItemCreate},
        types::Item,
    },
    wire::Id,
};

/// The call that a function runs for: its ids, the session, and whether its output is still wanted.
///
/// Functions added with [`Tools::add_with_context`](super::Tools::add_with_context) receive it. A clone is the same call. It
/// can be kept after the function has returned, for an answer that comes [`Later`](super::Later).
pub struct ToolContext<P: Protocol = Realtime> {
    about: Arc<About>,
    sender: Sender<P>,
    cancelled: Cancelled,
}

struct About {
    call_id: Id,
    response_id: Option<Id>,
    name: String,
}

/// Resolves once the call is cancelled: told so, or because the other end was dropped.
pub(crate) type Cancelled = Shared<oneshot::Receiver<()>>;

/// Creates a signal, and what waits for it. Dropping the signal gives it.
pub(crate) fn cancellation() -> (oneshot::Sender<()>, Cancelled) {
    let (cancel, cancelled) = oneshot::channel();
    (cancel, cancelled.shared())
}

impl<P: Protocol> ToolContext<P> {
    pub(crate) fn new(
        call_id: Id,
        response_id: Option<Id>,
        name: &str,
        sender: Sender<P>,
        cancelled: Cancelled,
    ) -> Self {
        Self { about: Arc::new(About { call_id, response_id, name: name.into() }), sender, cancelled }
    }

    /// Id of the call, which its output refers to.
    pub fn call_id(&self) -> &Id {
        &self.about.call_id
    }

    /// Id of the response that called. `None` if the protocol does not say.
    pub fn response_id(&self) -> Option<&Id> {
        self.about.response_id.as_ref()
    }

    /// Name of the function, as used by the model.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// The session state, including the conversation so far.
    pub fn state(&self) -> Arc<P::State> {
        self.sender.state()
    }

    /// Sends on the connection of the call.
    pub fn sender(&self) -> &Sender<P> {
        &self.sender
    }

    /// Whether the call was [cancelled](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.clone().now_or_never().is_some()
    }

    /// Waits until the call is cancelled: its response was cut short, its time limit has passed, it was answered in another
    /// way, or the connection has ended.
    ///
    /// It is advice: with [`WhenInterrupted::Keep`](super::WhenInterrupted::Keep), a function may still give an output after
    /// its response was cut short, and the output is sent. With `Cancel`, and after the time limit, its future is dropped. One
    /// that runs on a task of its own ([`Tools::spawner`](super::Tools::spawner)) is not dropped, and should end when this
    /// resolves.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn cancelled(&self) {
        let _ = self.cancelled.clone().await;
    }
}

impl ToolContext<Realtime> {
    /// Tells the model how far the function has come, or a part of what it has found.
    ///
    /// The protocol has one output for each call. A part is therefore a system message that names the function and the call:
    /// the model knows of it from its next response on, and no response is requested because of it. Send a `response.create`
    /// with the [`sender`](Self::sender) to have the model speak about it at once. The output of the function is still the
    /// whole result.
    ///
    /// # Errors
    /// The call is not open any more, or the message was not accepted: wait for [`Sender::ready`] and try again, or leave it out.
    pub fn progress(&self, part: impl fmt::Display) -> Result<Ack<Realtime, ConversationItemAdded>, AnswerError> {
        self.state().open_call(self.call_id(), self.response_id())?;
        let text = format!("Progress of the function `{}` (call {}): {part}", self.name(), self.call_id());
        let event = ConversationItemCreate::new(Item::system(text));
        self.sender.request(event).map_err(|refused| AnswerError::Send(refused.kind()))
    }

    /// Answers the call: see [`Connection::answer_call`](crate::Connection::answer_call).
    ///
    /// # Errors
    /// As there.
    pub fn answer<M>(&self, output: impl ToolOutput<M>) -> Result<(), AnswerError> {
        answer(&self.sender, self.call_id(), self.response_id(), output)
    }
}

impl<P: Protocol> ToolContext<P> {
    /// Waits for the future, or until the call is cancelled. `None` if it is.
    ///
    /// # Cancel safety
    /// Dropping the future drops the one that it waits for.
    pub async fn until_cancelled<F: Future>(&self, future: F) -> Option<F::Output> {
        let future = std::pin::pin!(future);
        match future::select(self.cancelled.clone(), future).await {
            future::Either::Left(_) => None,
            future::Either::Right((output, _)) => Some(output),
        }
    }
}

impl<P: Protocol> Clone for ToolContext<P> {
    fn clone(&self) -> Self {
        Self { about: self.about.clone(), sender: self.sender.clone(), cancelled: self.cancelled.clone() }
    }
}

impl<P: Protocol> fmt::Debug for ToolContext<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { call_id, response_id, name } = &*self.about;
        f.debug_struct("ToolContext")
            .field("call_id", call_id)
            .field("response_id", response_id)
            .field("name", name)
            .finish_non_exhaustive()
    }
}
