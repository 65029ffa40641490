use std::{
    fmt,
    time::{Duration, SystemTime},
};

use ed25519_dalek::{Signature, VerifyingKey};
use hmac::Mac;
use http::HeaderMap;

use super::{AuthError, DEFAULT_TOLERANCE, check_time, header, hmac_sha256};

/// Verifies Telnyx's HTTP webhooks: Ed25519 over `timestamp|body`.
#[derive(Clone)]
pub struct Telnyx {
    key: VerifyingKey,
    tolerance: Duration,
}

impl Telnyx {
    /// Creates a verifier from the account's public key, in base64 as the portal shows it.
    ///
    /// # Errors
    /// [`AuthError::Key`]: not a public key.
    pub fn new(public_key: &str) -> Result<Self, AuthError> {
        let bytes = base64_turbo::STANDARD.decode(public_key.trim()).map_err(|_| AuthError::Key)?;
        let bytes = <[u8; 32]>::try_from(&*bytes).map_err(|_| AuthError::Key)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| AuthError::Key)?;
        Ok(Self { key, tolerance: DEFAULT_TOLERANCE })
    }

    /// Sets the maximum difference between the timestamp and `now` in either direction, inclusive, in whole seconds.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Verifies a webhook. Pass the body's bytes exactly as received.
    ///
    /// # Errors
    /// The request is not from Telnyx, was modified, or is too old or too far in the future.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<(), AuthError> {
        let signature = header(headers, "telnyx-signature-ed25519")?;
        let timestamp = header(headers, "telnyx-timestamp")?;
        let (sign, digits) = timestamp.strip_prefix('-').map_or((1, timestamp), |digits| (-1, digits));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AuthError::Time);
        }
        // An overflow is far outside any tolerance.
        check_time(sign * digits.parse::<i128>().unwrap_or(i128::MAX), now, self.tolerance)?;
        let signature = base64_turbo::STANDARD.decode(signature).map_err(|_| AuthError::Signature)?;
        let signature = Signature::from_slice(&signature).map_err(|_| AuthError::Signature)?;
        let signed = [timestamp.as_bytes(), b"|", body].concat();
        self.key.verify_strict(&signed, &signature).map_err(|_| AuthError::Signature)
    }
}

impl fmt::Debug for Telnyx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telnyx").field("tolerance", &self.tolerance).finish_non_exhaustive()
    }
}

/// Verifies the token of a Telnyx WebSocket upgrade: the `stream_auth_token` with which the stream was requested, in the
/// header `x-telnyx-streaming-auth-token`. Compared in constant time. Telnyx documents no signature of the upgrade.
///
/// # Errors
/// The header is missing or has another value, or the expected token is empty.
pub fn telnyx_token(headers: &HeaderMap, expected: &str) -> Result<(), AuthError> {
    let token = header(headers, "x-telnyx-streaming-auth-token")?;
    // Hashes have a fixed length, so the token's length is not revealed either.
    let mut hash = hmac_sha256(expected)?;
    let mut other = hash.clone();
    hash.update(expected.as_bytes());
    other.update(token.as_bytes());
    let other = other.finalize().into_bytes();
    hash.verify_slice(&other).map_err(|_| AuthError::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_or_refused() {
        let mut headers = HeaderMap::new();
        assert!(matches!(telnyx_token(&headers, "secret"), Err(AuthError::MissingHeader(_))));
        headers.insert("x-telnyx-streaming-auth-token", "secret".parse().unwrap());
        assert_eq!(telnyx_token(&headers, "secret"), Ok(()));
        assert_eq!(telnyx_token(&headers, "secret "), Err(AuthError::Signature));
        assert_eq!(telnyx_token(&headers, ""), Err(AuthError::Key));
    }
}
