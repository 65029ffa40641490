use std::{
    cmp::Ordering,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use sha2::Sha256;

use super::{WebhookError, WebhookEvent};
use crate::wire::base64;

/// The default tolerance between a delivery's timestamp and the receiver's clock, in either direction: 300 s.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Verifies and reads the deliveries of one webhook endpoint.
///
/// Secrets are neither shown nor logged. Signatures are compared in constant time.
#[derive(Clone)]
pub struct Webhooks {
    /// One keyed hash a secret.
    keys: Vec<Hmac<Sha256>>,
    tolerance: Duration,
}

impl Webhooks {
    /// Takes the signing secret as the dashboard shows it: `whsec_` and base64, or any other text, whose UTF-8 bytes
    /// are the key.
    ///
    /// # Errors
    /// [`WebhookError::Secret`] for an empty secret, and for `whsec_` without valid base64 behind it.
    pub fn new(secret: &str) -> Result<Self, WebhookError> {
        Ok(Self { keys: vec![key(secret)?], tolerance: DEFAULT_TOLERANCE })
    }

    /// Accepts a second secret besides, while secrets are rotated: any of them may have signed.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn also(mut self, secret: &str) -> Result<Self, WebhookError> {
        self.keys.push(key(secret)?);
        Ok(self)
    }

    /// Sets how far the timestamp may be from `now`, in the past and in the future; both ends are included. In whole
    /// seconds.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Verifies a delivery and reads its event.
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify), and [`WebhookError::Decode`] if the body is not an event, which is only
    /// looked at once the signature is known to be right.
    pub fn receive(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<WebhookEvent, WebhookError> {
        self.verify(headers, body, now)?;
        WebhookEvent::read(body)
    }

    /// Verifies the signature of a delivery, over the body's bytes as they came.
    ///
    /// # Errors
    /// Every [`WebhookError`] but `Secret` and `Decode`.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Result<(), WebhookError> {
        let id = single(headers, &ID, "webhook-id")?;
        let timestamp = single(headers, &TIMESTAMP, "webhook-timestamp")?;
        let signatures = headers.get_all(SIGNATURE);
        if signatures.iter().all(|value| value.is_empty()) {
            return Err(WebhookError::MissingHeader("webhook-signature"));
        }
        self.check_time(timestamp, now)?;
        let macs: Vec<_> = self.keys.iter().map(|key| feed(key.clone(), id, timestamp, body)).collect();
        let fits = |candidate: &str| {
            let Some(tag) = base64::decode(candidate.as_bytes()) else { return false };
            macs.iter().any(|mac| mac.clone().verify_slice(&tag).is_ok())
        };
        let candidates = signatures.iter().filter_map(|value| value.to_str().ok()).flat_map(candidates);
        if candidates.into_iter().any(fits) { Ok(()) } else { Err(WebhookError::Signature) }
    }

    /// Signs a delivery as the service does, by the first secret: the value of `webhook-signature`. For tests of an
    /// endpoint, and for servers that simulate the service.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let signature = self.keys.iter().take(1).flat_map(|key| {
            let mac = feed(key.clone(), id.as_bytes(), timestamp.to_string().as_bytes(), body);
            base64::encode_between("v1,", &mac.finalize().into_bytes(), "")
        });
        signature.map(char::from).collect()
    }

    fn check_time(&self, timestamp: &[u8], now: SystemTime) -> Result<(), WebhookError> {
        let then = Whole::read(timestamp).ok_or(WebhookError::TimestampUnreadable)?;
        // Before 1970 a clock is wrong, and everything is of the future.
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let tolerance = self.tolerance.as_secs();
        if then.cmp_to(i128::from(now) - i128::from(tolerance)) == Ordering::Less {
            Err(WebhookError::TooOld)
        } else if then.cmp_to(i128::from(now) + i128::from(tolerance)) == Ordering::Greater {
            Err(WebhookError::TooNew)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("tolerance", &self.tolerance).finish_non_exhaustive()
    }
}

