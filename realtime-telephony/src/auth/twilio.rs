use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::Sha1;

use super::{AuthError, fits, header, hmac_sha256};

const SIGNATURE: &str = "x-twilio-signature";
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Verifies Twilio's `X-Twilio-Signature` on WebSocket upgrades and callbacks.
///
/// ```
/// use http::HeaderMap;
/// use realtime_telephony::auth::{AuthError, Twilio};
///
/// let twilio = Twilio::new("auth token of the account")?;
/// let refused = twilio.verify("wss://voice.example.com/twilio", &[], &HeaderMap::new());
/// assert_eq!(refused, Err(AuthError::MissingHeader("x-twilio-signature")));
/// # Ok::<_, AuthError>(())
/// ```
#[derive(Clone)]
pub struct Twilio {
    key: Key,
    /// Name of the key, if configured.
    name: Option<String>,
}

#[derive(Clone)]
enum Key {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<sha2::Sha256>),
}

impl Twilio {
    /// Creates a verifier from the account's auth token, with HMAC-SHA1: Twilio's default.
    ///
    /// # Errors
    /// [`AuthError::Key`]: the token is empty.
    pub fn new(auth_token: &str) -> Result<Self, AuthError> {
        Ok(Self { key: Key::Sha1(hmac_sha1(auth_token)?), name: None })
    }

    /// Creates a verifier from a shared key, with HMAC-SHA256, for accounts that have one. Nothing else is accepted, and
    /// each request must name this key.
    ///
    /// # Errors
    /// [`AuthError::Key`]: the key is empty.
    pub fn shared_key(name: &str, key: &str) -> Result<Self, AuthError> {
        Ok(Self { key: Key::Sha256(hmac_sha256(key)?), name: Some(name.into()) })
    }

    /// Verifies a request. The URL must be the one that Twilio requested: `wss://` for an upgrade, `https://` for a callback.
    /// The form parameters of a POST are signed as well; an upgrade has none.
    ///
    /// # Errors
    /// The request is not from Twilio, or was modified.
    pub fn verify(&self, url: &str, form: &[(&str, &str)], headers: &HeaderMap) -> Result<(), AuthError> {
        self.check_settings(headers)?;
        let signature = header(headers, SIGNATURE)?;
        let mut form = form.to_vec();
        form.sort_unstable();
        form.dedup();
        let parameters: String = form.into_iter().flat_map(|(name, value)| [name, value]).collect();
        let signed = |url: &str| {
            let text = [url.as_bytes(), parameters.as_bytes()];
            match &self.key {
                Key::Sha1(mac) => fits(feed(mac.clone(), text), signature),
                Key::Sha256(mac) => fits(feed(mac.clone(), text), signature),
            }
        };
        // A proxy may have added or removed the default port.
        if signed(url) || other_port(url).is_some_and(|url| signed(&url)) { Ok(()) } else { Err(AuthError::Signature) }
    }

    /// The header that names the algorithm and the key is not signed, so it must name the configured ones.
    fn check_settings(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let mut algorithms = Vec::new();
        let mut keys = Vec::new();
        for line in headers.get_all(SETTINGS) {
            let line = line.to_str().map_err(|_| AuthError::Algorithm)?;
            for (name, value) in line.split(',').filter_map(|pair| pair.split_once('=')) {
                match name.trim() {
                    "algorithm" => algorithms.push(value.trim().to_owned()),
                    "key" => keys.push(value.trim().to_owned()),
                    _ => {}
                }
            }
        }
        let fits = match (&self.key, &self.name) {
            (Key::Sha1(_), None) => algorithms.iter().all(|algorithm| algorithm == "HMAC_SHA1"),
            (key, name) => {
                let expected = if matches!(key, Key::Sha256(_)) { "HMAC_SHA256" } else { "HMAC_SHA1" };
                let all = |named: &[String], expected: &str| !named.is_empty() && named.iter().all(|it| it == expected);
                all(&algorithms, expected) && name.as_deref().is_some_and(|name| all(&keys, name))
            }
        };
        if fits { Ok(()) } else { Err(AuthError::Algorithm) }
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("key", &self.name).finish_non_exhaustive()
    }
}

fn hmac_sha1(key: &str) -> Result<Hmac<Sha1>, AuthError> {
    if key.is_empty() {
        return Err(AuthError::Key);
    }
    Hmac::new_from_slice(key.as_bytes()).map_err(|_| AuthError::Key)
}

fn feed<M: Mac>(mut mac: M, text: [&[u8]; 2]) -> M {
    text.into_iter().for_each(|text| mac.update(text));
    mac
}

/// Adds the scheme's default port to the URL, or removes it if present.
fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match &*scheme.to_ascii_lowercase() {
        "https" | "wss" => ":443",
        "http" | "ws" => ":80",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // After the brackets of an IPv6 address.
    let host = authority.rfind(']').map_or(0, |at| at + 1);
    match authority.strip_suffix(port) {
        Some(authority) => Some(format!("{scheme}://{authority}{path}")),
        None if authority.get(host..)?.contains(':') => None,
        None => Some(format!("{scheme}://{authority}{port}{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_port_is_added_or_dropped_and_no_other() {
        for (url, other) in [
            ("wss://a.test/x?y", Some("wss://a.test:443/x?y")),
            ("wss://a.test:443/x", Some("wss://a.test/x")),
            ("https://a.test", Some("https://a.test:443")),
            ("http://a.test:80/", Some("http://a.test/")),
            ("https://a.test:8443/x", None),
            ("wss://[::1]/x", Some("wss://[::1]:443/x")),
            ("wss://[::1]:443/x", Some("wss://[::1]/x")),
            ("wss://a.test/x:443", Some("wss://a.test:443/x:443")),
            ("ftp://a.test/", None),
            ("a.test", None),
        ] {
            assert_eq!(other_port(url).as_deref(), other, "{url}");
        }
    }

    #[test]
    fn the_parameters_of_a_form_are_signed_in_order() {
        let twilio = Twilio::new("12345").unwrap();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ];
        // The example from Twilio's documentation.
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=".parse().unwrap());
        assert_eq!(twilio.verify(url, &form, &headers), Err(AuthError::Signature));
        headers.insert(SIGNATURE, "RSOYDt4T1cUTdK1PDd93/VVr8B8=".parse().unwrap());
        let mut shuffled = form;
        shuffled.reverse();
        assert_eq!(twilio.verify(url, &shuffled, &headers), Ok(()));
    }
}
