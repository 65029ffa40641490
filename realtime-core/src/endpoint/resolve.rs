//! Resolves an endpoint and a target to a neutral request, for WebSocket or HTTP.

use http::{HeaderMap, Method, Request, Uri, uri::Authority};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Endpoint, EndpointError, Extras, Place, Target,
    base::{Base, Scheme},
    query::Query,
};
use crate::transport::Handshake;

/// Characters escaped in path segments (RFC 3986, section 3.3: all except `pchar`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Address and content of a request.
pub(super) struct Resolved {
    /// Whether to use TLS.
    secure: bool,
    authority: Authority,
    path: String,
    /// Encoded query, without a question mark.
    query: String,
    pub(super) headers: HeaderMap,
    pub(super) subprotocols: Vec<String>,
}

impl Resolved {
    fn new(base: &Base, path: String, query: String) -> Self {
        let secure = base.scheme.is_secure();
        let (headers, subprotocols) = (HeaderMap::new(), Vec::new());
        Self { secure, authority: base.authority.clone(), path, query, headers, subprotocols }
    }

    /// Converts to a WebSocket handshake.
    pub(super) fn websocket(self) -> Result<Handshake, EndpointError> {
        let mut handshake = Handshake::new(self.uri(Scheme::Ws, Scheme::Wss)?);
        (handshake.headers, handshake.subprotocols) = (self.headers, self.subprotocols);
        Ok(handshake)
    }

    /// Converts to an HTTP request.
    pub(super) fn http(self, method: Method) -> Result<Request<()>, EndpointError> {
        let uri = self.uri(Scheme::Http, Scheme::Https)?;
        let mut request = Request::new(());
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, self.headers);
        Ok(request)
    }

    fn uri(&self, plain: Scheme, secure: Scheme) -> Result<Uri, EndpointError> {
        let Self { authority, path, query, .. } = self;
        let scheme = if self.secure { secure } else { plain };
        let mark = if query.is_empty() { "" } else { "?" };
        // All parts are valid, so only the length can be wrong.
        format!("{}://{authority}{path}{mark}{query}", scheme.as_str()).try_into().map_err(|_| EndpointError::TooLong)
    }
}

impl Endpoint {
    /// Resolves a WebSocket target, without headers.
    pub(super) fn resolve(&self, target: &Target, extras: &Extras) -> Result<Resolved, EndpointError> {
        if let Some(url) = self.exact_url() {
            return self.resolve_exact(url, extras);
        }
        let base = match &self.websocket_base {
            Some(base) => Base::parse_whole(base)?,
            None => self.base()?,
        };
        let path = match target {
            Target::Translation(_) => base.path.clone() + "/realtime/translations",
            Target::Model(_) | Target::Call(_) | Target::Transcription | Target::Unnamed => {
                base.path.clone() + "/realtime"
            }
            Target::Path(segments) => join(&base.path, segments)?,
        };
        let query = self.query(&base.query, target, extras)?.encoded();
        Ok(Resolved::new(&base, path, query))
    }

    /// Resolves a path of the REST API, without headers.
    pub(super) fn resolve_path(&self, segments: &[&str], extras: &Extras) -> Result<Resolved, EndpointError> {
        match self.place {
            Place::Base(_) | Place::Azure { .. } => {}
            Place::Exact(_) => return Err(EndpointError::ExactRest),
            Place::AzurePreview { .. } => return Err(EndpointError::PreviewRest),
        }
        let base = self.base()?;
        let path = join(&base.path, segments)?;
        let mut query = self.first_layers(&base.query, true);
        query.replace_with(&extras.query);
        Ok(Resolved::new(&base, path, query.encoded()))
    }

    /// The exact URL, if the endpoint has one.
    pub(crate) fn exact_url(&self) -> Option<&str> {
        match (&self.websocket_base, &self.place) {
            (None, Place::Exact(url)) => Some(url),
            (Some(_), _) | (None, Place::Base(_) | Place::Azure { .. } | Place::AzurePreview { .. }) => None,
        }
    }

    fn resolve_exact(&self, url: &str, extras: &Extras) -> Result<Resolved, EndpointError> {
        let base = Base::parse(url)?;
        let (path, query) = base.tail.split_once('?').unwrap_or((&base.tail, ""));
        let path = String::from(if path.is_empty() { "/" } else { path });
        if self.extras.query.is_empty() && extras.query.is_empty() {
            return Ok(Resolved::new(&base, path, query.into()));
        }
        let mut query = self.extras.query.clone();
        query.replace_with(&base.query);
        query.replace_with(&extras.query);
        Ok(Resolved::new(&base, path, query.encoded()))
    }

