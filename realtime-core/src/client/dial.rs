//! Attempts to open a link.

use std::sync::Arc;

use super::{Client, Settings};
use crate::{
    connection::{Again, Attempt, Decision, Reconnect},
    endpoint::{Extras, Target},
    error::Error,
    transport::Duplex,
};

/// Everything needed to connect, for any number of attempts.
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) target: Target,
    pub(super) extras: Extras,
    pub(super) max_message_size: usize,
    pub(super) reconnect: Option<Arc<Reconnect>>,
}

impl Place {
    /// Makes one attempt.
    pub(super) async fn dial(self: Arc<Self>, again: Option<Again>) -> Result<Duplex, Error> {
        let Settings { transport, endpoint, credentials, .. } = &*self.client.0;
        let fallback = again.as_ref().and_then(|again| self.reconnect.as_ref()?.fallbacks().get(again.fallback?));
        let (endpoint, credentials, target, mut extras) = match fallback {
            Some(fallback) => fallback.place(endpoint, credentials, &self.target, &self.extras),
            None => (endpoint, credentials.clone(), &self.target, self.extras.clone()),
        };
        let elsewhere = again.as_ref().and_then(|again| again.target.as_ref());
        let target = elsewhere.unwrap_or(target);
        if let (Some(again), Some(policy)) = (&again, &self.reconnect) {
            let Again { number, after, reason, fallback, .. } = again;
            let attempt = Attempt { number: *number, after: *after, reason, fallback: *fallback };
            match policy.decide(&attempt) {
                Decision::Go => {}
                Decision::With(more) => extras = extras.and(more),
                Decision::Abort => return Err(Error::aborted(&again.reason)),
            }
        }
        let credential = credentials.resolve().await?;
        let mut handshake = endpoint.handshake(target, &credential, &extras)?;
        handshake.max_message_size = self.max_message_size;
        let secrets = handshake.secrets();
        transport.connect(handshake).await.map_err(|error| Error::connecting(error, &secrets))
    }
}
