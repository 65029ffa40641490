//! What of a handshake may be printed: names, and the few values that are known to be harmless.

use std::fmt;

use http::{HeaderName, header::USER_AGENT};

pub(crate) const BETA: HeaderName = HeaderName::from_static("openai-beta");
pub(crate) const ORGANIZATION: HeaderName = HeaderName::from_static("openai-organization");
pub(crate) const PROJECT: HeaderName = HeaderName::from_static("openai-project");

/// The prefix of the subprotocol that carries the API key in the browser form.
pub(crate) const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

/// The query parameters whose values may be printed. Any other may be a secret.
const VISIBLE: [&str; 5] = ["model", "deployment", "api-version", "intent", "call_id"];

/// The printable form of a header's value. A value that is not known to be harmless may be a secret, or name a person.
pub(crate) fn show_header<'a>(name: &str, value: &'a str) -> &'a str {
    if is_harmless(name) { value } else { "***" }
}

/// Whether a header's value may be printed.
pub(crate) fn is_harmless(name: &str) -> bool {
    let harmless = [USER_AGENT, BETA, ORGANIZATION, PROJECT];
    harmless.iter().any(|harmless| harmless.as_str().eq_ignore_ascii_case(name))
}

/// The printable form of a subprotocol.
pub(crate) fn show_protocol(protocol: &str) -> &str {
    let harmless = ["openai-organization.", "openai-project.", "openai-beta."];
    match protocol {
        "realtime" => protocol,
        _ if harmless.iter().any(|prefix| protocol.starts_with(prefix)) => protocol,
        _ if protocol.starts_with(KEY_PROTOCOL) => "openai-insecure-api-key.***",
        _ => "***",
    }
}

/// Writes query parameters, given by name and by encoded text, without the values that may be secret. Of a parameter
/// without `=` nothing is shown, since it may be a bare token.
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
