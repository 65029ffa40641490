use std::fmt;

use http::uri::Authority;

use super::{EndpointError, query::Query};

/// A parsed and validated base URL.
pub(super) struct Base {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Empty, or a path that starts with a slash and does not end with one.
    pub(super) path: String,
    pub(super) query: Query,
    /// Path and query as written.
    pub(super) tail: String,
}

/// Paths of endpoints that portals and documentation append to the base URL.
const ENDPOINTS: [&str; 9] = [
    "/realtime",
    "/realtime/translations",
    "/realtime/client_secrets",
    "/realtime/calls",
    "/realtime/sessions",
    "/realtime/transcription_sessions",
    "/live/sessions",
    "/chat/completions",
    "/responses",
];

/// Domains of Azure resources, in the public and the national clouds.
const AZURE: [&str; 5] = [
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    ".openai.azure.us",
    ".openai.azure.cn",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
}

impl Scheme {
    /// Whether the scheme implies TLS.
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
    /// Hand-written, because `http::Uri` drops fragments, accepts user info and bare words, and does not distinguish
    /// errors.
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

    /// Parses a URL and removes the path of an endpoint, if present.
    pub(super) fn parse_whole(text: &str) -> Result<Self, EndpointError> {
        let mut base = Self::parse(text)?;
        while let Some(rest) = ENDPOINTS.iter().find_map(|end| base.path.strip_suffix(end)) {
            base.path.truncate(rest.trim_end_matches('/').len());
        }
        Ok(base)
    }

    /// Removes `/openai` and what follows it in Azure URLs.
    pub(super) fn strip_azure(&mut self) {
        let is_azures = |rest: &str| ["", "/v1"].contains(&rest) || rest.starts_with("/deployments/");
        if let Some((before, rest)) = self.path.rsplit_once("/openai")
            && is_azures(rest)
        {
            self.path.truncate(before.len());
        }
    }

    /// Whether the host is that of an Azure resource.
    pub(super) fn is_azure(&self) -> bool {
        let host = self.authority.host().to_ascii_lowercase();
        AZURE.iter().any(|domain| host.ends_with(domain))
    }

    /// Whether the path contains this segment.
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
        // Rust accepts a sign in front of a number; URLs do not.
        Some(port) if port.starts_with('+') || port.parse::<u16>().is_err() => Err(EndpointError::Port),
        _ => Ok(authority),
    }
}

/// Whether each `%` belongs to a `%XX`, and all of them decode to UTF-8. Otherwise the server would decode another text
/// than was intended.
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

/// Hides query values that may be secret.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.path)?;
        match self.query.is_empty() {
            true => Ok(()),
            false => write!(f, "?{}", self.query),
        }
    }
}
