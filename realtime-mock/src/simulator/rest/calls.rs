//! Calls of Realtime sessions.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Answered, Asked, REMEMBERED, Refusal, body, no_call, unauthorized};
use crate::simulator::{
    Simulator,
    request::{SessionKind, key},
    session::Fault,
};

/// A call or a Live session of the REST API, for assertions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SimulatedCall {
    /// Its id: `rtc_..`, `live_..`.
    pub id: String,
    /// State of the call.
    pub state: CallState,
    /// Session configuration as sent. Null until one was sent.
    pub session: Value,
}

/// State of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallState {
    /// Waiting to be accepted or rejected.
    Ringing,
    /// In progress.
    Active,
    /// Rejected with this SIP status.
    Rejected(u16),
    /// Transferred to this URI.
    Referred(String),
    /// It was hung up, or its session has ended.
    HungUp,
}

/// A ringing call: its id, and the webhook delivery that announces it.
#[cfg(feature = "webhooks")]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RingingCall {
    /// The call's id.
    pub id: String,
    /// The signed delivery, to be sent to the application by the test.
    pub delivery: http::Request<Bytes>,
}

#[derive(Default)]
pub(super) struct Calls(VecDeque<SimulatedCall>);

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, id: &str, state: CallState, session: Value) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(SimulatedCall { id: id.into(), state, session });
    }

    pub(super) fn get(&mut self, id: &str) -> Option<&mut SimulatedCall> {
        self.0.iter_mut().find(|call| call.id == id)
    }

    /// The session of a call in progress.
    pub(super) fn joined(&mut self, id: &str) -> Option<Map<String, Value>> {
        let call = self.get(id).filter(|call| call.state == CallState::Active)?;
        let mut session = call.session.as_object().cloned().unwrap_or_default();
        session.remove("model");
        Some(session)
    }
}

impl Simulator {
    /// The calls and Live sessions of the REST API, the oldest first.
    pub fn calls(&self) -> Vec<SimulatedCall> {
        let mut calls: Vec<_> = self.desk.state().calls.0.iter().cloned().collect();
        let is_over = |call: &SimulatedCall| call.state == CallState::Active && !self.live.knows(&call.id);
        calls
            .iter_mut()
            .filter(|call| is_live(&call.id) && is_over(call))
            .for_each(|call| call.state = CallState::HungUp);
        calls
    }

    /// Creates a ringing call, and returns the webhook that announces it: `realtime.call.incoming`, signed like the
    /// service's. `url` is the application's webhook endpoint; `sip_headers` are those of the INVITE.
    ///
    /// # Errors
    /// The URL is invalid.
    #[cfg(feature = "webhooks")]
    pub fn incoming_call(
        &self,
        url: &str,
        webhooks: &realtime_core::webhooks::Webhooks,
        unix: std::time::Duration,
        sip_headers: &[(&str, &str)],
    ) -> Result<RingingCall, http::Error> {
        self.ring(url, webhooks, unix, "rtc", |id| {
            let data = json!({ "call_id": id, "sip_headers": headers(sip_headers) });
            ("realtime.call.incoming", data)
        })
    }

    /// As [`incoming_call`](Self::incoming_call), for a Live session to accept: `live.transport.incoming`.
    ///
    /// # Errors
    /// The URL is invalid.
    #[cfg(feature = "webhooks")]
    pub fn incoming_live_call(
        &self,
        url: &str,
        webhooks: &realtime_core::webhooks::Webhooks,
        unix: std::time::Duration,
        sip_headers: &[(&str, &str)],
    ) -> Result<RingingCall, http::Error> {
        self.ring(url, webhooks, unix, "live", |id| {
            let data = json!({ "session_id": id, "type": "sip", "sip_headers": headers(sip_headers) });
            ("live.transport.incoming", data)
        })
    }

