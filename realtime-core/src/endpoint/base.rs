use std::fmt;

use http::uri::Authority;

use super::{EndpointError, query::Query};

/// A URL to build on, taken apart and checked.
pub(super) struct Base {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Empty, or a slash and more, without a slash at its end.
    pub(super) path: String,
    pub(super) query: Query,
    /// Path and query as they were written.
    pub(super) tail: String,
}

/// What stands behind a base URL in the whole address of an endpoint, as a portal or a document shows it.
const ENDPOINTS: [&str; 7] = [
    "/realtime",
    "/realtime/translations",
    "/realtime/client_secrets",
    "/realtime/calls",
    "/realtime/sessions",
    "/realtime/transcription_sessions",
    "/live/sessions",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
}

impl Scheme {
    /// Whether TLS is spoken there.
    pub(super) fn is_secure(self) -> bool {
        match self {
            Self::Http | Self::Ws => false,
            Self::Https | Self::Wss => true,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
}

impl Base {
    /// Written by hand, for `http::Uri` drops fragments, takes userinfo and bare words, and its errors do not tell one
    /// mistake from another.
    pub(super) fn parse(text: &str) -> Result<Self, EndpointError> {
        if text.trim().is_empty() {
            return Err(EndpointError::Empty { what: "base URL" });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
            return Err(EndpointError::UrlCharacter);
        }
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::Scheme)?;
        let known = [Scheme::Http, Scheme::Https, Scheme::Ws, Scheme::Wss];
        let scheme = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(scheme));
        let scheme = scheme.ok_or(EndpointError::Scheme)?;
        if rest.contains('#') {
            return Err(EndpointError::Fragment);
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let authority = self::authority(authority)?;
        if !escapes_are_utf8(tail) {
            return Err(EndpointError::UrlEscape);
        }
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let path = path.trim_end_matches('/').into();
        Ok(Self { scheme, authority, path, query: Query::of_url(query), tail: tail.into() })
    }

    /// The same, with the path of an endpoint taken off, where a whole address was given.
    pub(super) fn parse_whole(text: &str) -> Result<Self, EndpointError> {
        let mut base = Self::parse(text)?;
        while let Some(rest) = ENDPOINTS.iter().find_map(|end| base.path.strip_suffix(end)) {
            base.path.truncate(rest.trim_end_matches('/').len());
        }
        Ok(base)
    }

    /// Takes `/openai` and what Azure has behind it off.
    pub(super) fn strip_azure(&mut self) {
        let is_azures = |rest: &str| ["", "/v1"].contains(&rest) || rest.starts_with("/deployments/");
        if let Some((before, rest)) = self.path.rsplit_once("/openai")
            && is_azures(rest)
        {
            self.path.truncate(before.len());
        }
    }

    /// Whether the path has this segment.
    pub(super) fn has_segment(&self, segment: &str) -> bool {
        self.path.split('/').any(|found| found.eq_ignore_ascii_case(segment))
    }
}

fn authority(text: &str) -> Result<Authority, EndpointError> {
    if text.contains('@') {
        return Err(EndpointError::UserInfo);
    }
    let authority: Authority = text.parse().map_err(|_| EndpointError::Host)?;
    if authority.host().is_empty() {
        return Err(EndpointError::Host);
    }
    match text[authority.host().len()..].strip_prefix(':') {
        // A sign is a number to Rust, not to a URL.
        Some(port) if port.starts_with('+') || port.parse::<u16>().is_err() => Err(EndpointError::Port),
        _ => Ok(authority),
    }
}

/// Whether each `%` is part of a `%XX`, and all of them together make UTF-8. Else the server would read another text
/// than was meant.
fn escapes_are_utf8(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return false };
        // Two hexadecimal digits: at most 255.
        decoded.push((high * 16 + low) as u8);
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Without the values of the query that may be secret.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.path)?;
        match self.query.is_empty() {
            true => Ok(()),
            false => write!(f, "?{}", self.query),
        }
    }
}
