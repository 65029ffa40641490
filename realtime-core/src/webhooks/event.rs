use serde::Deserialize;
use serde_json::value::RawValue;

use super::WebhookError;
use crate::wire::{Id, Json};

/// A webhook event, parsed after its signature was verified.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// Id of the event. Identical for every delivery attempt, so use it to detect duplicates.
    pub id: Option<Id>,
    /// When it occurred, in seconds since the Unix epoch.
    pub created_at: Option<i64>,
    /// Type of the event: `realtime.call.incoming`.
    pub kind: String,
    /// Content.
    pub data: WebhookData,
    /// The complete payload, for members that are not typed here.
    pub raw: Json,
}

/// Content of a webhook event, by type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WebhookData {
    /// `realtime.call.incoming`: a SIP call is waiting to be accepted or rejected.
    CallIncoming(IncomingCall),
    /// `live.transport.incoming`: a call is waiting for a Live session to accept it.
    LiveTransportIncoming(LiveTransport),
    /// `live.transport.connected`: media is flowing.
    LiveTransportConnected(LiveTransport),
    /// `live.call.incoming`: the older name of `live.transport.incoming`.
    LiveCallIncoming(LiveTransport),
    /// An event of another type. Its payload is in [`WebhookEvent::raw`].
    Unknown,
}

wire! {
    /// A SIP call waiting to be accepted or rejected.
    pub struct IncomingCall {
        /// Id of the call, for REST requests and for joining it.
        req call_id: Id,
        /// Headers of the INVITE, in order. Empty if none are given.
        #[serde(default, deserialize_with = "nullable")]
        req sip_headers: SipHeaders,
        /// How the media is secured: `srtp`.
        opt sip_media_security: String,
    }

    /// A transport of a Live session.
    pub struct LiveTransport {
        /// Id of the session.
        req session_id: Id,
        /// Kind of transport: `sip`, `webrtc`.
        #[serde(rename = "type")]
        opt transport: String,
        /// Headers of the INVITE, in order. Empty if none are given.
        #[serde(default, deserialize_with = "nullable")]
        req sip_headers: SipHeaders,
        /// How the media is secured: `srtp`.
        opt sip_media_security: String,
    }

    /// A header of a SIP message.
    pub struct SipHeader {
        /// Name, in the original case.
        req name: String,
        /// Value.
        req value: String,
    }
}

/// The headers of a SIP message, in order, including duplicates.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, Deserialize)]
#[serde(transparent)]
pub struct SipHeaders(Vec<SipHeader>);

impl SipHeaders {
    /// All headers, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SipHeader> {
        self.0.iter()
    }

    /// The first value of this name, ignoring case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| &*header.value)
    }

    /// All values of this name, ignoring case, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| &*header.value)
    }
}

impl From<Vec<SipHeader>> for SipHeaders {
    fn from(headers: Vec<SipHeader>) -> Self {
        Self(headers)
    }
}

fn nullable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SipHeaders, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<Id>,
    #[serde(default, deserialize_with = "crate::wire::int::read")]
    created_at: Option<i64>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

impl WebhookEvent {
    /// Parses a payload whose signature was verified, or does not matter.
    ///
    /// # Errors
    /// [`WebhookError::Decode`] if the body is not JSON, has no `type`, or lacks a member required for its type. An
    /// unknown type is not an error.
    pub fn read(body: &[u8]) -> Result<Self, WebhookError> {
        read(body).map_err(WebhookError::Decode)
    }
}

fn read(body: &[u8]) -> Result<WebhookEvent, serde_json::Error> {
    let Envelope { kind, id, created_at, data } = serde_json::from_slice(body)?;
    let data = data.map_or("null", RawValue::get);
    let data = match &*kind {
        "realtime.call.incoming" => WebhookData::CallIncoming(serde_json::from_str(data)?),
        "live.transport.incoming" => WebhookData::LiveTransportIncoming(serde_json::from_str(data)?),
        "live.transport.connected" => WebhookData::LiveTransportConnected(serde_json::from_str(data)?),
        "live.call.incoming" => WebhookData::LiveCallIncoming(serde_json::from_str(data)?),
        _ => WebhookData::Unknown,
    };
    // The envelope was parsed from JSON text, so this is valid JSON.
    Ok(WebhookEvent { id, created_at, kind, data, raw: serde_json::from_slice(body)? })
}

all_or_nothing!(SipHeaders);