    #[cfg(feature = "webhooks")]
    fn ring(
        &self,
        url: &str,
        webhooks: &realtime_core::webhooks::Webhooks,
        unix: std::time::Duration,
        prefix: &str,
        told: impl FnOnce(&str) -> (&'static str, Value),
    ) -> Result<RingingCall, http::Error> {
        let now = unix.as_secs();
        let mut state = self.desk.state();
        let (id, event) = (state.id(self.settings.seed, prefix), state.id(self.settings.seed, "evt"));
        state.calls.add(&id, CallState::Ringing, Value::Null);
        drop(state);
        let (kind, data) = told(&id);
        let body = json!({ "object": "event", "id": event, "type": kind, "created_at": now, "data": data }).to_string();
        let delivery = http::Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &event)
            .header("webhook-timestamp", now)
            .header("webhook-signature", webhooks.sign(&event, now, body.as_bytes()))
            .body(body.into())?;
        Ok(RingingCall { id, delivery })
    }
}

#[cfg(feature = "webhooks")]
fn headers(sip: &[(&str, &str)]) -> Value {
    sip.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// Whether the id is that of a Live session.
fn is_live(id: &str) -> bool {
    id.starts_with("live")
}

impl Asked<'_> {
    pub(super) fn create_call(&self) -> Answered {
        let content_type = self.request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let (offer, session) = body::offer(content_type.unwrap_or_default(), self.request.body())?;
        let session = self.call_session(session)?;
        let answer = body::declined(&offer)?;
        let id = self.id("rtc");
        self.simulator.desk.state().calls.add(&id, CallState::Active, session);
        let mut answer = Response::new(Bytes::from(answer));
        *answer.status_mut() = StatusCode::CREATED;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/sdp"));
        if let Ok(location) = HeaderValue::try_from(format!("/v1/realtime/calls/{id}")) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        Ok(answer)
    }

    /// The session configuration of a call: from the request, or from the key.
    fn call_session(&self, session: Option<Map<String, Value>>) -> Result<Value, Refusal> {
        let settings = &self.simulator.settings;
        let key = key(self.request.headers());
        let opened = key.and_then(|key| self.simulator.desk.state().secrets.open(&key, self.now, settings.secret_uses));
        let minted = match opened {
            Some(Ok(minted)) => Some(minted.into_session()),
            Some(Err(fault)) => return Err(Refusal(StatusCode::UNAUTHORIZED, fault)),
            None => {
                self.authorize()?;
                None
            }
        };
        match (session, minted) {
            (_, Some((SessionKind::Translation, ..))) => {
                Err(unauthorized("The client secret is for a session of another type."))
            }
            (Some(session), _) => {
                self.session(session.clone(), false, 0)?;
                Ok(session.into())
            }
            (None, Some((_, model, mut session))) => {
                session.extend(model.map(|model| ("model".to_owned(), model.into())));
                Ok(session.into())
            }
            (None, None) => Ok(json!({ "type": "realtime" })),
        }
    }

    /// Accepts, rejects, refers or hangs up.
    pub(super) fn decide(&self, id: &str, action: &str) -> Answered {
        self.authorize()?;
        let body = self.object()?;
        let becomes = match action {
            "accept" => CallState::Active,
            "reject" => match body.get("status_code").map(Value::as_u64) {
                None => CallState::Rejected(603),
                Some(Some(status @ 300..=699)) => CallState::Rejected(status as u16),
                Some(_) => {
                    let message = "Invalid 'status_code': expected a whole number from 300 to 699.";
                    return Err(Fault::new("invalid_value", message).at("status_code").into());
                }
            },
            "refer" => match body.get("target_uri").and_then(Value::as_str) {
                Some(target) => CallState::Referred(target.into()),
                None => return Err(Fault::missing("target_uri").into()),
            },
            "hangup" => CallState::HungUp,
            _ => return Err(Refusal(StatusCode::NOT_FOUND, Fault::new("invalid_url", "Invalid URL"))),
        };
        if becomes == CallState::Active {
            self.session(body.clone(), false, 0)?;
        }
        let mut state = self.simulator.desk.state();
        let expected = |call: &&mut SimulatedCall| match becomes {
            CallState::Active | CallState::Rejected(_) => call.state == CallState::Ringing,
            _ => call.state == CallState::Active,
        };
        let call = state.calls.get(id).filter(expected);
        let call = call.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, no_call(id)))?;
        if becomes == CallState::Active {
            call.session = body.into();
        }
        let over = becomes != CallState::Active;
        call.state = becomes;
        drop(state);
        if over {
            self.simulator.end_sessions_of(id);
        }
        Ok(Response::new(Bytes::new()))
    }
}
