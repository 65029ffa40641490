//! Short-lived keys, which a server of yours makes for a browser or another client: `POST /realtime/client_secrets` and
//! `POST /realtime/translations/client_secrets`.
//!
//! A client uses its key as [`Credential::ephemeral`](crate::auth::Credential::ephemeral).

use bytes::Bytes;
use http::Response;

use super::{JSON, Operation, Parts, RestError, read_json};
use crate::{
    types::{SessionConfig, SessionInfo, TranslationAudioConfig, TranslationSessionInfo},
    wire::Secret,
};

wire! {
    /// Makes a key for a session that converses or transcribes.
    pub struct Create {
        /// Expiry. Ten minutes by default.
        opt expires_after: ExpiresAfter,
        /// The session that it opens.
        opt session: SessionConfig,
    }

    /// Makes a key for a session that translates.
    pub struct CreateTranslation {
        /// The session that it opens.
        req session: TranslationSession,
        /// Expiry. Ten minutes by default.
        opt expires_after: ExpiresAfter,
    }

    /// A session that translates, as a key opens it.
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
        /// Seconds, from 10 to 7,200.
        opt_int seconds: u32,
    }

    /// A key, and the session that it opens.
    pub struct ClientSecret {
        /// The key: `ek_..`.
        req value: Secret,
        /// Expiry, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The session that it opens.
        opt session: SessionInfo,
    }

    /// A key, and the session that it opens, which translates.
    pub struct TranslationSecret {
        /// The key: `ek_..`.
        req value: Secret,
        /// Expiry, in seconds since the Unix epoch.
        opt_int expires_at: u64,
        /// The session that it opens.
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
    /// Sets `expires_after`: so many seconds after its creation, from 10 to 7,200.
    #[must_use]
    pub fn expires_in(self, seconds: u32) -> Self {
        self.expires_after(ExpiresAfter::seconds_after_creation(seconds))
    }
}

impl CreateTranslation {
    /// Sets `expires_after`: so many seconds after its creation, from 10 to 7,200.
    #[must_use]
    pub fn expires_in(self, seconds: u32) -> Self {
        self.expires_after(ExpiresAfter::seconds_after_creation(seconds))
    }
}

/// A key for this session, which expires after ten minutes.
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