fn key(secret: &str) -> Result<Hmac<Sha256>, WebhookError> {
    let decoded;
    let bytes = match secret.trim_end().strip_prefix("whsec_") {
        Some(text) => {
            // The padding is easily lost when it is pasted.
            let padded = format!("{}{}", text.trim_end_matches('='), &"==="[..text_padding(text)]);
            decoded = base64::decode(padded.as_bytes()).ok_or(WebhookError::Secret)?;
            &*decoded
        }
        None => secret.as_bytes(),
    };
    if bytes.trim_ascii().is_empty() {
        return Err(WebhookError::Secret);
    }
    Hmac::new_from_slice(bytes).map_err(|_| WebhookError::Secret)
}

/// How many `=` base64 text needs behind it: 0 to 3, and 3 is never valid.
fn text_padding(text: &str) -> usize {
    text.trim_end_matches('=').len().wrapping_neg() % 4
}

fn feed(mut mac: Hmac<Sha256>, id: &[u8], timestamp: &[u8], body: &[u8]) -> Hmac<Sha256> {
    for part in [id, b".", timestamp, b".", body] {
        mac.update(part);
    }
    mac
}

/// The value of a header that stands once. Another value beside it would leave open what was signed.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName, text: &'static str) -> Result<&'a [u8], WebhookError> {
    let mut values = headers.get_all(name).iter().map(http::HeaderValue::as_bytes);
    let value = values.next().filter(|value| !value.is_empty()).ok_or(WebhookError::MissingHeader(text))?;
    if values.any(|other| other != value) { Err(WebhookError::Signature) } else { Ok(value) }
}

/// The signatures of one header line, in base64: separated by white space, or by commas once a proxy has joined two
/// lines; each `v1,` and base64, or base64 alone, as the service's own libraries accept it.
fn candidates(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace().flat_map(|token| {
        let mut parts = token.trim_end_matches(',').split(',');
        let first = parts.next();
        let mut version = first;
        // A token without a comma is a signature; otherwise each one has its version before it.
        let bare = first.filter(|_| !token.trim_end_matches(',').contains(','));
        let versioned = std::iter::from_fn(move || {
            let signature = parts.next()?;
            Some((std::mem::replace(&mut version, parts.next()), signature))
        });
        bare.into_iter()
            .chain(versioned.filter_map(|(version, signature)| (version == Some("v1")).then_some(signature)))
    })
}

/// A whole number of any size, from decimal text.
struct Whole<'a> {
    negative: bool,
    /// Without leading zeros.
    digits: &'a [u8],
}

