//! Credentials, fixed or obtained by a callback before every connection.
//!
//! ```
//! use realtime_core::{Client, auth::{Credential, Credentials}};
//!
//! # fn example(transport: impl realtime_core::transport::Transport + Clone) {
//! let fixed = Client::builder(transport.clone()).credentials(Credential::api_key("sk-1")).build();
//! // Asked before every connection, so that a token can expire meanwhile.
//! let renewed = Credentials::callback(|| async { Ok::<_, std::io::Error>(Credential::bearer("token")) });
//! let client = Client::builder(transport).credentials(renewed).build();
//! # drop((fixed, client));
//! # }
//! assert!(!format!("{:?}", Credential::api_key("sk-1")).contains("sk-1"));
//! ```

use std::{error, fmt, future::Future, sync::Arc};

use futures::future::BoxFuture;

use crate::wire::Secret;

/// A credential, and the form in which it is sent.
///
/// # Examples
/// ```
/// use realtime_core::auth::Credential;
///
/// let key = Credential::api_key("sk-1");
/// assert_eq!(format!("{key:?}"), "ApiKey(***)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// An API key, sent as `Authorization: Bearer <key>`. Use it on servers only, never in code that users can read.
    ApiKey(Secret),
    /// A short-lived key (`ek_..`) that your server created for one client. Sent like an API key.
    Ephemeral(Secret),
    /// The key of an Azure resource, sent as `api-key: <key>`.
    AzureKey(Secret),
    /// A token issued by another authority, such as Entra, sent as `Authorization: Bearer <token>`.
    Bearer(Secret),
    /// No credential: for a server that requires none, or that expects it in a header or query parameter of its own,
    /// set with [`Extras`](crate::endpoint::Extras).
    None,
}

impl Credential {
    /// Creates an API key credential.
    pub fn api_key(key: impl Into<Secret>) -> Self {
        Self::ApiKey(key.into())
    }

    /// Creates a short-lived key credential.
    pub fn ephemeral(key: impl Into<Secret>) -> Self {
        Self::Ephemeral(key.into())
    }

    /// Creates an Azure key credential.
    pub fn azure_key(key: impl Into<Secret>) -> Self {
        Self::AzureKey(key.into())
    }

    /// Creates a bearer token credential.
    pub fn bearer(token: impl Into<Secret>) -> Self {
        Self::Bearer(token.into())
    }
}

type Callback = dyn Fn() -> BoxFuture<'static, Result<Credential, CredentialError>> + Send + Sync;

/// Source of a connection's credential. Clones share the callback.
#[derive(Clone)]
pub struct Credentials(Source);

#[derive(Clone)]
enum Source {
    Fixed(Credential),
    Asked(Arc<Callback>),
}

impl Credentials {
    /// Calls `callback` before every connection and every reconnect attempt, so that an expired token is replaced.
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

    /// The credential, if it is fixed.
    pub(crate) fn fixed(&self) -> Option<&Credential> {
        match &self.0 {
            Source::Fixed(credential) => Some(credential),
            Source::Asked(_) => None,
        }
    }

    /// Obtains the credential for one connection.
    ///
    /// # Cancel safety
    /// Dropping the future drops the callback's future.
    ///
    /// # Errors
    /// The callback failed. A fixed credential never fails.
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

/// Failure of a credential callback. Its [`source`](error::Error::source) is the callback's error.
pub struct CredentialError(Box<dyn error::Error + Send + Sync>);

impl CredentialError {
    fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the credential callback failed")
    }
}

/// Omits the source, because errors of code that fetches tokens often contain them.
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
