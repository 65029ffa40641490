use std::fmt;

/// Why a delivery was not accepted.
///
/// [`Secret`](Self::Secret) is a mistake in the configuration and arises before any delivery. Every other kind but
/// [`Decode`](Self::Decode) means that the delivery cannot be trusted: answer it with 400 and read nothing of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookError {
    /// The signing secret is empty, or begins with `whsec_` and is not base64 after that. Paste it as the dashboard
    /// shows it.
    Secret,
    /// This header is missing or empty.
    MissingHeader(&'static str),
    /// `webhook-timestamp` is not a whole number in decimal digits.
    TimestampUnreadable,
    /// The delivery was signed longer ago than the tolerance allows: a replay, or a clock that is wrong.
    TooOld,
    /// The delivery was signed further in the future than the tolerance allows: a clock that is wrong.
    TooNew,
    /// No signature fits: another secret, or a body or header that was changed on its way.
    Signature,
    /// The signature is right, but the body is not an event that can be read.
    Decode(serde_json::Error),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "the webhook secret is empty or not base64: paste it as the dashboard shows it",
            Self::MissingHeader(name) => return write!(f, "the header {name} is missing or empty"),
            Self::TimestampUnreadable => "the header webhook-timestamp is not a whole number",
            Self::TooOld => "the delivery is too old: check this machine's clock, or raise the tolerance",
            Self::TooNew => "the delivery is signed for the future: check this machine's clock",
            Self::Signature => "no signature fits: check the secret, and verify the raw body",
            Self::Decode(error) => return write!(f, "the signed body is not an event: {error}"),
        })
    }
}

impl std::error::Error for WebhookError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            _ => None,
        }
    }
}
