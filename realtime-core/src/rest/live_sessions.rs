//! Live sessions: created for a browser or an outgoing telephone call, accepted after a webhook, forked, recorded.
//!
//! ```
//! # async fn example(client: realtime_core::Client) -> Result<(), realtime_core::Error> {
//! use realtime_core::rest::live_sessions::HangUp;
//!
//! // A session that a browser or a telephone holds is followed by its id.
//! let sideband = client.live().attach("sess_1").connect().await?;
//! println!("{:?}", sideband.state().phase);
//! if let Err(error) = client.rest().send(&HangUp::new("sess_1")).await {
//!     eprintln!("{error}");
//! }
//! # Ok(()) }
//! ```

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, header::CONTENT_TYPE};
use serde::Serialize;

use super::{
    ANY, DEFAULT_TIMEOUT, JSON, Operation, Parts, RINGING_TIMEOUT, RestError,
    calls::{Referral, Status, acknowledged},
    read_json, successful,
};
use crate::{
    live::types::{AcceptSession, MediaForkConfig, MediaSessionConfig},
    wire::{Id, Secret},
};

wire! {
    /// Creates a session: `POST /live/sessions`.
    ///
    /// An outgoing call rings for up to three minutes. Do not retry such a request automatically: the first attempt may
    /// have rung.
    pub struct Create {
        /// The session.
        req session: MediaSessionConfig,
        /// Transport of its audio.
        req transport: Transport,
    }

    /// A session that was created.
    pub struct Created {
        /// The session.
        req session: CreatedSession,
        /// Transport of its audio.
        req transport: Transport,
    }

    /// A session, by its id.
    pub struct CreatedSession {
        /// The session's id, which a sideband joins by.
        req id: Id,
    }

    /// WebRTC.
    pub struct WebRtc {
        /// The SDP: an offer in a request, an answer in a response.
        req sdp: String,
    }

    /// An outgoing telephone call over SIP. Responses omit its members.
    pub struct Sip {
        /// Number to call: `+14155550123`.
        opt destination: String,
        /// The SIP trunk that places the call.
        opt trunk: SipTrunk,
    }

    /// A SIP trunk.
    pub struct SipTrunk {
        /// Address: `sips:trunk.example.com:5061;transport=tcp`.
        req provider_url: String,
        /// Caller id shown to the called party.
        req caller_number: String,
        /// Credentials for the provider.
        req auth: SipAuth,
    }

    /// Digest authentication.
    pub struct Digest {
        /// The user name.
        req username: String,
        /// The password.
        req password: Secret,
    }
}

union! {
    /// Transport of a session's audio.
    pub enum Transport {
        objects {
            /// WebRTC.
            "webrtc" => WebRtc(WebRtc),
            /// Telephone.
            "sip" => Sip(Box<Sip>),
        }
    }
}

union! {
    /// Credentials for a telephony provider.
    pub enum SipAuth {
        objects {
            /// Digest authentication.
            "digest" => Digest(Digest),
        }
    }
}

impl Transport {
    /// WebRTC with this SDP offer.
    pub fn webrtc(sdp: impl Into<String>) -> Self {
        WebRtc::new(sdp).into()
    }

    /// A call to this number over this trunk.
    pub fn sip(destination: impl Into<String>, trunk: SipTrunk) -> Self {
        Box::new(Sip::default().destination(destination).trunk(trunk)).into()
    }

    /// The default timeout: a telephone rings before the response.
    fn timeout(&self) -> Duration {
        match self {
            Self::Sip(_) => RINGING_TIMEOUT,
            Self::WebRtc(_) | Self::Other(_) => DEFAULT_TIMEOUT,
        }
    }

    /// The SDP of a WebRTC transport.
    pub fn sdp(&self) -> Option<&str> {
        match self {
            Self::WebRtc(webrtc) => Some(&webrtc.sdp),
            Self::Sip(_) | Self::Other(_) => None,
        }
    }
}

/// Accepts an incoming call: `POST /live/sessions/{session_id}/accept`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Accept {
    /// The id of the call's session.
    pub session_id: String,
    /// Configuration.
    pub session: AcceptSession,
}

/// Rejects an incoming call: `POST /live/sessions/{session_id}/reject`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reject {
    /// The id of the call's session.
    pub session_id: String,
    /// SIP status sent to the caller, from 300 to 699: 486 is busy, 603 is decline.
    pub status_code: u16,
}