impl<'a> Whole<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        Some(Self { negative, digits: digits.get(zeros..)? })
    }

    fn cmp_to(&self, other: i128) -> Ordering {
        let sign = if self.negative { -1 } else { 1 };
        // What has more digits than fit is beyond any clock.
        let size = std::str::from_utf8(self.digits).ok().and_then(|digits| match digits {
            "" => Some(0),
            digits => digits.parse::<i128>().ok(),
        });
        (sign * size.unwrap_or(i128::MAX)).cmp(&other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ID, "wh_1".parse().unwrap());
        headers.insert(TIMESTAMP, "1000".parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        headers
    }

    const NOW: SystemTime = UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn while_secrets_are_rotated_either_one_signs() {
        let (old, new) = (Webhooks::new("old").unwrap(), Webhooks::new("whsec_bmV3").unwrap());
        let both = Webhooks::new("whsec_bmV3").unwrap().also("old").unwrap();
        for signer in [&old, &new] {
            let headers = headers(&signer.sign("wh_1", 1000, b"body"));
            assert!(both.verify(&headers, b"body", at(1000)).is_ok());
            assert!(matches!(both.verify(&headers, b"bodies", at(1000)), Err(WebhookError::Signature)));
        }
        let headers = headers(&old.sign("wh_1", 1000, b"body"));
        assert!(matches!(new.verify(&headers, b"body", at(1000)), Err(WebhookError::Signature)));
    }

    #[test]
    fn a_timestamp_of_any_size_is_compared_as_the_number_that_it_is() {
        let webhooks = Webhooks::new("secret").unwrap().tolerance(Duration::from_secs(300));
        let check = |text: &str| webhooks.check_time(text.as_bytes(), at(1_000));
        for fits in ["1000", "700", "1300", "0001000", &format!("{}1000", "0".repeat(300))] {
            assert!(check(fits).is_ok(), "{fits}");
        }
        for old in ["699", "-1", "-0", "0", &format!("-{}", "9".repeat(400))] {
            assert!(matches!(check(old), Err(WebhookError::TooOld)), "{old}");
        }
        for new in ["1301", "18446744073709551616", &"9".repeat(400)] {
            assert!(matches!(check(new), Err(WebhookError::TooNew)), "{new}");
        }
        for odd in ["-", "+1000", "1000.0", "1e3", "1_000", " 1000", "١٠٠٠", "1000\u{0}"] {
            assert!(matches!(check(odd), Err(WebhookError::TimestampUnreadable)), "{odd}");
        }
    }

    #[test]
    fn another_id_or_timestamp_beside_the_signed_one_is_refused() {
        let webhooks = Webhooks::new("secret").unwrap();
        for name in [ID, TIMESTAMP] {
            let mut headers = headers(&webhooks.sign("wh_1", 1000, b"{}"));
            assert!(webhooks.verify(&headers, b"{}", at(1000)).is_ok());
            headers.append(name, "1001".parse().unwrap());
            assert!(matches!(webhooks.verify(&headers, b"{}", at(1000)), Err(WebhookError::Signature)));
        }
    }

    #[test]
    fn signatures_are_found_however_they_are_joined() {
        for (line, found) in [
            ("v1,a= v1,b=", &["a=", "b="][..]),
            ("v1,a=, v1,b=", &["a=", "b="]),
            ("v1,a=,v1,b=,", &["a=", "b="]),
            ("a=", &["a="]),
            ("v2,a= v1a,b= v1,c=", &["c="]),
            ("v2,a=,v1,b=", &["b="]),
            ("sha256,a=", &[]),
            (" , v1, ", &["", "v1"]),
            ("", &[]),
        ] {
            assert_eq!(candidates(line).collect::<Vec<_>>(), found, "{line}");
        }
    }

    #[test]
    fn a_signature_that_is_not_base64_is_refused_and_does_not_hide_the_right_one() {
        let webhooks = Webhooks::new("secret").unwrap();
        let right = webhooks.sign("wh_1", 1000, b"{}");
        for wrong in ["v1,%%%%", "v1,AAA", "v1,é", "v1,"] {
            let mut delivery = headers("v1,AAAA");
            delivery.insert(SIGNATURE, http::HeaderValue::from_bytes(wrong.as_bytes()).unwrap());
            assert!(matches!(webhooks.verify(&delivery, b"{}", at(1000)), Err(WebhookError::Signature)), "{wrong}");
            delivery.append(SIGNATURE, right.parse().unwrap());
            assert!(webhooks.verify(&delivery, b"{}", at(1000)).is_ok(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_verifies_anything_is_not_taken_and_none_is_shown() {
        for wrong in ["", " ", "\n", "whsec_", "whsec_ ", "whsec_!!", "whsec_A", "whsec_===="] {
            assert!(matches!(Webhooks::new(wrong), Err(WebhookError::Secret)), "{wrong:?}");
        }
        // As it is pasted: with a line break behind it, or without its padding.
        let signed = headers(&Webhooks::new("whsec_bmV3ZXI=").unwrap().sign("wh_1", 1000, b""));
        for pasted in ["whsec_bmV3ZXI=\n", "whsec_bmV3ZXI"] {
            assert!(Webhooks::new(pasted).unwrap().verify(&signed, b"", at(1000)).is_ok(), "{pasted:?}");
        }
        let shown = format!("{:?}", Webhooks::new("whsec_bmV3ZXI=").unwrap());
        assert!(!shown.contains("newer") && !shown.contains("bmV3"), "{shown}");
    }
}
