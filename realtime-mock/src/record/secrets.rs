//! The secrets that a connection was made with, found wherever they turn up, and however they are written there.

use std::{borrow::Cow, ops::Range, str};

use base64_turbo::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE};
use form_urlencoded::parse;
use http::{HeaderMap, HeaderName, header};
use memchr::memmem::Finder;
use realtime_core::endpoint::Handshake;

/// A secret that is shorter would hide half of every text.
const SHORTEST: usize = 6;

/// Letters of a secret in base64 that are enough to know it by.
const SHORTEST_BASE64: usize = 7;

/// How often a text is decoded: what is escaped within what is escaped.
const DEPTH: usize = 3;

/// URL parameters that are not secret: those that a printed URL shows.
const HARMLESS: [&str; 5] = ["model", "deployment", "api-version", "intent", "call_id"];

/// What must not be written, in every form in which it could be.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets(Vec<Form>);

#[derive(Clone, Debug)]
struct Form {
    finder: Finder<'static>,
    length: usize,
    /// It is a piece of base64, and all of that is to be hidden.
    is_piece: bool,
}

impl Secrets {
    /// What the handshake carries: in headers, in the URL, as a subprotocol.
    pub(super) fn of(handshake: &Handshake) -> Self {
        let mut secrets = Self::default();
        for (name, value) in &handshake.headers {
            if let Ok(text) = value.to_str()
                && (value.is_sensitive() || is_credential(name))
            {
                secrets.learn_header(text);
            }
        }
        for pair in handshake.uri.query().unwrap_or_default().split('&') {
            let Some((name, value)) = parse(pair.as_bytes()).next() else { continue };
            if !pair.contains('=') {
                secrets.learn(&name);
            } else if !HARMLESS.contains(&&*name) {
                secrets.learn(&value);
            }
        }
        let authority = handshake.uri.authority().map_or("", |authority| authority.as_str());
        if let Some((user, _)) = authority.rsplit_once('@') {
            secrets.learn_pair(&percent_decoded(user));
        }
        for protocol in handshake.subprotocols.iter().filter(|name| *name != "realtime") {
            match protocol.split_once('.') {
                Some(("openai-beta" | "openai-organization" | "openai-project", _)) => {}
                Some((_, secret)) => secrets.learn(secret),
                None => secrets.learn(protocol),
            }
        }
        secrets
    }

    /// What the server gives with its answer to the handshake.
    pub(super) fn learn_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            self.learn(pair.split_once('=').map_or(pair, |(_, value)| value).trim().trim_matches('"'));
        }
    }

    /// A header's value as a whole, what follows the scheme, and the values of `name=value`.
    fn learn_header(&mut self, value: &str) {
        self.learn(value);
        if let Some((scheme, rest)) = value.split_once(' ')
            && !scheme.contains(['=', ';', ','])
        {
            self.learn(rest.trim());
            if scheme.eq_ignore_ascii_case("basic")
                && let Ok(pair) = STANDARD_PAD_INDIFFERENT.decode(rest.trim())
                && let Ok(pair) = str::from_utf8(&pair)
            {
                self.learn_pair(pair);
            }
        }
        for (_, value) in value.split([';', ',', '&', ' ']).filter_map(|pair| pair.split_once('=')) {
            self.learn(value.trim_matches('"'));
        }
    }

    /// A user's name and password.
    fn learn_pair(&mut self, pair: &str) {
        self.learn(pair);
        if let Some((user, password)) = pair.split_once(':') {
            self.learn(user);
            self.learn(password);
        }
    }

    fn learn(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        self.form(secret, false);
        if secret.contains(' ') {
            self.form(&secret.replace(' ', "+"), false);
        }
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.form(&hex, false);
        self.form(&hex.to_ascii_uppercase(), false);
        // Wherever it stands within what is encoded: behind a multiple of three bytes, one more, or two more. Only the
        // letters that hold nothing of its neighbours are sought.
        for before in 0..3 {
            let padded = [&[0; 2][..before.min(2)], secret.as_bytes()].concat();
            let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
            for encoded in [STANDARD.encode(&padded), URL_SAFE.encode(&padded)] {
                if let Some(piece) = encoded.get(from..to).filter(|piece| piece.len() >= SHORTEST_BASE64) {
                    self.form(piece, true);
                }
            }
        }
    }

    fn form(&mut self, form: &str, is_piece: bool) {
        if !self.0.iter().any(|known| known.finder.needle() == form.as_bytes()) {
            self.0.push(Form { finder: Finder::new(form).into_owned(), length: form.len(), is_piece });
        }
    }

    /// Where they stand in a text, in any order.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut layer = Some(Layer { bytes: text.as_bytes().into(), from: None });
        for _ in 0..=DEPTH {
            let Some(current) = layer.filter(|_| !self.0.is_empty()) else { break };
            for form in &self.0 {
                for at in form.finder.find_iter(&current.bytes) {
                    let (mut start, mut end) = (at, at + form.length);
                    if form.is_piece {
                        let inside = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
                        start -= current.bytes.iter().take(start).rev().take_while(inside).count();
                        end += current.bytes.iter().skip(end).take_while(inside).count();
                    }
                    found.push(current.place(start)..current.place(end));
                }
            }
            layer = current.decoded();
        }
        found
    }
}

