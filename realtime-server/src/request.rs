//! What a request for an upgrade has to be (RFC 6455, section 4.2.1).

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use realtime_core::{Secret, transport::Handshake};
use realtime_websocket::tungstenite::handshake::derive_accept_key;

use crate::{
    AcceptError, Refusal,
    refusal::{status_line, write_headers},
};

/// Prefix of the subprotocol by which a browser passes its key.
const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// A valid request to upgrade to WebSocket.
///
/// [`Incoming`](crate::Incoming) is made of one. Use it directly where a web framework has read the request:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use realtime_server::{Refusal, UpgradeRequest};
///
/// fn answer<B>(request: &Request<B>) -> Result<Response<()>, Refusal> {
///     let upgrade = UpgradeRequest::read(request)?;
///     if upgrade.credential().is_none() {
///         return Err(Refusal::error(http::StatusCode::UNAUTHORIZED, "missing_key", "A key is required."));
///     }
///     // Then pass the upgraded stream to `Acceptor::upgraded`.
///     Ok(upgrade.response())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    handshake: Handshake,
    accept: HeaderValue,
    subprotocol: Option<HeaderValue>,
    response_headers: HeaderMap,
}

impl UpgradeRequest {
    /// Checks a request that was read elsewhere, such as by hyper.
    ///
    /// # Errors
    /// The response that says what is wrong: the HTTP version, the method, a missing or doubled `Host`, a body, a missing
    /// `Upgrade` or `Connection`, another version of WebSocket, or an invalid key.
    pub fn read<B>(request: &Request<B>) -> Result<Self, Refusal> {
        let secure = matches!(request.uri().scheme_str(), Some("https" | "wss"));
        Self::check(request.method(), request.uri(), request.version(), request.headers(), secure)
    }