/// Transfers a call to another destination: `POST /live/sessions/{session_id}/refer`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refer {
    /// The id of the call's session.
    pub session_id: String,
    /// The destination, such as `tel:+14155550123` or `sip:agent@example.com`.
    pub target_uri: String,
}

/// Hangs up a call: `POST /live/sessions/{session_id}/hangup`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HangUp {
    /// The id of the call's session.
    pub session_id: String,
}

/// Continues a stored session in a new one: `POST /live/sessions/{session_id}/fork`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fork {
    /// The stored session's id.
    pub session_id: String,
    /// Transport of the new session's audio.
    pub transport: Transport,
    /// Differences from the stored session.
    pub session: Option<MediaForkConfig>,
}

/// The recording of a stored session: `GET /live/sessions/{session_id}/content`. A stereo WAV with the
/// session's input on the left and its output on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// The stored session's id.
    pub session_id: String,
}

impl Accept {
    /// Accepts this call with this session configuration.
    pub fn new(session_id: impl Into<String>, session: impl Into<AcceptSession>) -> Self {
        Self { session_id: session_id.into(), session: session.into() }
    }
}

impl Reject {
    /// Rejects this call with this SIP status.
    pub fn new(session_id: impl Into<String>, status_code: u16) -> Self {
        Self { session_id: session_id.into(), status_code }
    }
}

impl Refer {
    /// Transfers this call to this URI.
    pub fn new(session_id: impl Into<String>, target_uri: impl Into<String>) -> Self {
        Self { session_id: session_id.into(), target_uri: target_uri.into() }
    }
}

impl HangUp {
    /// Hangs up this call.
    pub fn new(session_id: impl Into<String>) -> Self {
        Self { session_id: session_id.into() }
    }
}

impl Fork {
    /// Continues this session over this transport.
    pub fn new(session_id: impl Into<String>, transport: impl Into<Transport>) -> Self {
        Self { session_id: session_id.into(), transport: transport.into(), session: None }
    }

    /// Sets configuration that differs from the stored session's.
    #[must_use]
    pub fn session(mut self, session: MediaForkConfig) -> Self {
        self.session = Some(session);
        self
    }
}

impl Content {
    /// Downloads the recording of this session.
    pub fn new(session_id: impl Into<String>) -> Self {
        Self { session_id: session_id.into() }
    }
}

#[derive(Serialize)]
struct Accepted<'a> {
    session: &'a AcceptSession,
}

#[derive(Serialize)]
struct Forked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a MediaForkConfig>,
    transport: &'a Transport,
}

fn path<'a>(session_id: &'a str, action: &'static str) -> Vec<&'a str> {
    vec!["live", "sessions", session_id, action]
}

impl Operation for Create {
    type Answer = Created;

    fn parts(&self) -> Parts<'_> {
        Parts::json(vec!["live", "sessions"], JSON, self)
    }

    fn timeout(&self) -> Duration {
        self.transport.timeout()
    }

    fn read(&self, answer: Response<Bytes>) -> Result<Created, RestError> {
        read_json(answer)
    }
}

acknowledged! {
    Accept: it => Parts::json(path(&it.session_id, "accept"), ANY, &Accepted { session: &it.session });
    Reject: it => Parts::json(path(&it.session_id, "reject"), ANY, &Status { status_code: Some(it.status_code) });
    Refer: it => Parts::json(path(&it.session_id, "refer"), ANY, &Referral { target_uri: &it.target_uri });
    HangUp: it => Parts::bare(Method::POST, path(&it.session_id, "hangup"), ANY);
}

impl Operation for Fork {
    type Answer = Created;

    fn parts(&self) -> Parts<'_> {
        let body = Forked { session: self.session.as_ref(), transport: &self.transport };
        Parts::json(path(&self.session_id, "fork"), JSON, &body)
    }

    fn timeout(&self) -> Duration {
        self.transport.timeout()
    }

    fn read(&self, answer: Response<Bytes>) -> Result<Created, RestError> {
        read_json(answer)
    }
}

impl Operation for Content {
    type Answer = Bytes;

    fn parts(&self) -> Parts<'_> {
        Parts::bare(Method::GET, path(&self.session_id, "content"), "application/binary")
    }

    fn read(&self, answer: Response<Bytes>) -> Result<Bytes, RestError> {
        let answer = successful(answer)?;
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if ["text/", JSON].iter().any(|text| content_type.starts_with(text)) {
            return Err(RestError::unreadable(&answer, format!("the body is {content_type}, not audio")));
        }
        Ok(answer.into_body())
    }
}
