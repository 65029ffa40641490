use std::{
    fmt,
    fmt::Write,
    time::{Duration, SystemTime},
};

use hmac::{Hmac, Mac};
use http::HeaderMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{AuthError, DEFAULT_TOLERANCE, check_time, header, hmac_sha256, unix};

/// Verifies Vonage's signed requests: a JSON web token with HMAC-SHA256 that contains the body's hash and the time.
#[derive(Clone)]
pub struct Vonage {
    key: Hmac<Sha256>,
    tolerance: Duration,
}

impl Vonage {
    /// Creates a verifier from the account's signature secret.
    ///
    /// # Errors
    /// [`AuthError::Key`]: the secret is empty.
    pub fn new(secret: &str) -> Result<Self, AuthError> {
        Ok(Self { key: hmac_sha256(secret)?, tolerance: DEFAULT_TOLERANCE })
    }

    /// Sets the maximum difference between `iat` and `now` in either direction, inclusive, in whole seconds.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Verifies a request. Pass the body's bytes exactly as received; an upgrade has none.
    ///
    /// # Errors
    /// The request is not from Vonage, was modified, or is too old or too far in the future.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<(), AuthError> {
        let authorization = header(headers, "authorization")?;
        let token = match authorization.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(AuthError::MissingHeader("authorization")),
        };
        let (signed, signature) = token.rsplit_once('.').ok_or(AuthError::Signature)?;
        let (head, claims) = signed.split_once('.').ok_or(AuthError::Signature)?;
        // Checked first, because the token's header must not choose the algorithm.
        let head = part(head)?;
        if head["alg"] != "HS256" || head.get("crit").is_some() {
            return Err(AuthError::Algorithm);
        }
        let signature = base64_turbo::URL_SAFE_NO_PAD.decode(signature).map_err(|_| AuthError::Signature)?;
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        mac.verify_slice(&signature).map_err(|_| AuthError::Signature)?;
        let claims = part(claims)?;
        let issued = seconds(&claims["iat"]).ok_or(AuthError::Time)?;
        check_time(issued, now, self.tolerance)?;
        if !claims["exp"].is_null() && seconds(&claims["exp"]).ok_or(AuthError::Time)? <= unix(now) {
            return Err(AuthError::TooOld);
        }
        let mut hash = String::with_capacity(64);
        for byte in Sha256::digest(body) {
            // Writing to a `String` does not fail.
            let _ = write!(hash, "{byte:02x}");
        }
        let payload_hash = claims["payload_hash"].as_str().ok_or(AuthError::Body)?;
        // The token is verified, so this compares nothing secret.
        if payload_hash.eq_ignore_ascii_case(&hash) { Ok(()) } else { Err(AuthError::Body) }
    }
}

impl fmt::Debug for Vonage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vonage").field("tolerance", &self.tolerance).finish_non_exhaustive()
    }
}

/// Decodes a part of the token: JSON in base64.
fn part(text: &str) -> Result<Value, AuthError> {
    let bytes = base64_turbo::URL_SAFE_NO_PAD.decode(text).map_err(|_| AuthError::Signature)?;
    serde_json::from_slice(&bytes).map_err(|_| AuthError::Signature)
}

/// A time in the token, in whole seconds.
fn seconds(value: &Value) -> Option<i128> {
    match value.as_i64() {
        Some(seconds) => Some(seconds.into()),
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        None => value.as_f64().map(|seconds| seconds.floor() as i128),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const NOW: i64 = 1_795_600_800;

    fn token(head: &str, claims: &str, key: &str) -> HeaderMap {
        let encode = |text: &str| base64_turbo::URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(head), encode(claims));
        let mut mac = hmac_sha256(key).unwrap();
        mac.update(signed.as_bytes());
        let signature = base64_turbo::URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {signed}.{signature}").parse().unwrap());
        headers
    }

    fn verify(head: &str, claims: &str, key: &str) -> Result<(), AuthError> {
        let now = UNIX_EPOCH + Duration::from_secs(NOW as u64);
        Vonage::new("kit-secret").unwrap().verify(&token(head, claims, key), b"{}", now)
    }

    #[test]
    fn a_token_is_of_this_algorithm_key_body_and_time() {
        const HEAD: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
        let hash: String = Sha256::digest(b"{}").iter().map(|byte| format!("{byte:02x}")).collect();
        let claims = |iat: i64, more: &str| format!(r#"{{"iat":{iat},"payload_hash":"{hash}"{more}}}"#);
        let right = claims(NOW, "");
        assert_eq!(verify(HEAD, &right, "kit-secret"), Ok(()));
        assert_eq!(verify(HEAD, &right, "other"), Err(AuthError::Signature));
        for head in [r#"{"alg":"none"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"hs256"}"#, "{}", "[]"] {
            assert_eq!(verify(head, &right, "kit-secret"), Err(AuthError::Algorithm), "{head}");
        }
        for (distance, verdict) in [
            (-300, Ok(())),
            (300, Ok(())),
            (-301, Err(AuthError::TooOld)),
            (301, Err(AuthError::TooNew)),
            (i64::MIN / 2, Err(AuthError::TooOld)),
        ] {
            assert_eq!(verify(HEAD, &claims(NOW + distance, ""), "kit-secret"), verdict, "{distance}");
        }
        for (more, verdict) in [
            (format!(r#","exp":{}"#, NOW + 1), Ok(())),
            (r#","exp":null"#.into(), Ok(())),
            (r#","exp":1e300"#.into(), Ok(())),
            (format!(r#","exp":{NOW}"#), Err(AuthError::TooOld)),
            (r#","exp":"soon""#.into(), Err(AuthError::Time)),
        ] {
            assert_eq!(verify(HEAD, &claims(NOW, &more), "kit-secret"), verdict, "{more}");
        }
        assert_eq!(verify(HEAD, &format!(r#"{{"payload_hash":"{hash}"}}"#), "kit-secret"), Err(AuthError::Time));
        assert_eq!(verify(HEAD, &format!(r#"{{"iat":{NOW}}}"#), "kit-secret"), Err(AuthError::Body));
        let other = format!(r#"{{"iat":{NOW},"payload_hash":"{}"}}"#, "0".repeat(64));
        assert_eq!(verify(HEAD, &other, "kit-secret"), Err(AuthError::Body));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let vonage = Vonage::new("kit-secret").unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(NOW as u64);
        for value in ["Bearer", "Bearer ", "Basic abc", "Bearer a.b", "Bearer a.b.c", "Bearer ..", "Bearer ...."] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            assert!(vonage.verify(&headers, b"", now).is_err(), "{value}");
        }
    }
}