    pub(crate) fn check(
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
        secure: bool,
    ) -> Result<Self, Refusal> {
        let bad = |status, code: &str, message: &str| Err(Refusal::error(status, code, message));
        if version != Version::HTTP_11 {
            let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
            return bad(status, "http_version", "The upgrade to WebSocket requires HTTP/1.1.");
        }
        if method != Method::GET {
            let refusal = Refusal::error(StatusCode::METHOD_NOT_ALLOWED, "method", "The upgrade requires GET.");
            return Err(refusal.header(header::ALLOW, HeaderValue::from_static("GET")));
        }
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
            (Some(Ok(host)), None) if !host.is_empty() => host,
            _ => return bad(StatusCode::BAD_REQUEST, "host", "The request must have one Host header."),
        };
        if has_body(headers) {
            return bad(StatusCode::BAD_REQUEST, "body", "A request to upgrade must not have a body.");
        }
        if !has_token(headers, &header::UPGRADE, "websocket") || !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(upgrade_required(
                "upgrade",
                "This is a WebSocket server: send `Upgrade: websocket` and `Connection: Upgrade`. A proxy in front of it \
                 must forward both.",
            ));
        }
        if one(headers, &header::SEC_WEBSOCKET_VERSION) != Some("13") {
            let refusal = upgrade_required("version", "The version of WebSocket must be 13.");
            return Err(refusal.header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
        }
        let key = one(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
        let Some(key) = key else {
            return bad(StatusCode::BAD_REQUEST, "key", "Sec-WebSocket-Key must be 16 bytes in base64.");
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let scheme = if secure { "wss" } else { "ws" };
        let (Ok(uri), Ok(accept)) =
            (format!("{scheme}://{host}{target}").parse(), HeaderValue::try_from(derive_accept_key(key.as_bytes())))
        else {
            return bad(StatusCode::BAD_REQUEST, "host", "The Host header or the target is invalid.");
        };
        let mut handshake = Handshake::new(uri);
        handshake.subprotocols = tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL).map(String::from).collect();
        handshake.headers = own_headers(headers);
        let mut request = Self { handshake, accept, subprotocol: None, response_headers: HeaderMap::new() };
        if request.handshake.subprotocols.iter().any(|name| name == "realtime") {
            request.subprotocol = Some(HeaderValue::from_static("realtime"));
        }
        Ok(request)
    }

    /// The request as a client's handshake: its URL from `Host` and the target, its headers without those of the upgrade,
    /// and its subprotocols. `Debug` hides what may be secret.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.handshake.uri.path()
    }

    /// A query parameter, decoded. Of several with this name, the last.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.handshake.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).last().map(|(_, value)| value)
    }

    /// The headers, without those of the upgrade and the connection.
    pub fn headers(&self) -> &HeaderMap {
        &self.handshake.headers
    }

    /// The subprotocols that the client offers, in its order.
    pub fn subprotocols(&self) -> &[String] {
        &self.handshake.subprotocols
    }

    /// The key that the client shows: `Authorization: Bearer`, Azure's `api-key`, or a browser's subprotocol.
    pub fn credential(&self) -> Option<Secret> {
        let header = |name: &HeaderName| self.handshake.headers.get(name)?.to_str().ok();
        let bearer = header(&header::AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        let protocol = || self.subprotocols().iter().find_map(|name| name.strip_prefix(KEY_PROTOCOL));
        let key = bearer.or_else(|| header(&HeaderName::from_static("api-key"))).or_else(protocol);
        key.filter(|key| !key.is_empty()).map(Secret::from)
    }

    /// Whether the client shows this key. The time that this takes does not depend on where the keys differ.
    pub fn presents(&self, key: &Secret) -> bool {
        let shown = self.credential();
        let (shown, key) = (shown.as_ref().map_or("", Secret::expose).as_bytes(), key.expose().as_bytes());
        shown.len() == key.len() && shown.iter().zip(key).fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }

    /// Chooses the subprotocol of the connection. By default it is `realtime` if the client offers it, and otherwise none:
    /// the other names that clients offer carry credentials.
    ///
    /// # Errors
    /// The client did not offer it.
    pub fn choose_subprotocol(&mut self, name: &str) -> Result<(), AcceptError> {
        let offered = self.subprotocols().iter().any(|offered| offered == name);
        let value = HeaderValue::from_str(name).ok().filter(|_| offered);
        self.subprotocol = Some(value.ok_or_else(|| AcceptError::not_offered(name))?);
        Ok(())
    }

    /// Headers to add to the response that accepts.
    pub fn response_headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.response_headers
    }

    /// The response that accepts the upgrade, with status 101.
    pub fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        *headers = self.response_headers.clone();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        match &self.subprotocol {
            Some(name) => headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name.clone()),
            None => headers.remove(header::SEC_WEBSOCKET_PROTOCOL),
        };
        response
    }

    /// The bytes of that response, for a stream that is written to by hand.
    ///
    /// ```
    /// use futures::{FutureExt, io::Cursor};
    /// use realtime_server::{AcceptError, Acceptor};
    ///
    /// /// What a scripted server answers to a request that is in memory.
    /// fn answer(acceptor: &Acceptor, request: Vec<u8>) -> Option<Result<Vec<u8>, AcceptError>> {
    ///     let incoming = acceptor.accept(Cursor::new(request)).now_or_never()?;
    ///     Some(incoming.map(|incoming| incoming.request().encode_response()))
    /// }
    /// ```
    pub fn encode_response(&self) -> Vec<u8> {
        let response = self.response();
        let mut bytes = status_line(response.status());
        // `Connection` is this hop's, and is left out with its like.
        bytes.extend_from_slice(b"Connection: Upgrade\r\n");
        write_headers(&mut bytes, response.headers());
        bytes
    }

    pub(crate) fn into_handshake(self) -> Handshake {
        self.handshake
    }
}

/// Whether a request asks for WebSocket in any way, be it incompletely.
pub(crate) fn mentions_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
        || headers.contains_key(header::SEC_WEBSOCKET_KEY)
        || headers.contains_key(header::SEC_WEBSOCKET_VERSION)
}

pub(crate) fn upgrade_required(code: &str, message: &str) -> Refusal {
    Refusal::error(StatusCode::UPGRADE_REQUIRED, code, message)
        .header(header::UPGRADE, HeaderValue::from_static("websocket"))
}

fn has_body(headers: &HeaderMap) -> bool {
    let empty = |value: &HeaderValue| value.as_bytes() == b"0";
    headers.contains_key(header::TRANSFER_ENCODING) || !headers.get_all(header::CONTENT_LENGTH).iter().all(empty)
}

/// The value of a header that must be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(expected))
}

fn is_key(key: &str) -> bool {
    base64_turbo::STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The headers that do not belong to this hop, with the credentials marked.
fn own_headers(headers: &HeaderMap) -> HeaderMap {
    const HOP: [HeaderName; 8] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_KEY,
        header::SEC_WEBSOCKET_PROTOCOL,
        header::SEC_WEBSOCKET_VERSION,
        header::UPGRADE,
    ];
    let secret =
        [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, HeaderName::from_static("api-key")];
    let mut own = headers.clone();
    for name in HOP {
        own.remove(name);
    }
    for name in secret {
        let mut values = match own.entry(name) {
            header::Entry::Occupied(values) => values,
            header::Entry::Vacant(_) => continue,
        };
        values.iter_mut().for_each(|value| value.set_sensitive(true));
    }
    own
}
