//! Redaction of handshakes: prints names, and the few values known to be harmless.

use std::fmt;

use http::{HeaderName, header::USER_AGENT};

pub(crate) const BETA: HeaderName = HeaderName::from_static("openai-beta");
pub(crate) const ORGANIZATION: HeaderName = HeaderName::from_static("openai-organization");
pub(crate) const PROJECT: HeaderName = HeaderName::from_static("openai-project");

/// Prefix of the subprotocol that carries the API key in the browser form.
pub(crate) const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// Query parameters whose values may be printed. All others may be secret.
const VISIBLE: [&str; 5] = ["model", "deployment", "api-version", "intent", "call_id"];

/// Printable form of a header value. A value not known to be harmless may be a secret or personal data.
pub(crate) fn show_header<'a>(name: &str, value: &'a str) -> &'a str {
    if is_harmless(name) { value } else { "***" }
}

/// Whether the value of a header may be printed.
pub(crate) fn is_harmless(name: &str) -> bool {
    let harmless = [USER_AGENT, BETA, ORGANIZATION, PROJECT];
    harmless.iter().any(|harmless| harmless.as_str().eq_ignore_ascii_case(name))
}

/// Printable form of a subprotocol.
pub(crate) fn show_protocol(protocol: &str) -> &str {
    let harmless = ["openai-organization.", "openai-project.", "openai-beta."];
    match protocol {
        "realtime" => protocol,
        _ if harmless.iter().any(|prefix| protocol.starts_with(prefix)) => protocol,
        _ if protocol.starts_with(KEY_PROTOCOL) => "openai-insecure-api-key.***",
        _ => "***",
    }
}

/// Writes query parameters, given by name and encoded text, without values that may be secret. A parameter without `=`
/// is hidden, because it may be a token.
pub(crate) fn show_query<'a>(
    f: &mut fmt::Formatter<'_>,
    pairs: impl Iterator<Item = (impl AsRef<str>, &'a str)>,
) -> fmt::Result {
    for (index, (name, text)) in pairs.enumerate() {
        if index > 0 {
            f.write_str("&")?;
        }
        match text.split_once('=') {
            Some(_) if VISIBLE.contains(&name.as_ref()) => f.write_str(text)?,
            Some((name, _)) => write!(f, "{name}=***")?,
            None => f.write_str("***")?,
        }
    }
    Ok(())
}
