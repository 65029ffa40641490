//! Live sessions that a browser or a telephone holds: the same ones that sidebands attach to.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Answered, Asked, CallState, Refusal, SimulatedCall, answered, body};
use crate::simulator::{
    live::{Media, Room, Shared, config, enter, shapes},
    session::{Fault, shape::Shape},
};

impl Asked<'_> {
    pub(super) fn create_live(&self) -> Answered {
        self.authorize()?;
        let body = self.object()?;
        let asked = body.get("session").ok_or_else(|| Fault::missing("session"))?;
        Shape::Object(shapes::MEDIA).check(asked, "session")?;
        config::check_model(&self.simulator.settings, asked)?;
        self.begin_live(&body, asked, |id, expires_at| config::resolve(asked, id, expires_at))
    }

    pub(super) fn fork_live(&self, id: &str) -> Answered {
        self.authorize()?;
        let body = self.object()?;
        let nothing = json!({});
        let asked = body.get("session").unwrap_or(&nothing);
        Shape::Object(shapes::MEDIA_FORK).check(asked, "session")?;
        let stored = self.stored(id)?;
        self.begin_live(&body, asked, |id, expires_at| config::fork(&stored, asked, id, expires_at))
    }

    /// Begins a session over the transport that the body asks for.
    fn begin_live(
        &self,
        body: &Map<String, Value>,
        asked: &Value,
        configure: impl FnOnce(&str, u64) -> Result<Value, Fault>,
    ) -> Answered {
        let transport = body.get("transport").ok_or_else(|| Fault::missing("transport"))?;
        let mut reported = json!({ "type": transport["type"] });
        let media = match transport["type"].as_str() {
            Some("webrtc") => {
                let offer = transport["sdp"].as_str().ok_or_else(|| Fault::missing("transport.sdp"))?;
                reported["sdp"] = body::declined(offer)?.into();
                Media::WebRtc
            }
            Some("sip") if transport["destination"].is_string() => Media::Sip,
            Some("sip") => return Err(Fault::missing("transport.destination").into()),
            Some(other) => return Err(Fault::value("transport.type", other, &["webrtc", "sip"]).into()),
            None => return Err(Fault::missing("transport.type").into()),
        };
        let room = self.simulator.hold(None, media, self.timer, configure)?;
        let id = enter(&room).id.clone();
        if media == Media::Sip {
            // Nobody lets it ring for long here.
            self.visit(&room, |room| ["ringing", "answered"].map(|what| room.tell_transport(what, json!({}))));
        }
        self.simulator.desk.state().calls.add(&id, CallState::Active, asked.clone());
        Ok(answered(StatusCode::CREATED, &json!({ "session": { "id": id }, "transport": reported })))
    }

    /// The recording of a stored session: stereo, and silent, for no media has flowed.
    pub(super) fn content(&self, id: &str) -> Answered {
        self.authorize()?;
        self.stored(id)?;
        let mut answer = Response::new(Bytes::from(body::silent_wav()));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
        Ok(answer)
    }

    /// Accepts, rejects, refers or hangs up.
    pub(super) fn decide_live(&self, id: &str, action: &str) -> Answered {
        self.authorize()?;
        let body = self.object()?;
        match action {
            "accept" => self.accept_live(id, body.get("session").unwrap_or(&Value::Null)),
            "reject" => match body.get("status_code").and_then(Value::as_u64) {
                Some(status @ 300..=699) => {
                    let mut state = self.simulator.desk.state();
                    ringing(state.calls.get(id), id)?.state = CallState::Rejected(status as u16);
                    Ok(Response::new(Bytes::new()))
                }
                _ => {
                    Err(Fault::new("invalid_value", "Invalid 'status_code': expected a whole number from 300 to 699.")
                        .at("status_code")
                        .into())
                }
            },
            "refer" => match body.get("target_uri").and_then(Value::as_str) {
                Some(target) => self.end_live(id, CallState::Referred(target.into())),
                None => Err(Fault::missing("target_uri").into()),
            },
            "hangup" => self.end_live(id, CallState::HungUp),
            _ => Err(Refusal(StatusCode::NOT_FOUND, Fault::new("invalid_url", "Invalid URL"))),
        }
    }

    fn accept_live(&self, id: &str, asked: &Value) -> Answered {
        Shape::Object(shapes::ACCEPT).check(asked, "session")?;
        config::check_model(&self.simulator.settings, asked)?;
        let mut state = self.simulator.desk.state();
        let call = ringing(state.calls.get(id), id)?;
        let mut config = asked.clone();
        if let Value::Object(members) = &mut config {
            members.remove("type");
        }
        let configure = |id: &str, expires_at| config::resolve(&config, id, expires_at);
        self.simulator.hold(Some(id), Media::Sip, self.timer, configure)?;
        (call.state, call.session) = (CallState::Active, asked.clone());
        Ok(Response::new(Bytes::new()))
    }

    fn end_live(&self, id: &str, becomes: CallState) -> Answered {
        let room = self.simulator.live.open(id, self.timer.now()).ok_or_else(|| no_session(id))?;
        if becomes != CallState::HungUp && enter(&room).media != Media::Sip {
            return Err(Fault::new("invalid_request", "Only a telephone call can be referred.").into());
        }
        self.visit(&room, |room| room.close("close_requested", None));
        if let Some(call) = self.simulator.desk.state().calls.get(id) {
            call.state = becomes;
        }
        Ok(Response::new(Bytes::new()))
    }

    fn visit<R>(&self, room: &Shared, change: impl FnOnce(&mut Room) -> R) {
        self.simulator.live.visit(room, self.timer.now(), change);
    }

    /// A session that was stored and is over.
    fn stored(&self, id: &str) -> Result<Value, Refusal> {
        if self.simulator.live.open(id, self.timer.now()).is_some() {
            let message = format!("The session '{id}' has not ended yet.");
            return Err(Refusal(StatusCode::CONFLICT, Fault::new("session_not_closed", message)));
        }
        Ok(self.simulator.live.stored(id).ok_or_else(|| no_session(id))?.session)
    }
}

/// The call, if nobody has decided on it yet.
fn ringing<'a>(call: Option<&'a mut SimulatedCall>, id: &str) -> Result<&'a mut SimulatedCall, Refusal> {
    let call = call.ok_or_else(|| no_session(id))?;
    if call.state == CallState::Ringing {
        return Ok(call);
    }
    let message = "A decision for this call was already made.";
    Err(Refusal(StatusCode::CONFLICT, Fault::new("decision_already_made", message)))
}

fn no_session(id: &str) -> Refusal {
    let message = format!("There is no session with id '{id}', or it is over.");
    Refusal(StatusCode::NOT_FOUND, Fault::new("session_not_found", message))
}
