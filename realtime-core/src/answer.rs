//! Interpretation of HTTP responses: retry hints, and the error described in the body.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use httpdate::parse_http_date;
use serde_json::{Map, Value};

/// The kind of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind {
    /// JSON with an object that describes an error: the member `error`, or the whole body.
    ErrorObject,
    /// Any other JSON.
    OtherJson,
    /// Empty, or only white space.
    Empty,
    /// Anything else: HTML, plain text, truncated JSON.
    Text,
}

/// The error described by the body of a refusal.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) body: BodyKind,
    pub(crate) message: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
}

impl Words {
    /// Parses the body of a refused handshake: the message stands wherever the server's framework has put it.
    pub(crate) fn found(body: &[u8]) -> Self {
        let (found, value) = Self::parse(body);
        Self { message: value.as_ref().and_then(words), ..found }
    }

    /// Parses the body of an answer of the REST API, regardless of its content type. As in the official client libraries,
    /// the message is a text in `error`, or `error` itself.
    pub(crate) fn read(body: &[u8]) -> Self {
        Self::parse(body).0
    }

    fn parse(body: &[u8]) -> (Self, Option<Value>) {
        let mut words = Self { body: BodyKind::Text, message: None, kind: None, code: None, param: None };
        if body.trim_ascii().is_empty() {
            words.body = BodyKind::Empty;
            return (words, None);
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return (words, None) };
        words.body = BodyKind::OtherJson;
        match value.get("error").unwrap_or(&value) {
            Value::Object(error) => {
                let text = |name| error.get(name).and_then(Value::as_str).map(str::to_owned);
                words.body = BodyKind::ErrorObject;
                words.message = text("message");
                words.kind = text("type");
                words.param = text("param");
                words.code = text("code").or_else(|| number(error, "code"));
            }
            Value::String(message) if value.is_object() => words.message = Some(message.clone()),
            _ => {}
        }
        (words, Some(value))
    }
}

/// Members in which servers put their message, in order of precedence.
const WORDS: [&str; 12] = [
    "message",
    "error",
    "errors",
    "detail",
    "details",
    "msg",
    "reason",
    "description",
    "error_message",
    "error_description",
    "header",
    "data",
];

/// How deep the words are looked for.
const DEEPEST: usize = 5;

/// The server's words, wherever in an error they stand.
pub(crate) fn words(error: &Value) -> Option<String> {
    words_within(error, 0)
}

fn words_within(error: &Value, depth: usize) -> Option<String> {
    let deeper = |value: &Value| (depth < DEEPEST).then(|| words_within(value, depth + 1)).flatten();
    match error {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(list) => list.iter().take(WORDS.len()).find_map(deeper),
        Value::Object(object) => {
            let said = |name| {
                object.get(name).filter(|value| match name {
                    // In these the words stand, if at all, but they are none themselves.
                    "header" | "data" => value.is_object(),
                    // A list of what is wrong, and where: it is told as it is.
                    "detail" => !value.is_array(),
                    _ => true,
                })
            };
            // What an error calls `text` is its message. Elsewhere it may be anything.
            let text = || object.get("text").filter(|_| depth > 0).and_then(Value::as_str).map(str::to_owned);
            WORDS.into_iter().filter_map(said).find_map(deeper).or_else(text)
        }
        _ => None,
    }
}

fn number(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).filter(|value| value.is_number()).map(Value::to_string)
}

/// Whether a retry may succeed: according to the server if it says so (`x-should-retry`, sent by OpenAI), otherwise
/// according to the status.
pub(crate) fn is_retryable(status: StatusCode, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").and_then(|value| value.to_str().ok()) {
        Some("true") => true,
        Some("false") => false,
        _ => status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429),
    }
}

