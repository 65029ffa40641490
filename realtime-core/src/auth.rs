//! Who connects: credentials, fixed or asked for at every connection.

use std::{error, fmt, future::Future, sync::Arc};

use futures::future::BoxFuture;

use crate::wire::Secret;

/// What proves to the server who connects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// An API key: `Authorization: Bearer <key>`. It belongs on servers, never in what users can read.
    ApiKey(Secret),
    /// A short-lived key (`ek_..`) that a server of yours has made for one client: sent as an API key is.
    Ephemeral(Secret),
    /// The key of an Azure resource: `api-key: <key>`.
    AzureKey(Secret),
    /// A token that another authority has issued, such as Entra: `Authorization: Bearer <token>`.
    Bearer(Secret),
    /// Nothing: for a server that asks for nothing, or for one that takes its key in a header or a query parameter of
    /// its own, given as [`Extras`](crate::endpoint::Extras).
    None,
}

impl Credential {
    /// An API key.
    pub fn api_key(key: impl Into<Secret>) -> Self {
        Self::ApiKey(key.into())
    }

    /// A short-lived key.
    pub fn ephemeral(key: impl Into<Secret>) -> Self {
        Self::Ephemeral(key.into())
    }

    /// The key of an Azure resource.
    pub fn azure_key(key: impl Into<Secret>) -> Self {
        Self::AzureKey(key.into())
    }

    /// A token of another authority.
    pub fn bearer(token: impl Into<Secret>) -> Self {
        Self::Bearer(token.into())
    }
}

type Callback = dyn Fn() -> BoxFuture<'static, Result<Credential, CredentialError>> + Send + Sync;

/// Where the credential of a connection comes from. A clone shares the callback.
#[derive(Clone)]
pub struct Credentials(Source);

#[derive(Clone)]
enum Source {
    Fixed(Credential),
    Asked(Arc<Callback>),
}

impl Credentials {
    /// Asks `callback` before every connection and every reconnection, so that a token that has run out is replaced.
    ///
    /// ```
    /// use realtime_core::auth::{Credential, Credentials};
    ///
    /// let credentials = Credentials::callback(|| async {
    ///     let token = String::from("a token, fetched from somewhere");
    ///     Ok::<_, std::io::Error>(Credential::bearer(token))
    /// });
    /// ```
    pub fn callback<F, Fut, E>(callback: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credential, E>> + Send + 'static,
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        Self(Source::Asked(Arc::new(move || {
            let answer = callback();
            Box::pin(async move { answer.await.map_err(CredentialError::new) })
        })))
    }

    /// The credential, if nobody need be asked for it.
    pub(crate) fn fixed(&self) -> Option<&Credential> {
        match &self.0 {
            Source::Fixed(credential) => Some(credential),
            Source::Asked(_) => None,
        }
    }

    /// The credential for one connection.
    ///
    /// # Cancel safety
    /// Dropping the future drops the callback's.
    ///
    /// # Errors
    /// The callback failed. A fixed credential never does.
    pub async fn resolve(&self) -> Result<Credential, CredentialError> {
        match &self.0 {
            Source::Fixed(credential) => Ok(credential.clone()),
            Source::Asked(callback) => callback().await,
        }
    }
}

impl From<Credential> for Credentials {
    fn from(credential: Credential) -> Self {
        Self(Source::Fixed(credential))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(credential) => f.debug_tuple("Credentials").field(credential).finish(),
            Source::Asked(_) => f.write_str("Credentials(callback)"),
        }
    }
}

/// A credential callback failed; [`source`](error::Error::source) is its own error.
pub struct CredentialError(Box<dyn error::Error + Send + Sync>);

impl CredentialError {
    fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no credential to connect with: the callback that was asked for it failed")
    }
}

/// Without the source: what fetches a token may well have it in its errors.
impl fmt::Debug for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialError").finish_non_exhaustive()
    }
}

impl error::Error for CredentialError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.0)
    }
}
