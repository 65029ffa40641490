use std::{collections::BTreeMap, fmt};

use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;

use super::{AuthError, fits, header, hmac_sha256};

/// Verifies Plivo's `X-Plivo-Signature-V3` on WebSocket upgrades and callbacks without form parameters.
///
/// Plivo signs an upgrade as a GET of the stream's URL with `http://` in place of `wss://`.
#[derive(Clone)]
pub struct Plivo {
    key: Hmac<Sha256>,
}

impl Plivo {
    /// Creates a verifier from the account's auth token.
    ///
    /// # Errors
    /// [`AuthError::Key`]: the token is empty.
    pub fn new(auth_token: &str) -> Result<Self, AuthError> {
        Ok(Self { key: hmac_sha256(auth_token)? })
    }

    /// Verifies a request. The URL must be the one that Plivo requested; `wss://` is replaced as Plivo does.
    ///
    /// # Errors
    /// The request is not from Plivo, or was modified.
    pub fn verify(&self, url: &str, headers: &HeaderMap) -> Result<(), AuthError> {
        let signatures = header(headers, "x-plivo-signature-v3")?;
        let nonce = header(headers, "x-plivo-signature-v3-nonce")?;
        let mut mac = self.key.clone();
        for part in [&*signed_url(url), ".", nonce] {
            mac.update(part.as_bytes());
        }
        // One signature for each auth token of the account.
        let any = signatures.split(',').any(|signature| fits(mac.clone(), signature.trim()));
        if any { Ok(()) } else { Err(AuthError::Signature) }
    }
}

impl fmt::Debug for Plivo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plivo").finish_non_exhaustive()
    }
}

/// The URL as Plivo signs it: query decoded and sorted by name and value, without fragment and path parameters.
fn signed_url(url: &str) -> String {
    let url = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") || scheme.eq_ignore_ascii_case("ws") => {
            format!("http://{rest}")
        }
        _ => url.to_owned(),
    };
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let last = path.rfind('/').unwrap_or(0);
    let path = match path.get(last..).and_then(|segment| segment.find(';')) {
        Some(at) => path.get(..last + at).unwrap_or(path),
        None => path,
    };
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs(query) {
        values.entry(name).or_default().push(value);
    }
    let mut signed = path.to_owned();
    let mut separator = '?';
    for (name, mut values) in values {
        values.sort_unstable();
        for value in values {
            signed.extend([separator]);
            signed.extend([&*name, "=", &value]);
            separator = '&';
        }
    }
    signed
}

/// The query's pairs, decoded byte by byte: each non-ASCII byte becomes one character, as in Plivo's libraries.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = String::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let (byte, length) = match (byte, hex(at + 1), hex(at + 2)) {
            // Below 256.
            (b'%', Some(high), Some(low)) => (char::from_u32(high * 16 + low).unwrap_or('%'), 3),
            (b'+', ..) => (' ', 1),
            (byte, ..) => (char::from(*byte), 1),
        };
        decoded.push(byte);
        at += length;
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::signed_url;

    #[test]
    fn the_query_is_decoded_and_sorted() {
        for (url, signed) in [
            ("http://a.test/p", "http://a.test/p"),
            ("wss://a.test:8443/p?b=2&a=1", "http://a.test:8443/p?a=1&b=2"),
            ("http://a.test/p?b=2&a=9&a=1", "http://a.test/p?a=1&a=9&b=2"),
            ("http://a.test/p?a=x%20y+z%3D&flag", "http://a.test/p?a=x y z=&flag="),
            ("http://a.test/p?x=%C3%B8", "http://a.test/p?x=\u{c3}\u{b8}"),
            ("http://a.test/p?", "http://a.test/p"),
            ("http://a.test/p;v=1?a=1#f", "http://a.test/p?a=1"),
            ("http://a.test?a=%zz&&b=1", "http://a.test?a=%zz&b=1"),
        ] {
            assert_eq!(signed_url(url), signed, "{url}");
        }
    }
}
