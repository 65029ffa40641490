use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use realtime_core::{endpoint::Handshake, transport::TransportError};
use serde_json::{Map, Value};

use super::session::Fault;

/// A client's connection request.
pub(super) struct Request {
    pub(super) kind: SessionKind,
    pub(super) model: Option<String>,
    pub(super) intent: Option<String>,
    /// The Live session to fork or attach to.
    pub(super) session: Option<String>,
    /// The credential, however it was passed.
    pub(super) key: Option<String>,
    /// Whether the beta protocol is requested.
    pub(super) beta: bool,
    /// The call to join.
    pub(super) call: Option<String>,
    /// Session configuration of the key or the call.
    pub(super) preset: Option<Map<String, Value>>,
    /// Whether the key was created by the REST API and is valid.
    pub(super) is_admitted: bool,
    /// Why the key or the call is refused, and the close code.
    pub(super) refused: Option<(u16, Fault)>,
}

/// Kind of session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Realtime,
    Transcription,
    Translation,
    Live,
    LiveFork,
    LiveAttach,
}

impl SessionKind {
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::LiveFork | Self::LiveAttach)
    }
}

impl Request {
    /// Creates a request for a session of this kind, without a credential.
    pub(super) fn of(kind: SessionKind, model: Option<String>) -> Self {
        Self {
            kind,
            model,
            intent: None,
            key: None,
            beta: false,
            session: None,
            call: None,
            preset: None,
            is_admitted: false,
            refused: None,
        }
    }

    pub(super) fn read(handshake: &Handshake) -> Result<Self, TransportError> {
        let path = handshake.uri.path().trim_end_matches('/');
        let query = handshake.uri.query().unwrap_or_default();
        // The last occurrence of a name counts.
        let value = |name: &str| {
            let pairs = form_urlencoded::parse(query.as_bytes());
            pairs.filter(|(key, value)| key == name && !value.is_empty()).last().map(|(_, value)| value.into_owned())
        };
        let intent = value("intent");
        let live = live(path);
        let kind = match (&live, intent.as_deref()) {
            (Some((kind, _)), _) => *kind,
            _ if path.ends_with("/realtime/translations") => SessionKind::Translation,
            _ if !path.ends_with("/realtime") => {
                let body = r#"{"error":{"message":"Invalid URL","type":"invalid_request_error"}}"#;
                return Err(TransportError::rejected(StatusCode::NOT_FOUND, HeaderMap::new(), body.into()));
            }
            (None, Some("transcription")) => SessionKind::Transcription,
            _ => SessionKind::Realtime,
        };
        Ok(Self {
            intent,
            session: live.and_then(|(_, session)| session),
            key: handshake_key(handshake),
            call: value("call_id"),
            beta: handshake.headers.contains_key("openai-beta")
                || handshake.subprotocols.iter().any(|name| name.starts_with("openai-beta.")),
            ..Self::of(kind, value("model").or_else(|| value("deployment")))
        })
    }
}

/// The kind of Live connection requested by a path: primary, fork, or sideband.
fn live(path: &str) -> Option<(SessionKind, Option<String>)> {
    let (_, path) = path.split_once("/live/sessions")?;
    let decode = |id: &str| percent_decode_str(id).decode_utf8().ok().map(|id| Some(id.into_owned()));
    match path.split('/').collect::<Vec<_>>()[..] {
        [""] => Some((SessionKind::Live, None)),
        ["", id, "fork"] => Some((SessionKind::LiveFork, decode(id)?)),
        ["", id, "attach"] => Some((SessionKind::LiveAttach, decode(id)?)),
        _ => None,
    }
}

/// The credential: a bearer token, Azure's header, or a browser's subprotocol.
fn handshake_key(handshake: &Handshake) -> Option<String> {
    let protocol = || handshake.subprotocols.iter().find_map(|name| name.strip_prefix("openai-insecure-api-key."));
    key(&handshake.headers).or_else(|| protocol().map(String::from))
}

/// The credential in the headers: a bearer token, or Azure's header.
pub(super) fn key(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = header(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| header("api-key")).map(String::from)
}
