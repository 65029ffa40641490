use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use realtime_core::{
    endpoint::Handshake,
    transport::{TransportError, TransportErrorKind},
};
use tungstenite::handshake::derive_accept_key;

/// The largest request that is looked at before the end of its headers, in bytes.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;

/// What a client asks for.
pub(super) enum Asked {
    /// To speak WebSocket.
    Upgrade(Box<Request>),
    /// Something of the REST API.
    Rest,
}

/// A client's request to speak WebSocket.
pub(super) struct Request {
    pub(super) handshake: Handshake,
    accept: String,
    /// How many of the received bytes the request takes.
    pub(super) length: usize,
}

impl Request {
    /// Looks at all that was received so far. None: read more.
    ///
    /// # Errors
    /// The response to send if it is not such a request.
    pub(super) fn read(received: &[u8], secure: bool, rest: bool) -> Result<Option<Asked>, Vec<u8>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(received) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if received.len() < MAX_HEAD => return Ok(None),
            _ => return Err(refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), b"")),
        };
        let mut headers = HeaderMap::new();
        for field in &*request.headers {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
                headers.append(name, value);
            }
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
        let path = request.path.unwrap_or("/");
        // All of the REST API is posted, but for recordings.
        if rest && key.is_none() && (request.method != Some("GET") || path.ends_with("/content")) {
            return Ok(Some(Asked::Rest));
        }
        let scheme = if secure { "wss" } else { "ws" };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let uri = format!("{scheme}://{host}{path}").parse::<Uri>();
        let (Some("GET"), Some(accept), Ok(uri)) = (request.method, key, uri) else {
            let body = b"This is a WebSocket server: connect to /v1/realtime.\n";
            return Err(refusal(StatusCode::UPGRADE_REQUIRED, &HeaderMap::new(), body));
        };
        let mut handshake = Handshake::new(uri);
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        handshake.subprotocols = offered.flat_map(|value| value.split(',')).map(|name| name.trim().into()).collect();
        // What belongs to this connection alone.
        for name in [header::CONNECTION, header::UPGRADE, header::HOST, header::SEC_WEBSOCKET_PROTOCOL] {
            headers.remove(name);
        }
        for name in [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION, header::SEC_WEBSOCKET_EXTENSIONS] {
            headers.remove(name);
        }
        handshake.headers = headers;
        Ok(Some(Asked::Upgrade(Box::new(Self { handshake, accept, length }))))
    }

    /// The answer that consents. Of the subprotocols the service chooses `realtime`, for the others hold credentials.
    pub(super) fn consent(accept: &str, realtime: bool, headers: &HeaderMap) -> Vec<u8> {
        let protocol = if realtime { "Sec-WebSocket-Protocol: realtime\r\n" } else { "" };
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{protocol}"
        )
        .into_bytes();
        write(&mut answer, headers);
        answer.extend_from_slice(b"\r\n");
        answer
    }

    pub(super) fn into_parts(self) -> (Handshake, String) {
        (self.handshake, self.accept)
    }
}

/// The answer of a server that cannot give a connection.
pub(super) fn refused(error: &TransportError) -> Option<Vec<u8>> {
    match error.kind() {
        TransportErrorKind::Rejected { status } => {
            let none = HeaderMap::new();
            Some(refusal(status, error.headers().unwrap_or(&none), error.body().unwrap_or_default()))
        }
        // Any other failure is no answer: the connection breaks.
        _ => None,
    }
}

/// The answer of a server that has no time for this client now.
pub(super) fn unavailable(status: StatusCode, code: &str, message: &str) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    let error = serde_json::json!({ "message": message, "type": "server_error", "code": code, "param": null });
    refusal(status, &headers, serde_json::json!({ "error": error }).to_string().as_bytes())
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut answer =
        format!("HTTP/1.1 {} {reason}\r\nConnection: close\r\nContent-Length: {}\r\n", status.as_u16(), body.len())
            .into_bytes();
    write(&mut answer, headers);
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body);
    answer
}

fn write(answer: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            answer.extend_from_slice(piece);
        }
    }
}