/// Delay that the server asks for before a retry: `retry-after-ms` (milliseconds, sent by OpenAI), or else
/// `Retry-After` (RFC 9110, section 10.2.3) as seconds or as a date, which requires the time since the Unix epoch.
///
/// Returns `None` if the server does not ask for a delay, or asks for one that is out of range.
pub(crate) fn retry_after(headers: &HeaderMap, unix: Option<Duration>) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    if let Some(wait) = milliseconds.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok()) {
        return Some(wait);
    }
    let text = text("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    date.checked_sub(unix?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_read_in_every_form() {
        let unix = Some(Duration::from_secs(1_795_600_800));
        for (headers, wait) in [
            (&[][..], None),
            (&[("retry-after", "7")], Some(7_000)),
            (&[("retry-after", " 1.5 ")], Some(1_500)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after-ms", "250")], Some(250)),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], Some(250)),
            (&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9_000)),
            (&[("retry-after", "Wed, 25 Nov 2026 10:00:30 GMT")], Some(30_000)),
            (&[("retry-after", "Wednesday, 25-Nov-26 10:00:30 GMT")], Some(30_000)),
            (&[("retry-after", "Wed Nov 25 10:00:30 2026")], Some(30_000)),
            (&[("retry-after", "Wed, 25 Nov 2026 09:59:00 GMT")], None),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", "a while")], None),
            (&[("retry-after", "")], None),
        ] {
            let map = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(retry_after(&map, unix), wait.map(Duration::from_millis), "{headers:?}");
        }
        let date =
            HeaderMap::from_iter([(http::header::RETRY_AFTER, "Wed, 25 Nov 2026 10:00:30 GMT".parse().unwrap())]);
        assert_eq!(retry_after(&date, None), None, "without a wall clock a date says nothing");
    }

    #[test]
    fn the_words_are_found_in_every_body() {
        for (body, kind, message, code) in [
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, BodyKind::ErrorObject, Some("m"), Some("c")),
            (r#"{"message":"m","code":7}"#, BodyKind::ErrorObject, Some("m"), Some("7")),
            (r#"{"error":"m"}"#, BodyKind::OtherJson, Some("m"), None),
            (r#"{"error":{"message":{"text":"deep"}}}"#, BodyKind::ErrorObject, Some("deep"), None),
            (r#"{"detail":"Not authenticated"}"#, BodyKind::ErrorObject, Some("Not authenticated"), None),
            (r#"{"detail":[{"loc":["query"],"msg":"field required"}]}"#, BodyKind::ErrorObject, None, None),
            (r#"{"errors":[{"message":"m"},{"message":"n"}]}"#, BodyKind::ErrorObject, Some("m"), None),
            (r#"{"error":{"error":{"message":"m"}}}"#, BodyKind::ErrorObject, Some("m"), None),
            (r#"{"error":{"code":"c","reason":"m"}}"#, BodyKind::ErrorObject, Some("m"), Some("c")),
            (r#"{"header":{"code":10013,"message":"m"}}"#, BodyKind::ErrorObject, Some("m"), None),
            (r#"{"type":"hello","data":"AAAA","text":"x"}"#, BodyKind::ErrorObject, None, None),
            (r#"{"error":null}"#, BodyKind::OtherJson, None, None),
            (r#"["m"]"#, BodyKind::OtherJson, Some("m"), None),
            (r#""m""#, BodyKind::OtherJson, Some("m"), None),
            (" \r\n", BodyKind::Empty, None, None),
            ("", BodyKind::Empty, None, None),
            (r#"{"error":{"message":"m"#, BodyKind::Text, None, None),
            ("<html>", BodyKind::Text, None, None),
        ] {
            let words = Words::found(body.as_bytes());
            assert_eq!((words.body, words.message.as_deref(), words.code.as_deref()), (kind, message, code), "{body}");
        }
    }

    #[test]
    fn an_answer_of_the_rest_api_has_its_message_in_one_place() {
        for (body, message) in [
            (r#"{"error":{"message":"m"}}"#, Some("m")),
            (r#"{"message":"m"}"#, Some("m")),
            (r#"{"error":"m"}"#, Some("m")),
            (r#"{"error":{"message":{"text":"deep"}}}"#, None),
            (r#"{"errors":[{"message":"m"}]}"#, None),
            (r#"["m"]"#, None),
        ] {
            assert_eq!(Words::read(body.as_bytes()).message.as_deref(), message, "{body}");
        }
    }
}
