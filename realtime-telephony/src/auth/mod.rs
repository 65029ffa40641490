//! Authentication of requests from a carrier: signatures and tokens, checked before a call is answered.
//!
//! Behind a proxy, pass the URL that the carrier requested, as configured there, because that is what it signed. Signatures
//! are compared in constant time, keys are never shown, and the clock is an argument. A missing or empty header is an error.
//!
//! | carrier | WebSocket upgrade | HTTP callbacks |
//! |---|---|---|
//! | Twilio | [`Twilio`] | [`Twilio`] |
//! | Telnyx | [`telnyx_token`] | [`Telnyx`] |
//! | Plivo | [`Plivo`], with `http://` in place of `wss://` | [`Plivo`] |
//! | Vonage | [`Vonage`] | [`Vonage`] |
//!
//! ```
//! use std::time::SystemTime;
//!
//! use http::HeaderMap;
//! use realtime_telephony::auth::{AuthError, Vonage};
//!
//! /// Before the upgrade is accepted.
//! fn check(vonage: &Vonage, headers: &HeaderMap) -> Result<(), AuthError> {
//!     vonage.verify(headers, b"", SystemTime::now())
//! }
//!
//! let vonage = Vonage::new("signature secret of the account")?;
//! assert!(check(&vonage, &HeaderMap::new()).is_err());
//! # Ok::<_, AuthError>(())
//! ```

mod plivo;
mod telnyx;
mod twilio;
mod vonage;

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

pub use plivo::Plivo;
pub use telnyx::{Telnyx, telnyx_token};
pub use twilio::Twilio;
pub use vonage::Vonage;

/// Default tolerance of signed times, in either direction.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// Why a request could not be authenticated. Answer it with 403.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The configured key is invalid.
    Key,
    /// This header is missing or empty.
    MissingHeader(&'static str),
    /// The signature does not match: it was made with another key, or for another URL or body.
    Signature,
    /// The request is signed with another algorithm or key than the configured one.
    Algorithm,
    /// The time is missing or unreadable.
    Time,
    /// It was signed longer ago than the tolerance allows.
    TooOld,
    /// It was signed further in the future than the tolerance allows.
    TooNew,
    /// The body is not the signed one.
    Body,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the key cannot be used: paste it as the carrier shows it",
            Self::MissingHeader(name) => return write!(f, "the header {name} is missing or empty"),
            Self::Signature => "the signature does not fit: check the key, and the URL as the carrier dialled it",
            Self::Algorithm => "it is signed by another algorithm or key than the configured one",
            Self::Time => "the signed time is missing or unreadable",
            Self::TooOld => "it was signed too long ago: check this machine's clock",
            Self::TooNew => "it was signed for the future: check this machine's clock",
            Self::Body => "the body is not the one that was signed",
        })
    }
}

impl std::error::Error for AuthError {}

/// The value of a header that occurs exactly once. With several, it would be unclear which one was signed.
fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, AuthError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|value| !value.is_empty()).ok_or(AuthError::MissingHeader(name))?;
    if values.any(|other| other != value) {
        return Err(AuthError::Signature);
    }
    value.to_str().map_err(|_| AuthError::Signature)
}

/// A text key. An empty one would accept whatever anybody signs with an empty key.
fn hmac_sha256(key: &str) -> Result<Hmac<Sha256>, AuthError> {
    if key.is_empty() {
        return Err(AuthError::Key);
    }
    Hmac::new_from_slice(key.as_bytes()).map_err(|_| AuthError::Key)
}

/// Whether a signature in base64 matches the input of the hash.
fn fits<M: Mac>(mac: M, signature: &str) -> bool {
    base64_turbo::STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}

/// Seconds since the Unix epoch. A clock before it is wrong, and counts as the epoch.
fn unix(now: SystemTime) -> i128 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().into()
}

/// Whether a time in seconds since the Unix epoch is within the tolerance, inclusive.
fn check_time(then: i128, now: SystemTime, tolerance: Duration) -> Result<(), AuthError> {
    let now = unix(now);
    let tolerance = i128::from(tolerance.as_secs());
    if then < now - tolerance {
        Err(AuthError::TooOld)
    } else if then > now + tolerance {
        Err(AuthError::TooNew)
    } else {
        Ok(())
    }
}
