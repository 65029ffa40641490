//! Other places to connect to, and the reasons for which they are used.

use crate::{
    auth::{Credential, Credentials},
    dialect::Dialect,
    endpoint::{Endpoint, Extras, Target},
    error::{Error, ErrorKind},
    transport::TransportErrorKind,
    wire::Secret,
};

/// Another place for a conversation, if the one in use fails: an endpoint, a model, a credential, or several of them. What is
/// not set is that of the client and the connection.
///
/// Given to [`Reconnect::fallback`](super::Reconnect::fallback), in order of preference.
///
/// ```
/// use realtime_core::{connection::{FailoverReason, Fallback, Reconnect}, auth::Credential, endpoint::Endpoint};
///
/// let policy = Reconnect::default()
///     .fallback(Fallback::new().api_key("sk-of-another-project").on([FailoverReason::Quota, FailoverReason::RateLimited]))
///     .fallback(
///         Fallback::new()
///             .endpoint(Endpoint::azure("https://name.openai.azure.com"))
///             .credentials(Credential::azure_key("key"))
///             .model("my-deployment"),
///     );
/// # let _ = policy;
/// ```
///
/// # Secrets
/// A fallback with an endpoint of its own is sent neither the client's credential nor the query parameters and headers of the
/// client and the connection: it has its own, or none.
#[derive(Clone, Debug)]
#[doc(alias("failover", "secondary"))]
pub struct Fallback {
    endpoint: Option<Endpoint>,
    credentials: Option<Credentials>,
    target: Option<Target>,
    extras: Extras,
    reasons: Vec<FailoverReason>,
}

impl Default for Fallback {
    fn default() -> Self {
        use FailoverReason::{Quota, RateLimited, Unavailable};

        Self {
            endpoint: None,
            credentials: None,
            target: None,
            extras: Extras::new(),
            reasons: vec![Quota, RateLimited, Unavailable],
        }
    }
}

impl Fallback {
    /// Creates a fallback that differs in nothing yet, for [quota](FailoverReason::Quota),
    /// [rate limits](FailoverReason::RateLimited) and [unavailability](FailoverReason::Unavailable).
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the endpoint. It may use another [`Dialect`].
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets the base URL of a gateway: see [`Endpoint::gateway`].
    #[must_use]
    pub fn base_url(self, base: impl Into<String>) -> Self {
        self.endpoint(Endpoint::gateway(base))
    }

    /// Sets the credentials: fixed, or a callback that is called before every connection.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.credentials = Some(credentials.into());
        self
    }

    /// Sets the API key.
    #[must_use]
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.credentials(Credential::api_key(key))
    }

    /// Sets what to connect to.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Sets the model of a conversation; at an Azure endpoint, the deployment.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        self.target(Target::Model(model.into()))
    }

    /// Sets query parameters and headers: in addition to the connection's if the endpoint is the same, otherwise alone.
    #[must_use]
    pub fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    /// Sets the reasons for which it is used, replacing the default ones.
    #[must_use]
    pub fn on(mut self, reasons: impl IntoIterator<Item = FailoverReason>) -> Self {
        self.reasons = reasons.into_iter().collect();
        self
    }

    pub(super) fn accepts(&self, reason: FailoverReason) -> bool {
        self.reasons.contains(&reason)
    }

    /// Whether it is named otherwise than what the connection was opened to.
    pub(super) fn has_other_target(&self, first: &Target) -> bool {
        self.target.as_ref().is_some_and(|target| target != first)
    }

    /// The dialect in which it has to be written to.
    pub(super) fn dialect(&self, first: Dialect) -> Dialect {
        self.endpoint.as_ref().map_or(first, Endpoint::spoken)
    }

    /// Everything that a connection needs, with the client's where nothing is set.
    pub(crate) fn place<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        credentials: &'a Credentials,
        target: &'a Target,
        extras: &Extras,
    ) -> (&'a Endpoint, Credentials, &'a Target, Extras) {
        let target = self.target.as_ref().unwrap_or(target);
        match &self.endpoint {
            None => {
                let credentials = self.credentials.as_ref().unwrap_or(credentials).clone();
                (endpoint, credentials, target, extras.clone().and(self.extras.clone()))
            }
            // Nothing that may be secret goes elsewhere.
            Some(endpoint) => {
                let credentials = self.credentials.clone().unwrap_or(Credential::None.into());
                (endpoint, credentials, target, self.extras.clone())
            }
        }
    }
}

/// Why a conversation goes on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailoverReason {
    /// The account has no quota left, or is not paid for.
    Quota,
    /// Too many requests or tokens in a time. The place is left alone for its `Retry-After`.
    RateLimited,
    /// It cannot be reached, does not open the session in time, is overloaded or failing: whatever else is
    /// [retryable](Error::is_retryable). A link that is lost is first sought where it was; only if that fails, elsewhere.
    Unavailable,
    /// The credential is not accepted, or could not be obtained. Not among the default reasons.
    Unauthorized,
    /// There is no such model or deployment. Not among the default reasons.
    ModelNotFound,
}

impl FailoverReason {
    /// The reason in an error. `None` if it is the request's own fault or the application's decision, which is the same
    /// everywhere.
    pub fn of(error: &Error) -> Option<Self> {
        if matches!(error.kind(), ErrorKind::Aborted(_)) {
            return None;
        }
        let said = error.server().map(|event| &event.error);
        let words = said.into_iter().flat_map(|error| [error.code.as_deref(), error.kind.as_deref()]).flatten();
        if let Some(reason) = words.filter_map(Self::named).next() {
            return Some(reason);
        }
        match error.kind() {
            ErrorKind::Credentials(_) => return Some(Self::Unauthorized),
            ErrorKind::Transport(failed) => {
                if let TransportErrorKind::Rejected { status } = failed.kind() {
                    match status.as_u16() {
                        401 | 403 => return Some(Self::Unauthorized),
                        402 => return Some(Self::Quota),
                        404 => return Some(Self::ModelNotFound),
                        429 => return Some(Self::RateLimited),
                        _ => {}
                    }
                }
            }
            // OpenAI's close code for credentials.
            ErrorKind::Refused(refused) if refused.close.as_ref().is_some_and(|close| close.code == 3000) => {
                return Some(Self::Unauthorized);
            }
            _ => {}
        }
        error.is_retryable().then_some(Self::Unavailable)
    }

    /// The reason that the type or the code of an error stands for.
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "insufficient_quota"
            | "quota_exceeded"
            | "billing_error"
            | "billing_not_active"
            | "billing_hard_limit_reached" => Self::Quota,
            "rate_limit_exceeded" | "rate_limit_error" | "RateLimitReached" => Self::RateLimited,
            "authentication_error" | "permission_error" | "invalid_api_key" => Self::Unauthorized,
            "model_not_found" | "DeploymentNotFound" => Self::ModelNotFound,
            _ => return None,
        })
    }
}
