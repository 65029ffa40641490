//! What must not get into a cassette.

use realtime_core::endpoint::Handshake;

use super::rewrite::{Rewrite, rewrite};

/// In place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Keys under which everything is hidden, in small letters and with underscores.
const KEYS: [&str; 14] = [
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "client_secret",
    "cookie",
    "headers",
    "id_token",
    "password",
    "proxy_authorization",
    "refresh_token",
    "secret",
    "set_cookie",
    "x_api_key",
];

/// How keys begin that are secrets wherever they stand.
const PREFIXES: [&str; 2] = ["ek_", "sk-"];

/// Letters behind a prefix that make it a key and no word.
const LETTERS: usize = 8;

/// A secret of the handshake that is shorter would hide half of every text.
const SHORTEST: usize = 6;

/// Hides secrets: those that the handshake carried, those that look like one, and those that stand where one stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Redactor {
    known: Vec<String>,
}

impl Redactor {
    pub(super) fn new(handshake: &Handshake) -> Self {
        let values = handshake.headers.values().filter(|value| value.is_sensitive());
        let mut known: Vec<String> = values.filter_map(|value| value.to_str().ok()).map(secret_of).collect();
        let keys = handshake.subprotocols.iter().filter_map(|name| name.strip_prefix("openai-insecure-api-key."));
        known.extend(keys.map(Into::into));
        known.retain(|secret| secret.len() >= SHORTEST);
        Self { known }
    }

    /// A JSON text on one line without secrets, or none if it is no JSON.
    pub(super) fn json(&self, text: &str) -> Option<String> {
        rewrite(text, self).map(|(text, _)| text)
    }

    /// Any other text. One that mentions what may be a secret's place is hidden as a whole, for nobody knows where the
    /// secret ends.
    pub(super) fn text(&self, text: &str) -> String {
        let plain = normal(text);
        if KEYS.iter().any(|key| plain.contains(key)) {
            return HIDDEN.into();
        }
        self.scrub(text).unwrap_or_else(|| text.into())
    }

    /// The text with its secrets hidden. None if there are none.
    fn scrub(&self, text: &str) -> Option<String> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for secret in &self.known {
            found.extend(text.match_indices(&**secret).map(|(at, secret)| (at, at + secret.len())));
        }
        for prefix in PREFIXES {
            for (at, _) in text.match_indices(prefix) {
                let begins = !text[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
                let rest = &text[at + prefix.len()..];
                let length = token(rest);
                if begins && length >= LETTERS {
                    found.push((at + prefix.len(), at + prefix.len() + length));
                }
            }
        }
        let small = text.to_ascii_lowercase();
        for scheme in ["bearer ", "basic "] {
            for (at, _) in small.match_indices(scheme) {
                let start = at + scheme.len();
                let length = token(&text[start..]);
                if length >= LETTERS {
                    found.push((start, start + length));
                }
            }
        }
        if found.is_empty() {
            return None;
        }
        found.sort_unstable();
        let (mut clean, mut end) = (String::new(), 0);
        for (from, to) in found {
            if from >= end {
                clean.push_str(&text[end..from]);
                clean.push_str(HIDDEN);
            }
            end = end.max(to);
        }
        clean.push_str(&text[end..]);
        Some(clean)
    }
}

impl Rewrite for Redactor {
    fn hides(&self, key: &str) -> bool {
        // Dashes and capitals make no other key.
        KEYS.contains(&&*normal(key))
    }

    fn replace(&self, key: &str, text: &str) -> Option<String> {
        // Arguments and outputs of functions are JSON within a text.
        if text.trim_start().starts_with(['{', '['])
            && let Some((clean, changed)) = rewrite(text, self)
        {
            return changed.then_some(clean);
        }
        if key == "server_url" {
            return address(text);
        }
        self.scrub(text)
    }
}

/// A URL without userinfo and without its query's values. None if it has neither.
fn address(url: &str) -> Option<String> {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let (scheme, rest) = before.split_once("://").unwrap_or(("", before));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    if host.is_none() && query.is_none() {
        return None;
    }
    let host = host.map_or_else(|| authority.to_owned(), |host| format!("{HIDDEN}@{host}"));
    let query = query.map_or_else(String::new, |_| format!("?{HIDDEN}"));
    Some(format!("{scheme}://{host}{path}{query}"))
}

fn normal(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

/// What is secret of a header's value: what follows the scheme, if there is one.
fn secret_of(value: &str) -> String {
    value.rsplit_once(' ').map_or(value, |(_, secret)| secret).into()
}

/// How many letters of a key the text begins with.
fn token(text: &str) -> usize {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    text.bytes().position(|byte| !letter(byte)).unwrap_or(text.len())
}
