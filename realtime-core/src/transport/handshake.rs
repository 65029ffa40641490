use std::fmt;

use form_urlencoded::parse;
use http::{HeaderMap, Uri};

use super::redact::{KEY_PROTOCOL, show_header, show_protocol, show_query};

/// Default maximum size of incoming messages: 16 MiB.
pub const DEFAULT_MAX_MESSAGE_SIZE: usize = 16 << 20;

/// Minimum length in bytes of header words treated as secrets when the server repeats them.
const MIN_SECRET: usize = 8;

/// The request that a transport connects with. Created by
/// [`Endpoint::handshake`](crate::endpoint::Endpoint::handshake).
///
/// `Debug` hides what may be secret; the fields contain it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Handshake {
    /// URL with scheme `ws` or `wss`. To print it, use [`url`](Self::url).
    pub uri: Uri,
    /// Headers to send in addition to those of the WebSocket handshake itself.
    pub headers: HeaderMap,
    /// Subprotocols to offer, in order. Empty except in the browser form, where one of them is the key.
    pub subprotocols: Vec<String>,
    /// Maximum size of incoming messages in bytes. A larger one must end the connection with
    /// [`TooLarge`](crate::transport::TransportErrorKind::TooLarge). [`DEFAULT_MAX_MESSAGE_SIZE`] by default.
    pub max_message_size: usize,
}

impl Handshake {
    /// Creates a handshake from a URL only, for tests of a transport.
    pub fn new(uri: Uri) -> Self {
        Self { uri, headers: HeaderMap::new(), subprotocols: Vec::new(), max_message_size: DEFAULT_MAX_MESSAGE_SIZE }
    }

    /// Secrets to remove from texts that the server sends.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let protocols = self.subprotocols.iter().filter_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL));
        secret_words(&self.headers).chain(protocols.filter(is_secret)).map(str::to_owned).collect()
    }

    /// The URL in printable form.
    pub fn url(&self) -> DisplayUrl<'_> {
        DisplayUrl(&self.uri)
    }
}

/// The secrets in sensitive headers, to remove from texts that the server sends.
pub(crate) fn secret_words(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(' ')).filter(is_secret)
}

/// Short words are not secrets; hiding them would garble the text.
fn is_secret(word: &&str) -> bool {
    word.len() >= MIN_SECRET
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.to_str().map_or("***", |value| show_header(name.as_str(), value));
            (name.as_str(), value)
        });
        f.debug_struct("Handshake")
            .field("uri", &self.url())
            .field("headers", &headers.collect::<Vec<_>>())
            .field("subprotocols", &self.subprotocols.iter().map(|name| show_protocol(name)).collect::<Vec<_>>())
            .field("max_message_size", &self.max_message_size)
            .finish()
    }
}

/// A URL in printable form. Shows the query values of `model`, `deployment`, `api-version`, `intent` and `call_id`;
/// replaces other values, user info, and parameters without a value by `***`.
#[derive(Clone, Copy)]
pub struct DisplayUrl<'a>(pub &'a Uri);

impl fmt::Display for DisplayUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.0.scheme_str() {
            write!(f, "{scheme}://")?;
        }
        if let Some(authority) = self.0.authority() {
            match authority.as_str().rsplit_once('@') {
                Some((_, host)) => write!(f, "***@{host}")?,
                None => write!(f, "{authority}")?,
            }
        }
        f.write_str(self.0.path())?;
        match self.0.query() {
            Some(query) => {
                f.write_str("?")?;
                let pairs = query.split('&').filter(|text| !text.is_empty());
                show_query(f, pairs.map(|text| (parse(text.as_bytes()).next().unwrap_or_default().0, text)))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DisplayUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