    /// The base URL and the path below it, without the path of an endpoint.
    fn base(&self) -> Result<Base, EndpointError> {
        let (resource, prefix) = match &self.place {
            // An exact URL has no base, so this is not called for one.
            Place::Base(base) | Place::Exact(base) => {
                let whole = Base::parse(base)?;
                let base = Base::parse_whole(base)?;
                let is_whole = base.path.len() < whole.path.len();
                let of_azure = base.path.ends_with("/openai") && base.query.has("api-version");
                // What Azure serves to a client that knows nothing of it.
                let is_plain = base.path.ends_with("/openai/v1") || base.has_segment("voice-live");
                if base.path.contains("/openai/deployments/")
                    || (is_whole && of_azure)
                    || (base.is_azure() && !is_plain)
                {
                    return Err(EndpointError::AzureAddress);
                }
                return Ok(base);
            }
            Place::Azure { resource } => (resource, "/openai/v1"),
            Place::AzurePreview { resource, .. } => (resource, "/openai"),
        };
        let mut base = Base::parse_whole(resource)?;
        // Azure requires TLS; only an explicit `ws` is kept.
        base.scheme = if base.scheme == Scheme::Ws { Scheme::Ws } else { Scheme::Wss };
        base.strip_azure();
        let is_foreign = ["realtime", "voice-live", "projects"].iter().any(|segment| base.has_segment(segment));
        if is_foreign || (base.is_azure() && !base.path.is_empty()) {
            return Err(EndpointError::ResourcePath);
        }
        base.path += prefix;
        Ok(base)
    }

    /// The query of the endpoint and of the base URL.
    fn first_layers(&self, of_base: &Query, without_target: bool) -> Query {
        let mut query = self.extras.query.clone();
        query.replace_with(of_base);
        if without_target {
            ["model", "call_id", "intent"].iter().for_each(|name| query.remove(name));
        }
        if let Place::Azure { .. } = self.place {
            ["api-version", "deployment"].iter().for_each(|name| query.remove(name));
        }
        query
    }

    fn query(&self, of_base: &Query, target: &Target, extras: &Extras) -> Result<Query, EndpointError> {
        let mut query = self.first_layers(of_base, *target != Target::Unnamed);
        // Parameters that this connection may override come before its own, the others after.
        let mut last = Query::default();
        let preview = match &self.place {
            Place::AzurePreview { api_version, .. } => {
                last.set("api-version", text("api-version", api_version)?);
                true
            }
            Place::Base(_) | Place::Exact(_) | Place::Azure { .. } => false,
        };
        let foreign: &[_] = match target {
            Target::Translation(_) if preview => return Err(EndpointError::PreviewTranslation),
            Target::Model(deployment) if preview => {
                last.set("deployment", text("deployment", deployment)?);
                &["call_id"]
            }
            Target::Model(model) => {
                set_model(&mut query, model, extras)?;
                &["call_id"]
            }
            Target::Translation(model) => {
                set_model(&mut query, model, extras)?;
                &["call_id", "intent"]
            }
            Target::Call(id) => {
                last.set("call_id", text("call_id", id)?);
                &["model", "intent"]
            }
            Target::Transcription => {
                last.set("intent", "transcription");
                &["call_id"]
            }
            Target::Unnamed | Target::Path(_) => &[],
        };
        if let Some(name) = foreign.iter().find(|name| extras.query.has(name)) {
            return Err(EndpointError::TwoTargets { name });
        }
        query.replace_with(&extras.query);
        query.replace_with(&last);
        Ok(query)
    }
}

fn set_model(query: &mut Query, model: &str, extras: &Extras) -> Result<(), EndpointError> {
    query.set("model", text("model", model)?);
    for model in extras.query.values("model") {
        text("model", &model)?;
    }
    Ok(())
}

/// Appends escaped segments to a path.
fn join<S: AsRef<str>>(path: &str, segments: &[S]) -> Result<String, EndpointError> {
    let mut path = path.to_owned();
    for segment in segments.iter().map(AsRef::as_ref) {
        // An empty segment would be ignored, and `.` and `..` would change the path.
        if matches!(segment, "" | "." | "..") {
            return Err(EndpointError::PathSegment);
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    Ok(path)
}

/// Validates a value that is used in the URL and must not be blank.
fn text<'a>(what: &'static str, text: &'a str) -> Result<&'a str, EndpointError> {
    match text {
        text if text.trim().is_empty() => Err(EndpointError::Empty { what }),
        text if text.contains(char::is_control) => Err(EndpointError::Control { what }),
        text => Ok(text),
    }
}
