//! Ephemeral keys, created by your server for a browser or another client: `POST /realtime/client_secrets` and
//! `POST /realtime/translations/client_secrets`.
//!
//! A client uses its key as [`Credential::ephemeral`](crate::auth::Credential::ephemeral).
//!
//! ```
//! # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::rest::RequestError> {
//! use realtime_core::{rest::client_secrets::Create, types::RealtimeSessionConfig};
//!
//! let session = RealtimeSessionConfig::default().model("gpt-realtime").voice("marin");
//! let secret = client.rest().client_secret(Create::default().session(session).expires_in(60)).await?;
//! println!("expires at {:?}", secret.expires_at); // the value is hidden: `secret.value.expose()`
//! # Ok(()) }
//! ```

use bytes::Bytes;
use http::Response;

use super::{JSON, Operation, Parts, RestError, read_json};
use crate::{
    types::{SessionConfig, SessionInfo, TranslationAudioConfig, TranslationSessionInfo},
    wire::Secret,
};

wire! {
    /// Creates a key for a realtime or transcription session.
    pub struct Create {
        /// Expiry. Ten minutes by default.
        opt expires_after: ExpiresAfter,
        /// The configuration of the sessions that the key opens.
        opt session: SessionConfig,
    }

    /// Creates a key for a translation session.
    pub struct CreateTranslation {
        /// The configuration of the sessions that the key opens.
        req session: TranslationSession,
        /// Expiry. Ten minutes by default.
        opt expires_after: ExpiresAfter,
    }

    /// The configuration of a translation session that a key opens.
    pub struct TranslationSession {
        /// The model.
        req model: String,
        /// Audio settings.
        opt audio: TranslationAudioConfig,
    }

    /// Expiry of a key. A session opened with it continues.
    pub struct ExpiresAfter {
        /// Start of the period.
        opt anchor: Anchor,
        /// Lifetime in seconds, 10 to 7,200.
        opt_int seconds: u32,
    }

    /// A key, and the session configuration that it carries.
    pub struct ClientSecret {
        /// The key: `ek_..`.
        req value: Secret,
        /// Expiry, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The configuration of the sessions that the key opens.
        opt session: SessionInfo,
    }

    /// A key for translation, and the session configuration that it carries.
    pub struct TranslationSecret {
        /// The key: `ek_..`.
        req value: Secret,
        /// Expiry, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The configuration of the sessions that the key opens.
        opt session: TranslationSessionInfo,
    }
}

open_enum! {
    /// Start of a period.
    pub enum Anchor {
        /// The key's creation.
        CreatedAt = "created_at",
    }
}

impl ExpiresAfter {
    /// This many seconds after its creation.
    pub fn seconds_after_creation(seconds: u32) -> Self {
        Self::default().anchor(Anchor::CreatedAt).seconds(seconds)
    }
}

impl Create {
    /// Sets `expires_after`: the lifetime in seconds from the key's creation, 10 to 7,200.
    #[must_use]
    pub fn expires_in(self, seconds: u32) -> Self {
        self.expires_after(ExpiresAfter::seconds_after_creation(seconds))
    }
}

impl CreateTranslation {
    /// Sets `expires_after`: the lifetime in seconds from the key's creation, 10 to 7,200.
    #[must_use]
    pub fn expires_in(self, seconds: u32) -> Self {
        self.expires_after(ExpiresAfter::seconds_after_creation(seconds))
    }
}

/// A request for a key with this session configuration and the default lifetime of 10 minutes.
impl<S: Into<SessionConfig>> From<S> for Create {
    fn from(session: S) -> Self {
        Self::default().session(session)
    }
}

impl Operation for Create {
    type Answer = ClientSecret;

    fn parts(&self) -> Parts<'_> {
        Parts::json(vec!["realtime", "client_secrets"], JSON, self)
    }

    fn read(&self, answer: Response<Bytes>) -> Result<ClientSecret, RestError> {
        read_json(answer)
    }
}

impl Operation for CreateTranslation {
    type Answer = TranslationSecret;

    fn parts(&self) -> Parts<'_> {
        Parts::json(vec!["realtime", "translations", "client_secrets"], JSON, self)
    }

    fn read(&self, answer: Response<Bytes>) -> Result<TranslationSecret, RestError> {
        read_json(answer)
    }
}