/// Whether a header of this name is a credential, even if it is not marked as sensitive.
fn is_credential(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["authorization", "cookie", "key", "token", "secret"].iter().any(|end| name.ends_with(end))
}

/// A text with some of its escapes decoded.
struct Layer<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where in the text each byte begins, and the text's end. None: nothing was decoded.
    from: Option<Vec<usize>>,
}

impl Layer<'_> {
    /// Where in the text a byte begins.
    fn place(&self, at: usize) -> usize {
        // There is one place more than there are bytes.
        self.from.as_ref().map_or(at, |from| from.get(at).copied().unwrap_or_default())
    }

    /// Decodes what is escaped as in a URL, in JSON, in HTML. None if nothing is.
    fn decoded(&self) -> Option<Self> {
        let mut rest = &*self.bytes;
        if !rest.iter().any(|byte| b"%\\&".contains(byte)) {
            return None;
        }
        let (mut bytes, mut from, mut at) = (Vec::with_capacity(rest.len()), Vec::with_capacity(rest.len() + 1), 0);
        while let [first, ..] = rest {
            let length = unescape(rest, &mut bytes).unwrap_or_else(|| {
                bytes.push(*first);
                1
            });
            from.resize(bytes.len(), self.place(at));
            at += length;
            rest = rest.get(length..).unwrap_or_default();
        }
        from.push(self.place(at));
        (bytes.len() < self.bytes.len()).then_some(Layer { bytes: bytes.into(), from: Some(from) })
    }
}

/// Decodes what a text begins with. How many bytes that takes, or none if it is nothing that is escaped.
fn unescape(text: &[u8], to: &mut Vec<u8>) -> Option<usize> {
    let number = |digits: &[u8], radix| u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok();
    let (letter, length) = match text {
        [b'%', high, low, ..] => {
            to.push(u8::try_from(number(&[*high, *low], 16)?).ok()?);
            return Some(3);
        }
        [b'\\', b'u', digits @ ..] => (char::from_u32(number(digits.get(..4)?, 16)?)?, 6),
        [b'\\', letter @ (b'/' | b'"' | b'\\'), ..] => (char::from(*letter), 2),
        [b'&', rest @ ..] => {
            let name = rest.get(..rest.iter().take(8).position(|byte| *byte == b';')?)?;
            let letter = match name {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"apos" => '\'',
                [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
                [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
                _ => return None,
            };
            (letter, name.len() + 2)
        }
        _ => return None,
    };
    to.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length)
}

fn percent_decoded(text: &str) -> String {
    let layer = Layer { bytes: text.as_bytes().into(), from: None };
    layer.decoded().map_or_else(|| text.into(), |layer| String::from_utf8_lossy(&layer.bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(secret: &str, text: &str) -> String {
        let mut secrets = Secrets::default();
        secrets.learn(secret);
        let mut found = secrets.find(text);
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut hidden = text.to_owned();
        let widest = found.iter().map(|range| range.end).max().unwrap_or_default();
        if let Some(first) = found.first() {
            hidden.replace_range(first.start..widest, "*");
        }
        hidden
    }

    #[test]
    fn a_secret_is_found_in_every_encoding() {
        let secret = "a.key/w+h=any&form \"1\"";
        for text in [
            secret.to_owned(),
            secret.replace('/', "\\/").replace('"', "\\\""),
            secret.replace('&', "&amp;").replace('"', "&quot;").replace('/', "&#x2F;"),
            secret.replace('/', "\\u002f"),
            form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            secret.bytes().map(|byte| format!("%25{byte:02x}")).collect(),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            assert_eq!(hidden(secret, &format!("<{text}>")), "<*>", "{text}");
        }
        for around in ["", "u", "us", "use", "user:"] {
            for encoding in [&STANDARD, &URL_SAFE, &STANDARD_PAD_INDIFFERENT] {
                let text = encoding.encode(format!("{around}{secret}{around}"));
                assert_eq!(hidden(secret, &format!("<{text}>")), "<*>", "{text}");
                let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                assert_eq!(hidden(secret, &format!("<{escaped}>")), "<*>", "{escaped}");
            }
        }
    }

    #[test]
    fn what_is_not_the_secret_stays() {
        for text in ["", "%", "%4", "%zz", "\\", "\\u12", "&", "&amp", "&#xffffffff;", "a.key", "é%C3%A9\\u00e9"] {
            assert_eq!(hidden("a.key/without", text), text);
        }
        assert_eq!(hidden("short", "short"), "short");
    }
}
