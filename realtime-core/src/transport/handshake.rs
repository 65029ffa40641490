use std::fmt;

use form_urlencoded::parse;
use http::{HeaderMap, Uri};

use super::redact::{KEY_PROTOCOL, show_header, show_protocol, show_query};

/// Bytes of the largest message that is taken from the server by default: 16 MiB.
pub const DEFAULT_MAX_MESSAGE_SIZE: usize = 16 << 20;

/// Bytes of the shortest word of a header that is taken for a secret where the server repeats it.
const MIN_SECRET: usize = 8;

/// The request that a transport connects with. Made by [`Endpoint::handshake`](crate::endpoint::Endpoint::handshake).
///
/// `Debug` leaves out what may be secret; the fields hold it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Handshake {
    /// Where to: `ws` or `wss`, a host, a path, a query. To print it, use [`url`](Self::url).
    pub uri: Uri,
    /// The headers to send beside those that the WebSocket handshake needs by itself.
    pub headers: HeaderMap,
    /// The subprotocols to offer, in order. None are, but in the browser form, where one of them is the key.
    pub subprotocols: Vec<String>,
    /// Bytes: a larger message from the server must end the connection as
    /// [`TooLarge`](crate::transport::TransportErrorKind::TooLarge). By default [`DEFAULT_MAX_MESSAGE_SIZE`].
    pub max_message_size: usize,
}

impl Handshake {
    /// A bare URL, for a transport's tests.
    pub fn new(uri: Uri) -> Self {
        Self { uri, headers: HeaderMap::new(), subprotocols: Vec::new(), max_message_size: DEFAULT_MAX_MESSAGE_SIZE }
    }

    /// What must not be repeated, if the server repeats it.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let values = self.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        let words = values
            .flat_map(|value| value.split(' '))
            .chain(self.subprotocols.iter().filter_map(|protocol| protocol.strip_prefix(KEY_PROTOCOL)));
        // A short word is no secret, and would hide the words around it.
        words.filter(|word| word.len() >= MIN_SECRET).map(str::to_owned).collect()
    }

    /// The URL as it may be printed.
    pub fn url(&self) -> DisplayUrl<'_> {
        DisplayUrl(&self.uri)
    }
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

/// A URL as it may be printed: of the query's values only those of `model`, `deployment`, `api-version`, `intent` and
/// `call_id` are shown, in place of any other, of userinfo, and of a parameter that is no pair, there is `***`.
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
