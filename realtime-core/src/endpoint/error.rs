use std::{error, fmt};

/// An invalid endpoint configuration, detected before any network access.
///
/// The message says how to fix it. It never contains a URL, a key or the value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointError {
    /// A required value is empty or blank.
    Empty {
        /// Name of the value: `base URL`, `model`, `deployment`, `call_id`, `api-version`.
        what: &'static str,
    },
    /// A value used in the URL contains a control character, such as a line break.
    Control {
        /// Name of the value.
        what: &'static str,
    },
    /// The URL does not start with one of the four supported schemes.
    Scheme,
    /// The URL has no host, or an invalid one.
    Host,
    /// The URL's port is not a number from 0 to 65535.
    Port,
    /// The URL contains a user name or password.
    UserInfo,
    /// The URL has a fragment (`#..`).
    Fragment,
    /// The URL contains a space, a control character or another invalid character.
    UrlCharacter,
    /// The URL contains a `%` that is not part of an escape, or escapes that are not UTF-8.
    UrlEscape,
    /// The URL exceeds 65,534 bytes.
    TooLong,
    /// The query of this connection selects another target than the one chosen.
    TwoTargets {
        /// Name of the parameter: `model`, `call_id`, `intent`.
        name: &'static str,
    },
    /// The base URL of a gateway is the address of an Azure resource or deployment.
    AzureAddress,
    /// The URL of an Azure resource has an unexpected path.
    ResourcePath,
    /// A path segment, such as the id of a call, is empty, `.` or `..`.
    PathSegment,
    /// REST requests are not possible with an exact URL.
    ExactRest,
    /// REST requests are not possible with Azure's preview form.
    PreviewRest,
    /// Translation is not possible with Azure's preview form.
    PreviewTranslation,
    /// The key or token is empty or blank.
    EmptyKey,
    /// The key or token contains a space, a line break or another character that cannot be sent.
    KeyCharacter,
    /// The name of a header is invalid.
    HeaderName,
    /// The value of a header contains a character that cannot be sent.
    HeaderValue {
        /// Name of the header.
        name: String,
    },
    /// The header is set by the transport.
    TransportHeader {
        /// Name of the header.
        name: String,
    },
    /// The header cannot be sent in the browser form.
    BrowserHeader {
        /// Name of the header.
        name: String,
    },
    /// Azure credentials cannot be sent in the browser form.
    BrowserAzure,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { what } => write!(f, "the {what} is empty: set it"),
            Self::Control { what } => {
                write!(f, "the {what} contains a control character, such as a line break: remove it")
            }
            Self::Scheme => {
                f.write_str("the URL has no known scheme: start it with https://, http://, wss:// or ws://")
            }
            Self::Host => {
                f.write_str("the URL has no valid host: write it as in https://api.example.com/v1")
            }
            Self::Port => f.write_str("the URL's port is invalid: use a number up to 65535, or omit the colon"),
            Self::UserInfo => f.write_str(
                "the URL has a user or a password before its host: remove them, and use a credential or a header",
            ),
            Self::Fragment => f.write_str("the URL has a fragment: remove the # and what follows it"),
            Self::UrlCharacter => f.write_str(
                "the URL contains a space, a control character or another character that is not allowed: remove it, or \
                 write it as %XX (in a host, use the xn-- form)",
            ),
            Self::UrlEscape => f.write_str(
                "the URL has a % that does not begin the %XX form of a UTF-8 character: write a percent sign as %25",
            ),
            Self::TooLong => f.write_str("the URL is longer than 65534 bytes: shorten its query"),
            Self::TwoTargets { name } => write!(
                f,
                "the query of this connection contains `{name}`, which names a second target: remove it, or choose the \
                 target that it belongs to"
            ),
            Self::AzureAddress => f.write_str(
                "the base URL is the address of an Azure resource or deployment: give `Endpoint::azure` or \
                 `Endpoint::azure_preview` the resource's URL, such as https://name.openai.azure.com, or give this \
                 address to `Endpoint::exact`",
            ),
            Self::ResourcePath => f.write_str(
                "the URL of the Azure resource has a path that is not the resource's: give it without one, such as \
                 https://name.openai.azure.com, or give the whole address to `Endpoint::exact`",
            ),
            Self::PathSegment => f.write_str(
                "a segment of the path, such as the id of a call, is empty or consists of dots: use the id that the \
                 service assigned",
            ),
            Self::ExactRest => {
                f.write_str("an exact URL is only for a WebSocket: set a base URL with `Endpoint::gateway`")
            }
            Self::PreviewRest => f.write_str(
                "the preview form of Azure has no such requests: use the form without an api-version \
                 (`Endpoint::azure`)",
            ),
            Self::PreviewTranslation => f.write_str(
                "the preview form of Azure has no translation: use the form without an api-version (`Endpoint::azure`)",
            ),
            Self::EmptyKey => f.write_str(
                "the API key or token is empty: set the environment variable or the setting that it is read from, or \
                 use `Credential::None` for a server that needs no key",
            ),
            Self::KeyCharacter => f.write_str(
                "the API key or token contains a space, a line break or another character that cannot be sent: use the \
                 key alone, trimmed, without `Bearer`",
            ),
            Self::HeaderName => f.write_str(
                "the name of a header is invalid: use letters, digits and dashes, without a colon or a space",
            ),
            Self::HeaderValue { name } => write!(
                f,
                "the value of the header `{name}` contains a character that cannot be sent: use printable ASCII on one \
                 line"
            ),
            Self::TransportHeader { name } => {
                write!(f, "the header `{name}` is set by the transport: remove it")
            }
            Self::BrowserHeader { name } => write!(
                f,
                "the header `{name}` cannot be sent in the browser form, or not with this value: remove it, or use a \
                 transport that sends headers"
            ),
            Self::BrowserAzure => f.write_str(
                "Azure accepts credentials only in headers, which the browser form cannot send: connect through your own \
                 server",
            ),
        }
    }
}

impl error::Error for EndpointError {}
