use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, USER_AGENT},
};

use super::{Endpoint, EndpointError, Extras};
use crate::{
    auth::Credential,
    transport::{BETA, KEY_PROTOCOL, ORGANIZATION, PROJECT, is_harmless},
    wire::Secret,
};

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// All headers, in three layers: credential, endpoint, connection.
pub(super) fn headers(
    endpoint: &Endpoint,
    credential: &Credential,
    extras: &Extras,
) -> Result<HeaderMap, EndpointError> {
    let mut headers = HeaderMap::new();
    match credential {
        Credential::ApiKey(key) | Credential::Ephemeral(key) | Credential::Bearer(key) => {
            insert(&mut headers, AUTHORIZATION, &format!("Bearer {}", checked(key)?))?;
        }
        Credential::AzureKey(key) => insert(&mut headers, API_KEY, checked(key)?)?,
        Credential::None => {}
    }
    insert(&mut headers, USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))?;
    if endpoint.beta {
        insert(&mut headers, BETA, "realtime=v1")?;
    }
    for (name, value) in endpoint.extras.headers.iter().chain(&extras.headers) {
        let name = HeaderName::try_from(name).map_err(|_| EndpointError::HeaderName)?;
        match value {
            Some(_) if is_transports(&name) => {
                return Err(EndpointError::TransportHeader { name: name.as_str().into() });
            }
            Some(value) => insert(&mut headers, name, value.expose())?,
            None => drop(headers.remove(name)),
        }
    }
    Ok(headers)
}

/// The subprotocols that replace headers in the browser form.
pub(super) fn subprotocols(
    endpoint: &Endpoint,
    credential: &Credential,
    extras: &Extras,
) -> Result<Vec<String>, EndpointError> {
    let mut protocols = vec![String::from("realtime")];
    match credential {
        Credential::None => {}
        Credential::AzureKey(_) => return Err(EndpointError::BrowserAzure),
        _ if endpoint.is_azure() => return Err(EndpointError::BrowserAzure),
        Credential::ApiKey(key) | Credential::Ephemeral(key) | Credential::Bearer(key) => {
            let protocol = format!("{KEY_PROTOCOL}{}", checked(key)?);
            protocols.push(is_token(&protocol).then_some(protocol).ok_or(EndpointError::KeyCharacter)?);
        }
    }
    let mut headers = headers(endpoint, &Credential::None, extras)?;
    // A browser sets its own.
    headers.remove(USER_AGENT);
    for (name, prefix) in [(ORGANIZATION, "openai-organization."), (PROJECT, "openai-project.")] {
        let Some(value) = headers.remove(&name) else { continue };
        let protocol =
            value.to_str().map(|value| format!("{prefix}{value}")).ok().filter(|protocol| is_token(protocol));
        protocols.push(protocol.ok_or_else(|| EndpointError::BrowserHeader { name: name.as_str().into() })?);
    }
    if headers.remove(BETA).is_some() {
        protocols.push("openai-beta.realtime-v1".into());
    }
    match headers.keys().next() {
        Some(name) => Err(EndpointError::BrowserHeader { name: name.as_str().into() }),
        None => Ok(protocols),
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), EndpointError> {
    // `http` accepts any byte from 128 up, but servers interpret those differently.
    let value = HeaderValue::from_str(value).ok().filter(|value| value.to_str().is_ok());
    let mut value = value.ok_or_else(|| EndpointError::HeaderValue { name: name.as_str().into() })?;
    value.set_sensitive(!is_harmless(name.as_str()));
    headers.insert(name, value);
    Ok(())
}

fn checked(key: &Secret) -> Result<&str, EndpointError> {
    match key.expose() {
        key if key.trim().is_empty() => Err(EndpointError::EmptyKey),
        key if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(key),
        _ => Err(EndpointError::KeyCharacter),
    }
}

/// Sending these twice, or with other values, breaks the handshake.
fn is_transports(name: &HeaderName) -> bool {
    matches!(name.as_str(), "host" | "connection" | "upgrade" | "content-length" | "transfer-encoding")
        || name.as_str().starts_with("sec-websocket-")
}

/// Whether a text is an HTTP token, as required of subprotocols (RFC 6455, section 4.1).
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
