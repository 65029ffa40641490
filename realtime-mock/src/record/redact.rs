//! What must not get into a cassette.

use std::ops::Range;

use http::HeaderMap;
use realtime_core::endpoint::Handshake;

use super::{
    rewrite::{Rewrite, rewrite},
    secrets::Secrets,
};

/// In place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Names under which everything is hidden. Like all names here in small letters, without dashes and underscores: so
/// `client_secret`, `Client-Secret` and `clientSecret` are one.
const NAMES: [&str; 6] = ["auth", "cookies", "credentials", "headers", "passwd", "secrets"];

/// How names end under which everything is hidden. A bare `token` is a piece of a text, too.
const ENDS: [&str; 11] = [
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "ephemeralkey",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "subscriptionkey",
];

/// Names of URLs' parameters beside those.
const PARAMETERS: [&str; 5] = ["code", "key", "sig", "signature", "token"];

/// How keys begin that are secrets wherever they stand.
const PREFIXES: [&str; 2] = ["ek_", "sk-"];

/// How a signed web token begins.
const WEB_TOKEN: &str = "eyJ";

/// Letters behind a prefix that make it a key and no word.
const LETTERS: usize = 8;

/// Hides secrets: those that the handshake carried, those that look like one, and those that stand where one stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Redactor {
    known: Secrets,
}

impl Redactor {
    pub(super) fn new(handshake: &Handshake) -> Self {
        Self { known: Secrets::of(handshake) }
    }

    /// Hides what the server gave with its answer to the handshake, too.
    pub(super) fn answered(&mut self, headers: &HeaderMap) {
        self.known.learn_cookies(headers);
    }

    /// The JSON text on one line without secrets. `None` if it is not JSON.
    pub(super) fn json(&self, text: &str) -> Option<String> {
        rewrite(text, self).map(|(text, _)| text)
    }

    /// Any other text. One that mentions what may be a secret's place is hidden as a whole, for nobody knows where the
    /// secret ends.
    pub(super) fn text(&self, text: &str) -> String {
        let plain = squashed(text);
        if NAMES.iter().chain(&ENDS).any(|name| plain.contains(name)) {
            return HIDDEN.into();
        }
        self.words(text)
    }

    /// Words that are meant for people, and hide nothing but the secret itself.
    pub(super) fn words(&self, text: &str) -> String {
        self.scrub(text).unwrap_or_else(|| text.into())
    }

    /// The text with its secrets hidden. None if there are none.
    fn scrub(&self, text: &str) -> Option<String> {
        let mut found = self.known.find(text);
        for prefix in PREFIXES {
            for (at, _) in text.match_indices(prefix) {
                let begins = !text[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
                let start = at + prefix.len();
                let length = token(&text[start..]);
                if begins && length >= LETTERS {
                    found.push(start..start + length);
                }
            }
        }
        found.extend(text.match_indices(WEB_TOKEN).map(|(at, _)| at..at + token(&text[at..])).filter(|range| {
            let parts: Vec<_> = text[range.clone()].split('.').collect();
            parts.len() >= 3 && parts.iter().take(2).all(|part| part.len() >= LETTERS)
        }));
        let small = text.to_ascii_lowercase();
        for scheme in ["bearer ", "basic "] {
            for (at, _) in small.match_indices(scheme) {
                let start = at + scheme.len();
                let length = token(&text[start..]);
                if length >= LETTERS {
                    found.push(start..start + length);
                }
            }
        }
        found.extend(text.match_indices(['=', ':']).filter_map(|(at, sign)| assigned(text, at, sign)));
        if found.is_empty() {
            return None;
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let (mut clean, mut end) = (String::new(), 0);
        for Range { start, end: to } in found {
            // A secret is found between letters; what was not would be hidden to the end.
            if start >= end {
                clean.push_str(text.get(end..start).unwrap_or_default());
                clean.push_str(HIDDEN);
            }
            end = end.max(to);
        }
        clean.push_str(text.get(end..).unwrap_or_default());
        Some(clean)
    }
}

impl Rewrite for Redactor {
    fn hides(&self, key: &str) -> bool {
        is_secret(&squashed(key))
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

/// The secret that a text gives a name to (`at` is where the sign between them stands, which is one byte), as in `client_secret=..`, `"apiKey": ".."`, `?token=..`.
fn assigned(text: &str, at: usize, sign: &str) -> Option<Range<usize>> {
    let quotes = ['"', '\'', '\\', ' '];
    let named = text[..at].trim_end_matches(quotes);
    let start = named.rfind(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter));
    // The letter before the name takes as many bytes as it takes.
    let start = start.map_or(0, |at| at + named[at..].chars().next().map_or(0, char::len_utf8));
    let name = squashed(&named[start..]);
    let in_url = sign == "=" && named[..start].ends_with(['?', '&']);
    if !(is_secret(&name) || in_url && PARAMETERS.contains(&&*name)) {
        return None;
    }
    let behind = &text[at + 1..];
    let value = behind.trim_start_matches(quotes);
    let (from, length) = (text.len() - value.len(), token(value));
    let said = &value[..length];
    // "The secret: patience" gives nothing away.
    let plain = sign == ":" && !said.contains(|letter: char| letter.is_ascii_digit());
    (length >= LETTERS && !plain).then_some(from..from + length)
}

/// Whether what stands under this name is to be hidden.
fn is_secret(name: &str) -> bool {
    let token = name.ends_with("token") && name != "token";
    token || NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end))
}

/// In small letters, without dashes and underscores.
fn squashed(name: &str) -> String {
    name.chars().filter(|letter| !"-_".contains(*letter)).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How many letters of a key the text begins with.
fn token(text: &str) -> usize {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    text.bytes().position(|byte| !letter(byte)).unwrap_or(text.len())
}
