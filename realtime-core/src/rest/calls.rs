//! WebRTC calls, created from an SDP offer, and SIP calls, announced by the webhook `realtime.call.incoming`.
//!
//! To monitor and control a call from a server, join it by its id: [`Connect::call`](crate::Connect::call).
//!
//! ```
//! # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::rest::RequestError> {
//! use realtime_core::{rest::calls, types::RealtimeSessionConfig};
//!
//! // A call that a webhook announced:
//! let session = RealtimeSessionConfig::default().model("gpt-realtime").instructions("You answer the phone.");
//! client.rest().send(&calls::Accept::new("rtc_1", session)).await?;
//! let connection = client.realtime().call("rtc_1"); // to follow and control it
//! // Later: to a human.
//! client.rest().send(&calls::Refer::new("rtc_1", "tel:+14155550123")).await?;
//! # drop(connection); Ok(()) }
//! ```

use bytes::Bytes;
use http::{HeaderValue, Method, Response, header::LOCATION};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::{
    ANY, Operation, Parts, RestError, json,
    multipart::{Part, multipart},
    read_sdp, successful,
};
use crate::types::SessionConfig;

const SDP: &str = "application/sdp";

wire! {
    /// Creates a WebRTC call from an SDP offer: `POST /realtime/calls`.
    pub struct Create {
        /// The SDP offer.
        req sdp: String,
        /// The session's configuration. Omit it with an ephemeral key, which already has one.
        opt session: SessionConfig,
    }
}

/// A call that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedCall {
    /// The call's id, from the response's `Location` header. `None` if that is missing; the call exists nevertheless.
    pub call_id: Option<String>,
    /// The SDP answer.
    pub sdp: String,
}

/// Accepts an incoming call: `POST /realtime/calls/{call_id}/accept`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Accept {
    /// The call's id.
    pub call_id: String,
    /// The configuration of the session that answers it.
    pub session: SessionConfig,
}

/// Rejects an incoming call: `POST /realtime/calls/{call_id}/reject`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reject {
    /// The call's id.
    pub call_id: String,
    /// SIP status sent to the caller: 486 is busy. 603, decline, by default.
    pub status_code: Option<u16>,
}

/// Transfers a call to another destination: `POST /realtime/calls/{call_id}/refer`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refer {
    /// The call's id.
    pub call_id: String,
    /// The destination, such as `tel:+14155550123` or `sip:agent@example.com`.
    pub target_uri: String,
}

/// Hangs up a call: `POST /realtime/calls/{call_id}/hangup`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HangUp {
    /// The call's id.
    pub call_id: String,
}

impl Accept {
    /// Accepts this call with this session configuration.
    pub fn new(call_id: impl Into<String>, session: impl Into<SessionConfig>) -> Self {
        Self { call_id: call_id.into(), session: session.into() }
    }
}

impl Reject {
    /// Rejects this call.
    pub fn new(call_id: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), status_code: None }
    }

    /// Sets the SIP status sent to the caller.
    #[must_use]
    pub fn status_code(mut self, status_code: u16) -> Self {
        self.status_code = Some(status_code);
        self
    }
}

impl Refer {
    /// Transfers this call to this URI.
    pub fn new(call_id: impl Into<String>, target_uri: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), target_uri: target_uri.into() }
    }
}

impl HangUp {
    /// Hangs up this call.
    pub fn new(call_id: impl Into<String>) -> Self {
        Self { call_id: call_id.into() }
    }
}

/// The body of a rejection.
#[derive(Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<u16>,
}

/// The body of a transfer.
#[derive(Serialize)]
pub(super) struct Referral<'a> {
    pub(super) target_uri: &'a str,
}

fn path<'a>(call_id: &'a str, action: &'static str) -> Vec<&'a str> {
    vec!["realtime", "calls", call_id, action]
}

impl Operation for Create {
    type Answer = CreatedCall;

    /// The offer alone, or a form with the offer and the session.
    fn parts(&self) -> Parts<'_> {
        let (content_type, body) = match &self.session {
            None => (HeaderValue::from_static(SDP), Bytes::copy_from_slice(self.sdp.as_bytes())),
            Some(session) => multipart(&[
                Part { name: "sdp", content_type: SDP, body: self.sdp.as_bytes() },
                Part { name: "session", content_type: super::JSON, body: &json(session) },
            ]),
        };
        let content_type = Some(content_type);
        Parts { method: Method::POST, path: vec!["realtime", "calls"], accept: SDP, content_type, body }
    }

    fn read(&self, answer: Response<Bytes>) -> Result<CreatedCall, RestError> {
        let answer = successful(answer)?;
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        Ok(CreatedCall { call_id: location.and_then(last_segment), sdp: read_sdp(&answer)? })
    }
}

/// The last path segment, decoded, of an absolute or relative URL.
fn last_segment(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url,
    };
    let segment = path.trim_end_matches('/').rsplit('/').next().filter(|segment| !segment.is_empty())?;
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

/// Operations whose response is a status without a body.
macro_rules! acknowledged {
    ($($name:ident: $it:ident => $parts:expr;)*) => {$(
        impl $crate::rest::Operation for $name {
            type Answer = ();

            fn parts(&self) -> $crate::rest::Parts<'_> {
                let $it = self;
                $parts
            }

            fn read(&self, answer: http::Response<bytes::Bytes>) -> Result<(), $crate::rest::RestError> {
                $crate::rest::acknowledged(answer)
            }
        }
    )*};
}
pub(super) use acknowledged;

acknowledged! {
    Accept: it => Parts::json(path(&it.call_id, "accept"), ANY, &it.session);
    Reject: it => Parts::json(path(&it.call_id, "reject"), ANY, &Status { status_code: it.status_code });
    Refer: it => Parts::json(path(&it.call_id, "refer"), ANY, &Referral { target_uri: &it.target_uri });
    HangUp: it => Parts::bare(Method::POST, path(&it.call_id, "hangup"), ANY);
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_calls_id_is_the_last_segment_of_its_location() {
        for (location, id) in [
            ("/v1/realtime/calls/rtc_1", Some("rtc_1")),
            ("https://api.openai.com/v1/realtime/calls/rtc_1", Some("rtc_1")),
            ("/v1/realtime/calls/rtc_1?region=eu#x", Some("rtc_1")),
            ("/v1/realtime/calls/rtc_1/", Some("rtc_1")),
            ("/v1/realtime/calls/a%2Fb%20%C3%A9", Some("a/b é")),
            ("rtc_1", Some("rtc_1")),
            ("https://api.openai.com", None),
            ("https://api.openai.com/?a=/b", None),
            ("/v1/realtime/calls/%ff", None),
            ("", None),
        ] {
            assert_eq!(last_segment(location).as_deref(), id, "{location}");
        }
    }
}
