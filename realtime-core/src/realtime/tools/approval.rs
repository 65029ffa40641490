//! Functions that run only if somebody agrees.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::wire::Id;

/// Decides whether a function runs.
pub(crate) type Decide = Arc<dyn Fn(ApprovalRequest) -> BoxFuture<'static, Approval> + Send + Sync>;

/// A function call that waits for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// Id of the call.
    pub call_id: Id,
    /// Id of the response that called. `None` if the protocol does not say.
    pub response_id: Option<Id>,
    /// Name of the function.
    pub name: String,
    /// Arguments as JSON, written by the model. They fit the function.
    pub arguments: String,
}

/// A decision about a function call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Approval {
    /// The function runs for this call.
    Once,
    /// The function runs for this call and all later ones of the connection, until other functions are set with
    /// [`use_tools`](crate::Connection::use_tools).
    Always,
    /// The function does not run. The model is told this reason.
    Deny(String),
}

impl Approval {
    /// Denies the call for this reason, which the model is told.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny(reason.into())
    }
}

/// `true` is [`Approval::Once`], `false` a denial without a reason.
impl From<bool> for Approval {
    fn from(approved: bool) -> Self {
        if approved { Self::Once } else { Self::Deny(String::new()) }
    }
}
